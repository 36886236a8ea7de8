"""Copies of views, windows by SciPy's names and histograms of points are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb

from .beside import both, expressions, same_derivatives

COPIES = {
    "alias": lambda t, x: [t.alias_copy(x)],
    "as_strided": lambda t, x: [t.as_strided_copy(x, (2, 2), (1, 2), 1)],
    "diagonal": lambda t, x: [t.diagonal_copy(x, 1), t.diagonal_copy(x, dim1=1, dim2=0)],
    "expand": lambda t, x: [t.expand_copy(x, (2, 3, 3))],
    "narrow": lambda t, x: [t.narrow_copy(x, 1, 0, 2), x.narrow_copy(0, 1, 1)],
    "permute": lambda t, x: [t.permute_copy(x, (1, 0)), t.transpose_copy(x, 0, 1), t.t_copy(x)],
    "select": lambda t, x: [t.select_copy(x, 0, 1), t.slice_copy(x, 1, 0, 3, 2), t.slice_copy(x)],
    "split": lambda t, x: [*t.split_copy(x, 2), *t.split_with_sizes_copy(x, [1, 2], 1), *t.unbind_copy(x, -1)],
    "squeeze": lambda t, x: [t.squeeze_copy(t.unsqueeze_copy(x, 0)), t.squeeze_copy(x[:1], 0)],
    "unfold": lambda t, x: [t.unfold_copy(x, 1, 2, 1), t.view_copy(x, (9,)), t.view_copy(x, (3, -1))],
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_of_views_and_their_derivatives_are_torchs(name: str):
    same_derivatives(lambda t, x: [y * y for y in COPIES[name](t, x)], np.arange(9.0).reshape(3, 3))


def test_a_copy_is_no_view():
    x = nb.zeros(2, 3)
    nb.t_copy(x)[0] = 1
    nb.unbind_copy(x)[0].fill_(1)
    assert not x.any()
    out = nb.empty(3, 2)
    assert nb.t_copy(x, out=out) is out
    assert not nb.detach_copy(nb.ones(2, requires_grad=True)).requires_grad


WINDOWS = [
    ("bartlett", {}),
    ("blackman", {}),
    ("cosine", {}),
    ("exponential", {"tau": 2.5}),
    ("gaussian", {"std": 3.0}),
    ("general_cosine", {"a": [0.4, 0.3, 0.2, 0.1]}),
    ("general_hamming", {"alpha": 0.6}),
    ("hamming", {}),
    ("hann", {}),
    ("kaiser", {"beta": 7.0}),
    ("nuttall", {}),
]


@pytest.mark.parametrize(("name", "options"), WINDOWS)
@pytest.mark.parametrize("sym", [True, False])
def test_windows_by_scipys_names_are_torchs(name: str, options: Any, sym: bool):
    torch = pytest.importorskip("torch")
    for length in (0, 1, 2, 5, 12):
        ours, theirs = (
            getattr(library.signal.windows, name)(length, sym=sym, dtype=library.float64, **options)
            for library in (nb, torch)
        )
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-6, 1e-7)
        assert getattr(nb.signal.windows, name)(length, **options).dtype is nb.float32


@expressions("""
    torch.signal.windows.exponential(5, center=1, sym=False)
    torch.signal.windows.exponential(5, center=1)
    torch.signal.windows.exponential(5, tau=-1)
    torch.signal.windows.gaussian(5, std=0)
    torch.signal.windows.kaiser(5, beta=-1)
    torch.signal.windows.hann(-1)
    torch.signal.windows.hann(3, dtype=torch.int64)
    torch.signal.windows.general_cosine(3, a=[])
    torch.signal.windows.general_cosine(3, a=1)
    torch.histogramdd(torch.tensor([[0., 1.], [1., 0.], [2., 0.], [2., 2.]]), bins=[3, 3])
    torch.histogramdd(torch.tensor([[0., 1.], [1., 0.], [2., 0.]]), [2, 3], weight=torch.tensor([1., 2., 4.]))
    torch.histogramdd(torch.tensor([[0., .1], [.3, 0.], [.4, .8]]), 2, range=[0., 1., 0., 1.], density=True)
    torch.histogramdd(torch.tensor([[0.], [1.], [5.]]), [torch.tensor([0., 1., 2.])])
    torch.histogramdd(torch.zeros(3, 2), [1, 2, 3])
""")
def test_windows_and_histograms_print_and_fail_as_torchs(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs
