"""The same parameters and gradients in PyTorch and here."""

import numpy as np

import nbautograd


def parameters(library, shapes, dtype="float64", seed=0):
    draw = np.random.default_rng(seed)
    return [
        library.tensor(draw.standard_normal(shape), dtype=getattr(library, dtype), requires_grad=True)
        for shape in shapes
    ]


def give_gradients(library, params, step):
    """Gradients of a bowl around another point at each step, with noise, so that all parts of a rule matter."""
    draw = np.random.default_rng(1000 + step)
    for p in params:
        noise = draw.standard_normal(tuple(p.shape))
        p.grad = library.tensor(p.detach().numpy() + noise, dtype=p.dtype)


def values(params):
    return [p.detach().numpy().copy() for p in params]


def both():
    import torch

    return nbautograd, torch
