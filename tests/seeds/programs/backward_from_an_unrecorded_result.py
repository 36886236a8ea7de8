"""A result made under `no_grad` has no way back."""

import torch

x = torch.tensor(3.0, requires_grad=True)
with torch.no_grad():
    y = x**2
y.backward()
