"""Von Mises and LKJ distributions on many parameters: value, gradient and second derivative are PyTorch's."""

import numpy as np
import pytest

import nbautograd


def derivatives(library, build, params, value):
    """log p, its gradient for parameters and value, and the gradient of that gradient's square."""
    leaves = [library.tensor(p, dtype=library.float64, requires_grad=True) for p in (*params, value)]
    found = build(library.distributions, *leaves[:-1]).log_prob(leaves[-1])
    grads = library.autograd.grad(found.sum(), leaves, create_graph=True, allow_unused=True)
    bent = sum((g**2).sum() for g in grads if g is not None)
    second = library.autograd.grad(bent, leaves, allow_unused=True)
    return [x.detach().numpy() for x in (found, *grads, *second) if x is not None]


def assert_same(build, params, value, rtol):
    torch = pytest.importorskip("torch")
    ours, theirs = (derivatives(library, build, params, value) for library in (nbautograd, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol, 1e-9)


SHAPES = ((), (1,), (3,), (2, 3), (4, 1))


@pytest.mark.parametrize("seed", range(25))
def test_von_mises_is_pytorchs(seed):
    """PyTorch's Bessel function is a polynomial fit, good to seven digits; its second derivative to fewer."""
    random = np.random.default_rng(seed)
    shape = SHAPES[seed % len(SHAPES)]
    loc, value = random.uniform(-3, 3, (2, *shape))
    concentration = random.uniform(0.2, 3.0, shape) * (10 if seed % 3 == 0 else 1)
    assert_same(lambda d, a, b: d.VonMises(a, b), (loc, concentration), value, 1e-4)


@pytest.mark.parametrize("seed", range(25))
def test_lkj_is_pytorchs(seed):
    random = np.random.default_rng(seed)
    size, shape = 2 + seed % 4, SHAPES[seed % len(SHAPES)]
    concentration = random.uniform(0.3, 4.0, shape)
    x = random.standard_normal((*shape, size, size + 3))
    covariance = x @ x.swapaxes(-1, -2)
    scale = 1 / np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    factor = np.linalg.cholesky(covariance * scale[..., :, None] * scale[..., None, :])
    assert_same(lambda d, a: d.LKJCholesky(size, a), (concentration,), factor, 1e-7)
