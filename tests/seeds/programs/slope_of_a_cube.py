"""d(x³)/dx = 3x² is 12 at x = 2; the value there is 8."""

import torch

x = torch.tensor(2.0, requires_grad=True)
y = x**3
print(y)
print(x.grad)
y.backward()
print(x.grad)
