"""Modules and functions of sequences, beside PyTorch: outputs, gradients, gradients of gradients, errors."""

import numpy as np
import pytest

import nbautograd

from .both import copy_weights


def flat(result):
    """All tensors in nested tuples; None is left out."""
    if isinstance(result, tuple | list):
        return [t for r in result for t in flat(r)]
    return [] if result is None else [result]


def modules(build, dtype="float64"):
    """`build(library)` in both libraries, with PyTorch's weights and in evaluation."""
    torch = pytest.importorskip("torch")
    theirs = build(torch).to(getattr(torch, dtype)).eval()
    ours = build(nbautograd).to(getattr(nbautograd, dtype)).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    copy_weights(theirs, ours)
    return ours, theirs


def leaves(library, arrays):
    made = [library.tensor(a) for a in arrays]
    return [t.requires_grad_() if a.dtype.kind == "f" else t for t, a in zip(made, arrays, strict=True)]


def differentiate(library, run, arrays, parameters):
    """Outputs, gradients, and gradients of a combination of the gradients."""
    inputs = leaves(library, arrays)
    sources = [t for t in [*inputs, *parameters] if t.requires_grad]
    outputs = [o for o in flat(run(*inputs)) if o.dtype.is_floating_point]
    total = sum((o * o * weights(library, o)).sum() for o in outputs if o.requires_grad)
    firsts = library.autograd.grad(total, sources, create_graph=True, allow_unused=True)
    again = sum((g * g * weights(library, g)).sum() for g in firsts if g is not None and g.requires_grad)
    seconds = library.autograd.grad(again, sources, allow_unused=True)
    return [[None if t is None else t.detach().numpy() for t in ts] for ts in (outputs, firsts, seconds)]


def weights(library, t):
    return library.tensor(np.cos(np.arange(t.numel())).reshape(tuple(t.shape)), dtype=t.dtype)


def assert_same(build, run, *arrays, rtol=1e-7, atol=1e-9):
    """`run(module, library, *inputs)` gives the same in both libraries, up to the second order."""
    torch = pytest.importorskip("torch")
    ours, theirs = modules(build)
    got = differentiate(nbautograd, lambda *x: run(ours, nbautograd, *x), arrays, list(ours.parameters()))
    expected = differentiate(torch, lambda *x: run(theirs, torch, *x), arrays, list(theirs.parameters()))
    for which, mine, other in zip(("output", "gradient", "second"), got, expected, strict=True):
        assert len(mine) == len(other)
        for i, (a, b) in enumerate(zip(mine, other, strict=True)):
            if a is None or b is None:  # no gradient is one of zeros
                a, b = (np.zeros(1) if t is None else t for t in (a, b))
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=f"{which} {i}")


def draw(*shape, seed=0):
    """Floats between -1 and 1, the same on every run."""
    return np.random.default_rng(seed).uniform(-1, 1, shape)
