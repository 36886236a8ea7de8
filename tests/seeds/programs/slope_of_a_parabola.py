"""The slope of 3x² + 5 at x = 4, once by the power rule and once by autograd."""

import torch

x = 4.0
by_hand = 6 * x
print(by_hand)

x = torch.tensor(4.0, requires_grad=True)
y = 3 * (x**2) + 5
y.backward()
print(x.grad)
