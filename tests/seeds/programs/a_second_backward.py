"""The graph is freed by backward: x² saved x, so a second pass has nothing to work with."""

import torch

x = torch.tensor(3.0, requires_grad=True)
y = x**2
y.backward()
print(x.grad)
y.backward()
