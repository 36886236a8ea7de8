"""The cure for the vector: reduce it first. sum(x) is part of each of the three elements, so it counts three times."""

import numpy
import torch

draw = numpy.random.default_rng(3)
x = torch.tensor(draw.standard_normal(3), dtype=torch.float32, requires_grad=True)
y = torch.tensor(draw.standard_normal(3), dtype=torch.float32, requires_grad=True)
z = (x * y + torch.sum(x)).sum()
z.backward()
print(x.grad)
print(torch.equal(x.grad, y.detach() + 3))
print(y.grad)
print(torch.equal(y.grad, x.detach()))
