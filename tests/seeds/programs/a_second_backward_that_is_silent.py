"""A sum of x + 1 saves nothing, so a second backward raises nothing and doubles `.grad`."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
loss = (x + 1).sum()
loss.backward()
print(x.grad)
loss.backward()
print(x.grad)
