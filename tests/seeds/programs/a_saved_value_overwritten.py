"""exp saves its result for the backward pass; changing that result in place is found out there."""

import torch

x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
y = x.exp()
y += 1
print(y)
y.sum().backward()
