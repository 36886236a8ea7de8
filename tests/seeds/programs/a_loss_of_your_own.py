"""Any Python function of tensors is a loss; both of its arguments get a gradient."""

import numpy
import torch

draw = numpy.random.default_rng(4)
x = torch.tensor(draw.standard_normal(2), dtype=torch.float32, requires_grad=True)
weights = torch.tensor(draw.standard_normal(2), dtype=torch.float32, requires_grad=True)


def weighted_squares(x, weights):
    return torch.sum(weights * x**2)


loss = weighted_squares(x, weights)
loss.backward()
print(loss)
print(x.grad)
print(weights.grad)
