"""A detached tensor shares its storage: writing to it writes to the original. `clone` makes the copy."""

import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
shared = x.detach()
copied = x.detach().clone()
shared[0] = 100.0
print(x)
print(copied)
