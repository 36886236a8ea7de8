"""The same with `requires_grad=True`."""

import torch

x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x * x
loss = y.sum()
print(loss)
loss.backward()
print(x.grad)
