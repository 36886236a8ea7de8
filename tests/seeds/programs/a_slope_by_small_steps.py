"""A finite difference comes near the slope; autograd gives it exactly."""

import torch


def f(x):
    return x**3 - 2 * x


x = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
f(x).backward()
with torch.no_grad():
    step = 1e-3
    near = (f(x + step) - f(x)) / step
print(x.grad)
print(near)
print(x.grad.item() == 3 * 1.5**2 - 2)
