"""`detach` gives the value without the history."""

import torch

x = torch.tensor(3.0, requires_grad=True)
y = x**2
clean = y.detach()
print(y.requires_grad, clean.requires_grad)
print(y)
print(clean)
