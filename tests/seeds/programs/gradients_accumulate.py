"""Backward adds to `.grad`: 6, then 12; `zero_` clears it."""

import torch

x = torch.tensor(3.0, requires_grad=True)
y = x**2
y.backward()
print(x.grad)

y = x**2
y.backward()
print(x.grad)

x.grad.zero_()
print(x.grad)
y = x**2
y.backward()
print(x.grad)
