"""Only floating-point tensors can require gradients: 3 is refused, 3.0 is not."""

import torch

print(torch.tensor(3.0, requires_grad=True))
print(torch.tensor(3, requires_grad=True))
