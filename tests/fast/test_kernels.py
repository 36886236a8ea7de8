"""A kernel gives what the text of its op gives: on the table's samples, on large arrays, on NaN and infinity."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd import fast
from nbautograd.core.op import TABLE
from nbautograd.ops.conv import kernels as kernels_of_convolution
from nbautograd.ops.conv.kernels import geometry
from nbautograd.ops.index.meeting import add_at
from tests.ops import test_table
from tests.ops.table import SAMPLED

pytest.importorskip("numba", reason="needs numba: pip install nbautograd[fast]")

OPS = ("lstm", "gru", "convolution", "conv_transpose", "conv_taps")
SERVED = [TABLE[name] for name in (*fast.KERNELS, *OPS) if name in TABLE]
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-13}
SHAPES = [(3, 4), (64, 10), (7, 129), (2, 5, 33), (300, 2), (1, 5000), (0, 3), (3, 1)]
dtypes = pytest.mark.parametrize("dtype", TOLERANCE)


@pytest.fixture(autouse=True, scope="module")
def kernels() -> Iterator[None]:
    fast.start()
    least = dict(fast.LEAST)
    fast.LEAST.update(dict.fromkeys(least, 1))
    yield
    fast.LEAST.update(least)
    fast.stop()


def numbers(dtype: Any, *shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype) * 3


def with_odd_ones(x: Any) -> Any:
    """`x` with NaN and both infinities in some places."""
    x = x.copy()
    x.reshape(-1)[1::17], x.reshape(-1)[5::23], x.reshape(-1)[9::31] = np.nan, np.inf, -np.inf
    return x


def parts_of(result: Any) -> list[Any]:
    """The arrays and numbers in what a forward function returned."""
    if isinstance(result, tuple):
        return [part for each in result for part in parts_of(each)]
    return [] if result is None else [result]


def assert_served(name: str, *args: Any, kernel: bool = True, **settings: Any) -> None:
    """The op gives what its text gives, and a kernel did it (or, where there is none for it, did not)."""
    op = TABLE[name]
    adapter = fast.running[name]
    with np.errstate(all="ignore"):
        if args[0].size:
            assert (adapter(*args, **settings) is not None) == kernel
        got, expected = (parts_of(f(*args, **settings)) for f in (op.forward, inspect.unwrap(op.forward)))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        rtol = TOLERANCE.get(b.dtype.type, 0)
        finite = np.abs(b[np.isfinite(b)])
        np.testing.assert_allclose(a, b, rtol=rtol, atol=2 * rtol * (finite.max() if finite.size else 0))


@pytest.mark.parametrize("op", test_table.beside_torch([op for op in SAMPLED if op in SERVED]), ids=lambda op: op.name)
@pytest.mark.parametrize("strided", [False, True], ids=["", "strided"])
def test_a_served_op_passes_the_tests_of_the_table(op: Any, strided: bool):
    test_table.test_an_op_computes_what_torch_computes(op, strided)
    test_table.test_an_op_has_torchs_gradient(op, strided)
    if not strided:
        test_table.test_an_op_keeps_float32(op)
        test_table.test_an_op_has_torchs_second_derivative(op)


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("odd", [False, True], ids=["", "odd"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_kernels_along_rows(name: str, shape: tuple[int, ...], dtype: Any, odd: bool):
    x = numbers(dtype, *shape)
    assert_served(name, with_odd_ones(x) if odd else x, dim=-1)
    assert_served(name, x.T, dim=-1, kernel=x.T.flags.c_contiguous)
    assert_served(name, x, dim=0, kernel=False)


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_kernels_of_gradients_along_rows(name: str, shape: tuple[int, ...], dtype: Any):
    out = TABLE[name].forward(numbers(dtype, *shape), dim=-1)
    for g in (numbers(dtype, *shape, seed=1), with_odd_ones(numbers(dtype, *shape, seed=1))):
        assert_served(f"{name}_backward", g, out, dim=-1)


@dtypes
def test_rows_far_from_zero_neither_overflow_nor_lose_digits(dtype: Any):
    x = numbers(dtype, 20, 50) * np.array([1, 30, 100, 1e4], dtype).repeat(5)[:, None]
    for name in ("softmax", "log_softmax", "logsumexp"):
        assert_served(name, x, dim=-1)
        assert_served(name, np.full((2, 9), -np.inf, dtype), dim=-1)


@dtypes
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_kernels_of_cross_entropy(classes: int, dtype: Any):
    for make in (lambda x: x, with_odd_ones):
        x, y = make(numbers(dtype, 50, classes)), np.random.default_rng(1).integers(0, classes, 50)
        assert_served("cross_entropy", x, y, None)
        for g in (1.0, -2.5, np.nan):
            _, p, scale = TABLE["cross_entropy"].forward(x, y, None)
            known = {"target": y, "probabilities": p, "scale": scale, "smoothing": 0.0}
            assert_served("cross_entropy_backward", x.dtype.type(g), x, None, **known)


def test_cross_entropy_with_settings_or_strange_classes_is_left_to_the_text():
    x, y = numbers(np.float32, 8, 5), np.arange(8) % 5
    assert_served("cross_entropy", x, np.where(y == 2, -100, y), None, kernel=False)
    assert_served("cross_entropy", x, y, None, smoothing=0.1, kernel=False)
    assert_served("cross_entropy", x, y, None, reduction="sum", kernel=False)
    assert_served("cross_entropy", x, y, None, ignore_index=3, kernel=False)
    assert_served("cross_entropy", x, y, np.ones(5, np.float32), kernel=False)
    with pytest.raises(IndexError, match="Target 5 is out of bounds"):
        nb.nn.functional.cross_entropy(nb.tensor(x), nb.tensor(y + 3))


@dtypes
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[-1] != 2], ids=str)  # two that are near cancel
def test_the_kernels_of_layer_norm(shape: tuple[int, ...], dtype: Any):
    w, b, g = (numbers(dtype, *s, seed=i) for i, s in enumerate([shape[-1:], shape[-1:], shape], 1))
    given = {"axes": (len(shape) - 1,), "eps": 1e-5}
    plain = numbers(dtype, *shape) + 5
    for x in (plain, with_odd_ones(plain)):
        assert_served("layer_norm", x, w, b, **given)
        assert_served("layer_norm", x, None, None, **given, kernel=False)
        _, normal, rstd = TABLE["layer_norm"].forward(x, w, b, **given)
        assert_served("layer_norm_backward", g, x, w, normal=normal, rstd=rstd, **given)


@dtypes
def test_rows_of_one_number_are_normalised_to_zero(dtype: Any):
    x = np.repeat(np.array([[3], [0.1], [1000.1], [-7e6]], dtype), 101, 1)
    w, b = numbers(dtype, 101), numbers(dtype, 101, seed=1)
    out, normal, rstd = fast.running["layer_norm"](x, w, b, axes=(1,), eps=1e-5)
    assert not normal.any()
    np.testing.assert_array_equal(out, np.broadcast_to(b, x.shape))
    np.testing.assert_allclose(rstd, 1e-5**-0.5, rtol=TOLERANCE[dtype])


@dtypes
@pytest.mark.parametrize("shape", [(4, 3, 7), (3, 5, 6, 9), (2, 1, 3, 4, 5), (6, 2, 1)], ids=str)
def test_the_kernels_of_batch_norm(shape: tuple[int, ...], dtype: Any):
    w, b, g = (numbers(dtype, *s, seed=i) for i, s in enumerate([shape[1:2], shape[1:2], shape], 1))
    plain = numbers(dtype, *shape) + 5
    for x in (plain, with_odd_ones(plain)):
        for given in ((w, b), (w, None), (None, None)):
            assert_served("batch_norm", x, *given, eps=1e-5)
            _, normal, rstd, *_ = TABLE["batch_norm"].forward(x, *given, eps=1e-5)
            assert_served("batch_norm_backward", g, x, given[0], normal=normal, rstd=rstd, eps=1e-5)
    assert_served("batch_norm", plain[..., 0], w, b, eps=1e-5, kernel=False)


@dtypes
@pytest.mark.parametrize("divisor", [None, 3])
def test_the_kernels_of_mean_pools(divisor: Any, dtype: Any):
    for sizes, how in (((6, 36), {}), ((7, 36), {}), ((6, 36), {"padding": (1, 1)}), ((2, 8), {})):
        padding = how.get("padding", (0, 0))
        windows = tuple((n + 2 * p) // 2 for n, p in zip(sizes, padding, strict=True))
        where = {"kernel": (2, 2), "stride": (2, 2), "padding": padding, "windows": windows}
        where |= {"include": True, "divisor": divisor}
        covered = not how and sizes[0] % 2 == 0
        for x in (numbers(dtype, 2, 3, *sizes), with_odd_ones(numbers(dtype, 2, 3, *sizes))):
            assert_pooled("avg_pool2d", (x,), where, covered and sizes[1] > 8)
            assert_pooled(
                "avg_pool2d_backward", (TABLE["avg_pool2d"].forward(x, **where),), {"size": sizes, **where}, covered
            )


@dtypes
@pytest.mark.parametrize("name", ["gelu", "gelu_tanh"])
def test_the_kernels_of_gelu(name: str, dtype: Any):
    kernel = name != "gelu" or dtype is np.float32  # exact gelu in double precision is SciPy's
    for x in (np.linspace(-12, 12, 5001, dtype=dtype), with_odd_ones(numbers(dtype, 9, 77)), numbers(dtype, 0, 3)):
        for needs_slope in (True, False):
            assert_served(name, x, needs_slope=needs_slope, kernel=kernel)
        assert_served(name, np.stack([x, x], -1)[..., 0], needs_slope=True, kernel=False)


@dtypes
@pytest.mark.parametrize("sizes", [(6, 32), (2, 38), (4, 8), (7, 32)])
@pytest.mark.parametrize("stride", [2, 1])
def test_the_kernels_of_max_pool(sizes: tuple[int, int], stride: int, dtype: Any):
    windows = tuple((n - 2) // stride + 1 for n in sizes)
    pair = (stride, stride)
    where = {"kernel": (2, 2), "stride": pair, "padding": (0, 0), "dilation": (1, 1), "windows": windows}
    covered = stride == 2 and sizes[0] % 2 == 0
    plain = numbers(dtype, 2, 3, *sizes)
    for x in (plain, with_odd_ones(plain), np.round(plain), plain * 0):
        assert_pooled("max_pool2d", (x,), where, covered and sizes[1] > 8)
        best, choice = TABLE["max_pool2d"].forward(x, **where)
        assert_pooled("max_pool2d_backward", (best,), {"choice": choice, "size": sizes, **where}, covered)


def assert_pooled(name: str, arrays: Any, settings: Any, kernel: bool) -> None:
    """`assert_served` for ops with a setting called `kernel`."""
    adapter, op = fast.running[name], TABLE[name]
    assert (adapter(*arrays, **settings) is not None) == kernel
    got, expected = (parts_of(f(*arrays, **settings)) for f in (op.forward, inspect.unwrap(op.forward)))
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


CONVOLVED: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any], bool]] = [
    ((3, 5, 9, 11), (7, 5, 3, 3), {"padding": 1}, True),
    ((2, 3, 8, 17), (20, 3, 3, 2), {}, True),
    ((1, 2, 40, 3), (9, 2, 5, 2), {"padding": (3, 0), "dilation": (2, 1)}, True),
    ((2, 4, 5, 5), (3, 4, 2, 2), {"padding": 3}, True),
    ((2, 60, 12, 12), (2, 60, 3, 3), {"padding": 1}, True),
    ((2, 3, 700), (5, 3, 7), {"padding": 3}, True),
    ((2, 4, 9, 9), (6, 2, 3, 3), {"groups": 2}, True),
    ((2, 4, 9, 9), (6, 4, 3, 3), {"stride": 2}, True),
    ((5, 9, 9, 10), (9, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 9}, True),
    ((1, 2, 5, 5, 5), (5, 2, 2, 2, 2), {}, True),
    ((2, 6, 7, 8, 9), (9, 2, 3, 1, 2), {"stride": (1, 2, 3), "padding": (1, 0, 2), "groups": 3}, True),
    ((2, 3, 33), (4, 3, 4), {"stride": 4, "dilation": 2}, True),
    ((0, 3, 8, 8), (4, 3, 3, 3), {}, False),
    ((2, 17, 6, 6), (4, 17, 1, 1), {}, False),
    ((2, 3, 40), (4, 3, 8), {"stride": 8}, False),
]


@dtypes
@pytest.mark.parametrize(("x", "w", "how", "kernel"), CONVOLVED, ids=str)
def test_the_kernels_of_convolutions(x: tuple[int, ...], w: tuple[int, ...], how: Any, kernel: bool, dtype: Any):
    def results() -> list[Any]:
        data = numbers(dtype, *x, seed=1)
        found: list[Any] = []
        for laid in (data, np.asfortranarray(data)):
            given = nb.tensor(laid, requires_grad=True)
            weight = nb.tensor(numbers(dtype, *w, seed=2), requires_grad=True)
            bias = nb.tensor(numbers(dtype, w[0], seed=3), requires_grad=True)
            out = getattr(nb.nn.functional, f"conv{len(x) - 2}d")(given, weight, bias, **how)
            out.backward(nb.tensor(numbers(dtype, *out.shape, seed=4)))
            found += [a.detach().numpy() for a in (out, given.grad, weight.grad, bias.grad)]
        return found

    assert kernel == served_by_kernels(x, w, how, dtype)
    for a, b in zip(results(), without_kernels(results), strict=True):
        assert a.dtype == b.dtype
        size = np.abs(b).max(initial=0)
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=2 * TOLERANCE[dtype] * size)


def served_by_kernels(x: tuple[int, ...], w: tuple[int, ...], how: Any, dtype: Any) -> bool:
    figures = [how.get(name, plain) for name, plain in (("stride", 1), ("padding", 0), ("dilation", 1))]
    geo = geometry(x[2:], w[2:], *(v if isinstance(v, tuple) else (v,) * (len(x) - 2) for v in figures))
    return fast.running["convolve"](np.zeros(x, dtype), np.zeros(w, dtype), None, geo, how.get("groups", 1)) is not None


@dtypes
@pytest.mark.parametrize("seed", range(60))
def test_the_kernels_of_convolutions_of_any_kind(seed: int, dtype: Any):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 4))
    kernel, stride, dilation, padding = (
        tuple(draw.integers(*span, n).tolist()) for span in ((1, 5), (1, 5), (1, 4), (0, 5))
    )
    least = (max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True))
    size = tuple(int(m + draw.integers(0, 12 if n < 3 else 4)) for m in least)
    samples, groups, inputs, outputs = (
        int(draw.choice(a)) for a in ([1, 2, 30], [1, 1, 2, 3], [1, 2, 5, 9], [1, 3, 9, 17])
    )
    geo = geometry(size, kernel, stride, padding, dilation)
    x, y = (numbers(dtype, samples, c * groups, *s) for c, s in ((inputs, size), (outputs, geo.out)))
    w, to, back = (
        numbers(dtype, *s, seed=1)
        for s in ((outputs * groups, inputs, *kernel), (outputs * groups,), (inputs * groups,))
    )
    if seed % 3 == 0:
        x, y, w = (np.asfortranarray(a) for a in (x, y, w))
    for name, *given in (("convolve", x, w, to), ("convolve", x, w, None), ("spread", y, w, back), ("correlate", x, y)):
        found, text = fast.running[name](*given, geo, groups), inspect.unwrap(getattr(kernels_of_convolution, name))
        assert (found is None) == (geo.area == 1)
        if found is not None:
            expected = text(*given, geo, groups)
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(found, expected, rtol=0, atol=2 * TOLERANCE[dtype] * np.abs(expected).max())


@dtypes
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_no_window_looks_at_reaches_no_gradient(odd: float, dtype: Any):
    x, w = numbers(dtype, 2, 3, 6, 36), numbers(dtype, 4, 3, 3, 3)
    x[..., -1, -1] = w[:, :, 0, 0] = odd

    def gradients() -> list[Any]:
        given, weight = (nb.tensor(a, requires_grad=True) for a in (x, w))
        nb.nn.functional.conv2d(given, weight, stride=2).sum().backward()
        return [given.grad.numpy(), weight.grad.numpy()]

    for a, b in zip(gradients(), without_kernels(gradients), strict=True):
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=20 * TOLERANCE[dtype])
        assert np.isfinite(a).any()


def test_second_derivatives_of_convolutions():
    x, w = (nb.tensor(numbers(np.float64, *s), requires_grad=True) for s in ((2, 4, 5, 4), (6, 2, 3, 2)))
    for how in ({"stride": 2, "padding": 1}, {"dilation": 2, "padding": 2}):
        assert nb.autograd.gradgradcheck(lambda x, w, how=how: nb.conv2d(x, w, groups=2, **how), (x, w))
        assert nb.autograd.gradgradcheck(lambda x, w, how=how: nb.conv_transpose2d(x, w[:4], groups=2, **how), (x, w))


@dtypes
def test_what_convolutions_hold_between_calls_is_seen_by_nobody(dtype: Any):
    conv = nb.nn.functional.conv2d
    x, w = (nb.tensor(numbers(dtype, *shape)) for shape in ((2, 3, 9, 9), (4, 3, 3, 3)))
    first = conv(x, w, padding=1)
    before = first.numpy().copy()
    conv(x * nb.nan, w * nb.inf, padding=1)
    np.testing.assert_array_equal(first.numpy(), before)
    np.testing.assert_array_equal(conv(x, w, padding=1).numpy(), before)


@dtypes
@pytest.mark.parametrize(
    "how", [{}, {"bidirectional": True}, {"bias": False, "num_layers": 2}, {"proj_size": 2}], ids=str
)
@pytest.mark.parametrize("uses", ["everything", "the last state"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_layers(kind: str, how: dict[str, Any], uses: str, dtype: Any):
    if kind == "GRU":
        how = {name: value for name, value in how.items() if name != "proj_size"}
    layer = getattr(nb.nn, kind)(5, 6, dtype=nb.tensor(dtype(0)).dtype, **how)

    def gradients() -> list[Any]:
        x = nb.tensor(numbers(dtype, 7, 4, 5), requires_grad=True)
        packed = nb.nn.utils.rnn.pack_padded_sequence(x, [7, 5, 5, 2])
        for given in (x, packed):
            out, last = layer(given)
            h, c = last if kind == "LSTM" else (last, last)
            loss = (h * h).sum() + c.sin().sum()
            if uses == "everything":
                loss = loss + (out.sum() if given is x else out.data.square().sum())
            loss.backward()
        found = [x.grad, *(p.grad for p in layer.parameters()), loss]
        layer.zero_grad()
        return [f.detach().numpy() for f in found]

    for a, b in zip(gradients(), without_kernels(gradients), strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])


def without_kernels(function: Any) -> Any:
    """What `function` returns with NumPy alone."""
    kernels, fast.running = fast.running, {}
    try:
        return function()
    finally:
        fast.running = kernels


@dtypes
@pytest.mark.parametrize("width", [1, 4, 37])
def test_the_kernel_of_rows_that_meet(width: int, dtype: Any):
    rows, values = np.random.default_rng(0).integers(-9, 9, (20, 30)), numbers(dtype, 20, 30, width)
    out, expected = np.zeros((9, width), dtype), np.zeros((9, width), dtype)
    add_at(out, rows, values)
    np.add.at(expected, rows, values)
    np.testing.assert_array_equal(out, expected)
    flat = rows.reshape(-1) % 9
    assert (fast.running["add_rows"](out, flat, values.reshape(-1, width)) is None) == (width == 1)
    assert fast.running["add_rows"](out.T.copy().T, flat, values.reshape(-1, width)) is None or width == 1
    with pytest.raises(IndexError, match="is out of bounds for axis 0 with size 9"):
        add_at(out, rows + 9, values)


OPTIMIZERS = {
    "Adam": {},
    "AdamW": {"weight_decay": 0.1, "eps": 1e-6},
    "SGD": {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    "RMSprop": {"weight_decay": 0.1},
    "Adagrad": {"lr_decay": 0.1},
    "Adadelta": {"weight_decay": 0.1, "eps": 1e-3},
    "Adamax": {"weight_decay": 0.1, "eps": 1e-3},
    "NAdam": {"weight_decay": 0.1, "decoupled_weight_decay": True},
    "RAdam": {"weight_decay": 0.1, "decoupled_weight_decay": True},
}


MORE: list[tuple[str, dict[str, Any]]] = [
    *((name, more) for name in OPTIMIZERS for more in ({}, {"maximize": True})),
    ("SGD", {"nesterov": True, "dampening": 0}),
    ("AdamW", {"amsgrad": True}),
    ("NAdam", {"decoupled_weight_decay": False}),
    ("RAdam", {"betas": (0.5, 0.9)}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
]


@dtypes
@pytest.mark.parametrize(("name", "more"), MORE, ids=str)
def test_optimizers_take_the_same_steps(name: str, more: dict[str, Any], dtype: Any):
    def stepped() -> list[Any]:
        held = [nb.tensor(numbers(dtype, *s), requires_grad=True) for s in ((5, 7), (300, 300), ())]
        held.append(nb.tensor(numbers(dtype, 40, 30)).t().detach().requires_grad_())
        optimizer = getattr(nb.optim, name)(held, lr=0.01, **{**OPTIMIZERS[name], **more})
        for k in range(8):
            for p in held:
                p.grad = nb.tensor(numbers(dtype, *p.shape, seed=k))
            optimizer.step()
        return [p.detach().numpy() for p in held]

    for a, b in zip(stepped(), without_kernels(stepped), strict=True):
        np.testing.assert_allclose(a, b, rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_views_second_order_and_captured_steps_are_served_too():
    x = nb.tensor(numbers(np.float64, 6, 12), requires_grad=True)
    assert nb.autograd.gradcheck(lambda x: x[1:5, 2:].softmax(-1), x)
    assert nb.autograd.gradgradcheck(lambda x: nb.nn.functional.gelu(x[:, 3:], approximate="tanh"), x)

    def step(x: Any) -> Any:
        x.grad = None
        loss = nb.nn.functional.layer_norm(nb.nn.functional.gelu(x), (12,)).log_softmax(-1)[:, 0].sum()
        loss.backward()
        return loss

    captured = nb.capture(step)
    for k in range(4):
        y = nb.tensor(numbers(np.float32, 6, 12, seed=k), requires_grad=True)
        z = y.detach().clone().requires_grad_()
        nb.testing.assert_close(captured(y), step(z))
        nb.testing.assert_close(y.grad, z.grad)


def test_ops_wait_with_their_kernels_until_these_are_worth_loading():
    """In a process of its own: what is small, or little in all, loads nothing; then the compiled ones are loaded."""
    code = """
