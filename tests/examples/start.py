"""The same start in every library: initial weights drawn by NumPy."""

import math

import numpy


def draw_weights(torch, model, seed=0):
    """Fill `model` uniformly within ±1/√(inputs), `nn.Linear`'s own range."""
    draw = numpy.random.default_rng(seed)
    inputs = 1
    with torch.no_grad():
        for parameter in model.parameters():
            inputs = math.prod(parameter.shape[1:]) if parameter.ndim > 1 else inputs  # a bias has its weight's range
            values = draw.uniform(-1, 1, tuple(parameter.shape)) / inputs**0.5
            parameter.copy_(torch.tensor(values, dtype=parameter.dtype))
    return model
