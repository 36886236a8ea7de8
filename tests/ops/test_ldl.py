"""LDLᵀ factors of many symmetric matrices, and equations solved with them: PyTorch's numbers."""

import numpy as np
import pytest

import nbautograd


def matrices(seed):
    """A stack of symmetric matrices, or Hermitian ones where the seed is odd; some need pivots of two rows."""
    random = np.random.default_rng(seed)
    size, stack = 1 + seed % 6, ((), (2,), (0,), (2, 3))[seed % 4]
    a = random.standard_normal((*stack, size, size))
    if seed % 2:
        a = a + 1j * random.standard_normal(a.shape)
    a = a + a.conj().swapaxes(-1, -2)
    if seed % 5 == 0 and size > 1:
        a[..., np.arange(size), np.arange(size)] = 0
    return a


@pytest.mark.parametrize("seed", range(30))
def test_factors_and_solutions_are_pytorchs(seed):
    torch = pytest.importorskip("torch")
    a, hermitian = matrices(seed), seed % 2 == 1
    right = np.random.default_rng(seed).standard_normal((*a.shape[:-1], 1 + seed % 3)).astype(a.dtype)
    found = []
    for library in (nbautograd, torch):
        x, b = library.tensor(a), library.tensor(right, requires_grad=True)
        ld, pivots = library.linalg.ldl_factor(x, hermitian=hermitian)
        same = library.linalg.ldl_factor_ex(x, hermitian=hermitian)
        assert same.info.abs().sum() == 0
        found.append([ld.numpy(), pivots.numpy()])
        if np.abs(a).sum(axis=(-2, -1)).all():
            solved = library.linalg.ldl_solve(ld, pivots, b, hermitian=hermitian)
            found[-1].append(solved.detach().numpy())
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
