"""Without `requires_grad=True` nothing is recorded, and backward says so."""

import torch

x = torch.tensor([2.0, 3.0])
y = x * x
loss = y.sum()
print(loss)
loss.backward()