import sys, threading, nbautograd as torch
x = torch.zeros(1000, 1000)
torch.softmax(x[:2, :2], 1), torch.softmax(x, 1)
print("numba" in sys.modules, torch.fast.running == {})
for _ in range(60):
    torch.softmax(x, 1)
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
print("numba" in sys.modules, "softmax" in torch.fast.running)
torch.fast.stop()
print(torch.fast.running)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NBAUTOGRAD_FAST": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split("\n")[:3] == ["False True", "True True", "{}"]


def test_a_cache_that_cannot_be_written_is_replaced_by_one_of_this_process(tmp_path: Path):
    occupied = tmp_path / "file"
    occupied.write_text("no folder")
    code = """
from nbautograd.fast import cache
place = cache.folder()
print(place.is_dir(), place.name.startswith("nbautograd-"), cache.ready())
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_CACHE_DIR": str(occupied)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["True", "True", "False"]


BUILTINS_CHANGE = """
import builtins
import llvmlite.binding

add_symbol = llvmlite.binding.add_symbol

def adding(name, address):
    if name.startswith("PyExc_"):
        vars(builtins).setdefault("get_ipython", None)
    add_symbol(name, address)

llvmlite.binding.add_symbol = adding
from nbautograd import fast
fast.start()
print(fast.status())
"""


def test_a_cell_that_begins_while_numba_reads_the_builtins_does_no_harm():
    result = subprocess.run([sys.executable, "-c", BUILTINS_CHANGE], capture_output=True, text=True, check=True)
    assert result.stdout == f"{len(fast.KERNELS)} ops are served by kernels\n"


def test_the_status_is_shown_as_plain_text():
    assert repr(fast.status()) == f"{len(fast.KERNELS)} ops are served by kernels"


def test_without_numba_nothing_changes():
    code = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "numba" else found(name, *more)
import inspect, nbautograd as torch
from nbautograd.core.op import TABLE
from nbautograd.ops.conv.kernels import geometry
print(all(inspect.unwrap(op.forward) is op.forward for op in TABLE.values()))
try:
    torch.fast.start()
except ImportError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("True\nthe kernels need numba")
