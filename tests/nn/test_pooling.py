"""Pools compute, differentiate and print as PyTorch's; what they took can be put back."""

import numpy as np
import pytest

import nbautograd

from .both import compare, same_error


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


ROW, IMAGE, VOLUME = rand(2, 3, 9), rand(2, 3, 7, 6), rand(2, 3, 5, 4, 6)

POOLS = {
    "max 1d": (lambda t: t.nn.MaxPool1d(3, stride=2, padding=1), ROW),
    "max 2d": (lambda t: t.nn.MaxPool2d(2), IMAGE),
    "max 2d, many": (lambda t: t.nn.MaxPool2d((3, 2), 1, (1, 0), (2, 1), ceil_mode=True), IMAGE),
    "max 2d, unbatched": (lambda t: t.nn.MaxPool2d(3, 2), IMAGE[0]),
    "max 3d": (lambda t: t.nn.MaxPool3d(2, stride=(1, 2, 2)), VOLUME),
    "mean 1d": (lambda t: t.nn.AvgPool1d(3, padding=1), ROW),
    "mean 2d": (lambda t: t.nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
    "mean 2d, divisor": (lambda t: t.nn.AvgPool2d((2, 3), divisor_override=2), IMAGE),
    "mean 3d": (lambda t: t.nn.AvgPool3d(2), VOLUME),
    "norm 1d": (lambda t: t.nn.LPPool1d(2, 3, stride=1), ROW),
    "norm 2d": (lambda t: t.nn.LPPool2d(3.0, 2), abs(IMAGE)),
    "norm 3d": (lambda t: t.nn.LPPool3d(2, 2, ceil_mode=True), VOLUME),
    "means of bins 1d": (lambda t: t.nn.AdaptiveAvgPool1d(4), ROW),
    "means of bins 2d": (lambda t: t.nn.AdaptiveAvgPool2d((None, 4)), IMAGE),
    "one mean": (lambda t: t.nn.AdaptiveAvgPool2d(1), IMAGE),
    "means of bins 3d": (lambda t: t.nn.AdaptiveAvgPool3d((2, 3, 4)), VOLUME),
    "maxima of bins 1d": (lambda t: t.nn.AdaptiveMaxPool1d(4), ROW),
    "maxima of bins 2d": (lambda t: t.nn.AdaptiveMaxPool2d((3, None)), IMAGE),
    "maxima of bins 3d": (lambda t: t.nn.AdaptiveMaxPool3d(2), VOLUME),
}
each_pool = pytest.mark.parametrize(("build", "x"), POOLS.values(), ids=POOLS)


@each_pool
def test_output_gradient_and_text_are_pytorchs(build, x):
    torch = pytest.importorskip("torch")
    assert repr(build(nbautograd)) == repr(build(torch))
    compare(build(nbautograd), build(torch), [x])


@pytest.mark.parametrize("n", [2, 3])
def test_a_fractional_pool_is_pytorchs_for_the_same_places(n):
    torch = pytest.importorskip("torch")
    x, places = (IMAGE, VOLUME)[n - 2], np.random.default_rng(0).random((2, 3, n))
    pools = [
        getattr(t.nn, f"FractionalMaxPool{n}d")(2, output_ratio=0.5, _random_samples=t.tensor(places))
        for t in (nbautograd, torch)
    ]
    assert repr(pools[0]) == repr(pools[1])
    compare(*pools, [x])


def test_a_fractional_pool_draws_its_places():
    pool = nbautograd.nn.FractionalMaxPool2d(2, output_size=(5, 3), return_indices=True)
    x = nbautograd.tensor(IMAGE[0])
    y, index = pool(x)
    assert y.shape == index.shape == (3, 5, 3)
    assert (x.flatten(1).gather(1, index.flatten(1)) == y.flatten(1)).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_max_pool_is_undone(n):
    torch = pytest.importorskip("torch")
    x = (ROW, IMAGE, VOLUME)[n - 1]
    found = []
    for t in (nbautograd, torch):
        pool = getattr(t.nn, f"MaxPool{n}d")(2, return_indices=True)
        unpool = getattr(t.nn, f"MaxUnpool{n}d")(2)
        a = t.tensor(x, requires_grad=True)
        y, index = pool(a)
        back = unpool(y, index, output_size=tuple(x.shape))
        (back * t.tensor(np.cos(np.arange(x.size)).reshape(x.shape))).sum().backward()
        found.append((index.numpy(), back.detach().numpy(), a.grad.numpy(), repr(unpool)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_of_equal_elements_the_first_one_is_the_largest():
    """As after a ReLU, where many zeros meet."""
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).integers(0, 2, (3, 4, 9, 8)).astype("float32")
    for build in (lambda t: t.nn.MaxPool2d(2), lambda t: t.nn.MaxPool2d(3, 2, 1), lambda t: t.nn.AdaptiveMaxPool2d(4)):
        compare(build(nbautograd), build(torch), [x], rtol=1e-6)


def test_whole_numbers_are_pooled():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).integers(-5, 5, (1, 2, 4, 4))
    for kernel, padding in ((2, 0), (3, 1)):
        ours, theirs = (t.nn.functional.max_pool2d(t.tensor(x), kernel, padding=padding) for t in (nbautograd, torch))
        np.testing.assert_array_equal(ours, theirs)


def test_a_window_with_nan_gives_nan():
    x = nbautograd.tensor([[[1.0, float("nan"), 3.0, 4.0]]])
    np.testing.assert_array_equal(nbautograd.nn.functional.max_pool1d(x, 2), [[[np.nan, 4.0]]])


WRONG = """
F.max_pool2d(t.ones(4, 8), 2)
F.max_pool2d(t.ones(1, 3, 4, 8, 1), 2)
F.max_pool1d(t.ones(1, 3, 4, 8), 2)
F.max_pool2d(t.ones(1, 1, 1, 1), 2)
F.max_pool2d(t.ones(1, 1, 4, 4), 2, padding=2)
F.max_pool1d(t.ones(1, 1, 4), 2, padding=2)
F.max_pool1d(t.ones(1, 1, 1), 2)
F.max_pool1d(t.ones(4), 2)
F.max_pool2d(t.ones(1, 1, 4, 4), 2, stride=0)
F.max_pool2d(t.ones(1, 1, 4, 4), 2, dilation=0)
F.max_pool2d(t.ones(1, 1, 4, 4), (1, 2, 3))
F.max_pool3d(t.ones(1, 4, 4), 2)
F.max_pool3d(t.ones(1, 1, 1, 1, 1), 2)
F.max_pool2d(t.ones(1, 0, 4, 4), 2)
F.avg_pool2d(t.ones(1, 1, 4, 4), 2, padding=2)
F.avg_pool2d(t.ones(1, 1, 1, 1), 2)
F.avg_pool2d(t.ones(1, 1, 4, 4), 2, divisor_override=0)
F.avg_pool1d(t.ones(4), 2)
F.avg_pool1d(t.ones(1, 1, 1), 2)
F.avg_pool3d(t.ones(1, 4, 4), 2)
F.adaptive_avg_pool2d(t.ones(4, 8), 2)
F.adaptive_avg_pool1d(t.ones(8), 2)
F.adaptive_avg_pool3d(t.ones(8, 2), 2)
F.adaptive_avg_pool2d(t.ones(1, 4, 8), (2, 3, 4))
F.adaptive_max_pool2d(t.ones(4, 8), 2)
F.adaptive_max_pool1d(t.ones(8), 2)
F.adaptive_max_pool2d(t.ones(1, 4, 0), 2)
F.fractional_max_pool2d(t.ones(1, 1, 4, 4), 2)
t.nn.FractionalMaxPool2d(2)
t.nn.FractionalMaxPool2d(2, output_size=2, output_ratio=0.5)
F.max_unpool2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 2, 2), 2)
F.max_unpool2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 2, 2).long() * 99, 2)
F.max_unpool2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 2, 3).long(), 2)
F.max_unpool2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 2, 2).long(), 2, output_size=(9, 9))
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_bad_input_gets_pytorchs_error(expression):
    pytest.importorskip("torch")
    same_error(lambda t: eval(expression, {"t": t, "F": t.nn.functional}))
