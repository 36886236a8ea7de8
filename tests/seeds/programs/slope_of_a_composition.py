"""The chain rule through a named intermediate value: d(2x² + 1)/dx = 4x."""

import torch

x = torch.tensor(2.0, requires_grad=True)
y = x**2
z = 2 * y + 1
print(y, z)
z.backward()
print(x.grad)
