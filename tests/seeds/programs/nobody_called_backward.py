"""`.grad` stays None until backward runs."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x * 3
print(x.grad)
loss = y.sum()
loss.backward()
print(x.grad)
