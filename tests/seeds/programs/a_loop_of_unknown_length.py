"""A `while` whose length depends on the data: doubling until the value passes 100."""

import torch

x = torch.tensor(3.0, requires_grad=True)
y = x
steps = 0
while y < 100:
    y = y * 2
    steps += 1
y.backward()
print(steps, y)
print(x.grad)
