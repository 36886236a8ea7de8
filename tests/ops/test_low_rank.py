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
