"""`backward()` without arguments needs a scalar: x * y + sum(x) still has three elements."""

import numpy
import torch

draw = numpy.random.default_rng(3)
x = torch.tensor(draw.standard_normal(3), dtype=torch.float32, requires_grad=True)
y = torch.tensor(draw.standard_normal(3), dtype=torch.float32, requires_grad=True)
z = x * y + torch.sum(x)
print(z)
z.backward()
