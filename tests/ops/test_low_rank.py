"""The largest singular values and the principal components, beside PyTorch's, which come from random vectors."""

from __future__ import annotations

import numpy as np
import pytest

import nbautograd as nb


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 5, 3)])
@pytest.mark.parametrize("name", ["svd_lowrank", "pca_lowrank"])
def test_all_parts_have_torchs_shapes_and_values(name: str, shape: tuple[int, ...]):
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).normal(size=shape)
    ours = getattr(nb, name)(nb.from_numpy(data), min(shape[-2:]))
    theirs = getattr(torch, name)(torch.from_numpy(data), min(shape[-2:]))
    assert [part.shape for part in ours] == [tuple(part.shape) for part in theirs]
    assert np.allclose(ours[1].numpy(), theirs[1].numpy())
    u, s, v = ours
    whole = data - data.mean(-2, keepdims=True) if name == "pca_lowrank" else data
    assert np.allclose((u * s.unsqueeze(-2) @ v.mT).numpy(), whole)


def test_fewer_values_are_the_largest_ones():
    x = nb.randn(6, 4, dtype=nb.float64).requires_grad_()
    _, s, v = nb.svd_lowrank(x, 2)
    assert v.shape == (4, 2)
    assert nb.allclose(s, nb.linalg.svdvals(x)[:2])
    s.sum().backward()
    assert x.grad.shape == x.shape
    with pytest.raises(ValueError, match="q\\(=9\\) must be non-negative integer and not greater than min"):
        nb.pca_lowrank(x, 9)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("general", [True, False])
@pytest.mark.parametrize(
    "shape", [(2, 9, 9), (7, 7), (3, 8, 8), (1, 12, 12), (2, 2, 7, 7), (10, 10), (4, 9, 9)], ids=str
)
def test_a_few_eigenvalues_and_their_gradients_are_torchs(largest: bool, general: bool, shape: tuple[int, ...]):
    torch = pytest.importorskip("torch")
    x, y = (np.random.default_rng(seed).normal(size=shape) for seed in (0, 1))
    size = shape[-1] * np.eye(shape[-1])
    a, b = x @ x.swapaxes(-1, -2) + size, y @ y.swapaxes(-1, -2) + size
    found = []
    for library, options in ((nb, {}), (torch, {"tol": 1e-14, "niter": -1})):
        torch.manual_seed(0)
        x, y = library.from_numpy(a).requires_grad_(not general), library.from_numpy(b) if general else None
        values, vectors = library.lobpcg(x, k=2, B=y, largest=largest, **options)
        weight = vectors if y is None else y @ vectors
        assert np.allclose((vectors.mT @ weight).detach().numpy(), np.eye(2), atol=1e-7)
        found.append([values.detach().numpy(), vectors.abs().detach().numpy()])
        if not general:
            (grad,) = library.autograd.grad((values * values).sum() + vectors.abs().sum(), [x])
            found[-1].append(grad.numpy())
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-5, 1e-6)


def test_too_few_rows_for_torchs_iteration_are_refused_as_by_torch():
    with pytest.raises(ValueError, match="LOBPCG algorithm is not applicable when the number of A rows"):
        nb.lobpcg(nb.eye(5), k=2)
