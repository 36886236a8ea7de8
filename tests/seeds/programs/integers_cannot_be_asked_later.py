"""The same refusal when the gradient is asked for after the tensor was made."""

import torch

x = torch.tensor([1, 2, 3])
print(x, x.dtype)
x.requires_grad_()
