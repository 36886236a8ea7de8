"""A leaf that requires gradients may not be changed in place while recording."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
x += 1
y = x * 2
loss = y.sum()
loss.backward()
