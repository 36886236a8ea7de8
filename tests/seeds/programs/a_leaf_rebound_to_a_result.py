"""`x = x + 1` makes the name x mean a result, and results keep no `.grad`: None, with a warning."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
x = x + 1
y = x * 2
loss = y.sum()
loss.backward()
print(x.is_leaf)
print(x.grad)
