"""A result remembers the operation that made it; a leaf has no such memory."""

import torch

x = torch.tensor(3.0, requires_grad=True)
y = x**2 + 1
print(x)
print(y)
print(x.grad_fn, y.grad_fn.name())
print(x.is_leaf, y.is_leaf)
