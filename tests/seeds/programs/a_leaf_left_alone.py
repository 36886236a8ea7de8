"""The two right ways: a new name for the result, or the change of value under `no_grad`."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
z = x + 1
loss = (z * 2).sum()
loss.backward()
print(x.grad)

x.grad = None
with torch.no_grad():
    x += 1
loss = (x * x).sum()
loss.backward()
print(x)
print(x.grad)
