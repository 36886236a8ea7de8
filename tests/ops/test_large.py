"""Ways that only large arrays take: what comes out is what the short way gives, for special values and ties too."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.core.array import greatest, total
from nbautograd.core.op import TABLE
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.index.meeting import add_at, write_at
from nbautograd.ops.pool import maxima
from nbautograd.ops.pool.maxima import largest
from nbautograd.ops.reduce.order import rank_of_many
from nbautograd.ops.reduce.sorting import first_of_many, in_order

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0)


def numbers(*shape: int, dtype: Any = np.float32) -> Any:
    return np.random.default_rng(5).normal(size=shape).astype(dtype)


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "in rows": lambda x: x,
    "in columns": lambda x: x.T.copy().T,
    "cut out": lambda x: np.pad(x, 2)[2:-2, 2:-2],
}


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_mask_chooses_is_what_where_gives_bit_by_bit(layout: str, dtype: str):
    x, y = (numbers(100, 200) * 3 * i for i in (1, 2))
    x[0, :5] = SPECIAL if dtype[0] == "f" else 0
    x, y = LAYOUTS[layout](x.astype(dtype)), y.astype(dtype)
    others = [y, y[0], y[:, :1], y[0, 0], np.stack([y, y]), 0, 2] + [0.5, -0.0] * (dtype[0] == "f")
    for mask, other in itertools.product((x > y, x[0] > 0, x[:, :1] > 0), others):
        for a, b in ((x, other), (other, x)):
            got, expected = chosen(mask, a, b), np.where(mask, a, b)
            assert got.dtype == expected.dtype
            assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", [(70, 90), (3000, 2), (2, 3000), (1, 5000), (5000, 1), (8, 9, 10, 11), (20000, 1)])
def test_sums_are_numpys(shape: tuple[int, ...]):
    x = numbers(*shape, dtype=np.float64)
    for axis in [None, *(c for n in range(1, x.ndim + 1) for c in itertools.combinations(range(-1, x.ndim - 1), n))]:
        for keep in (False, True):
            got, expected = total(x, axis, keep), x.sum(axis=axis, keepdims=keep)
            assert got.shape == expected.shape
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_sums_of_special_values_are_numpys():
    x = numbers(70, 80)
    x[3, 3], x[5, 5], x[5, 6], x[7, 7] = np.inf, np.inf, -np.inf, np.nan
    for axis in (0, 1):
        np.testing.assert_allclose(total(x, axis), x.sum(axis), rtol=1e-4, atol=1e-4)
    with pytest.raises(np.exceptions.AxisError):
        total(x, 2)


@pytest.mark.parametrize("width", [1, 3, 47, 48, 300, 600])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_greatest_of_rows_is_numpys(layout: str, width: int):
    x = numbers(60, width)
    x[3, 0], x[4, 0], x[5] = np.nan, np.inf, -np.inf
    x = LAYOUTS[layout](x)
    for axis, keep in itertools.product((-1, 1, 0, None), (False, True)):
        got, expected = greatest(x, axis, keep), x.max(axis=axis, keepdims=keep)
        np.testing.assert_array_equal(got, expected)
        assert got.shape == expected.shape


ROWS = {
    "different": numbers(7, 60),
    "with ties": np.round(numbers(7, 60)),
    "with NaN": np.where(numbers(7, 60) > 1, np.nan, numbers(7, 60)),
    "with infinities": np.where(numbers(7, 60) > 1, np.inf, numbers(7, 60)),
    "whole": np.round(numbers(7, 60)).astype(int),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_parting_finds_is_what_sorting_finds(name: str):
    for x, dim in itertools.product((ROWS[name], ROWS[name].reshape(7, 5, 12)), (0, 1, -1)):
        for k in {0, 1, x.shape[dim] // 2, x.shape[dim] - 1}:
            expected = np.take(np.argsort(x, axis=dim, kind="stable"), k, axis=dim)
            np.testing.assert_array_equal(rank_of_many(np.moveaxis(x, dim, -1), k), expected)
            for descending in (False, True):
                found = first_of_many(x, k, dim, descending)
                if found is not None:
                    np.testing.assert_array_equal(found, np.take(in_order(x, dim, descending), range(k), axis=dim))
                elif name == "different":
                    assert k == 0


PLACES = np.random.default_rng(6).integers(-40, 40, 300)


@pytest.mark.parametrize(
    "index",
    [
        (PLACES,),
        (slice(None), PLACES),
        (PLACES[:50],),
        (PLACES[:5],),
        (PLACES % 3,),
        (slice(None), slice(2, 9), PLACES),
    ],
    ids=["rows", "behind a dimension", "fewer", "few", "the same three", "behind a part"],
)
def test_what_meets_is_added_as_numpy_adds_it(index: Any):
    got, expected = np.zeros((2, 40, 40, 150)), np.zeros((2, 40, 40, 150))
    got, expected = (got[0], expected[0]) if index[0] is not slice(None) and len(index) == 1 else (got, expected)
    values = numbers(*got[index].shape, dtype=np.float64)
    add_at(got, index, values)
    np.add.at(expected, index, values)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_border_of_any_width_is_numpys():
    for shape in ((3,), (2, 4), (0, 3)):
        for flat in itertools.product(range(-2, 3), repeat=2 * len(shape)):
            widths, x = tuple(zip(flat[::2], flat[1::2], strict=True)), numbers(*shape)
            if all(a + n + b >= 0 for (a, b), n in zip(widths, shape, strict=True)):
                full = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=1.5)
                part = [slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, full.shape, strict=True)]
                np.testing.assert_array_equal(
                    TABLE["constant_pad"].forward(x, widths=widths, value=1.5), full[tuple(part)]
                )


@pytest.mark.parametrize("shape", [(60, 96), (3, 40, 50), (1, 8192), (60, 97)])
def test_running_sums_along_rows_are_numpys(shape: tuple[int, ...]):
    x = numbers(*shape, dtype=np.float64)
    for special in (0.5, np.inf, np.nan):
        x[0, ..., 40] = special
        y = nb.tensor(x, requires_grad=True)
        y.cumsum(-1).backward(nb.tensor(x))
        np.testing.assert_allclose(y.detach().cumsum(-1).numpy(), x.cumsum(-1), rtol=1e-9, atol=1e-9)
        assert y.grad is not None
        np.testing.assert_allclose(y.grad.numpy(), x[..., ::-1].cumsum(-1)[..., ::-1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["logaddexp", "logaddexp2"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_logarithms_of_sums_of_exponentials_are_numpys(name: str, dtype: str):
    pairs = np.array(list(itertools.product((*SPECIAL, 1.0, 50.0, -50.0, 1e30), repeat=2)) * 5, dtype)
    x, y = np.concatenate([pairs, numbers(200, 2, dtype=dtype)]).T
    got, expected = TABLE[name].forward(x, y), getattr(np, name)(x, y)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=5e-7 if dtype == "f4" else 1e-14, atol=1e-7)


@pytest.mark.parametrize("special", [0.5, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "out"),
    [
        ((2, 2), (2, 2), (0, 0), (1, 1), (4, 5)),
        ((3, 2), (2, 3), (1, 1), (1, 2), (4, 3)),
        ((9,), (9,), (0,), (1,), (1,)),
    ],
)
def test_the_largest_under_few_windows_is_what_many_have(
    monkeypatch: pytest.MonkeyPatch, special: float, kernel: Any, stride: Any, padding: Any, dilation: Any, out: Any
):
    x = np.round(numbers(2, 3, *(9, 10)[: len(kernel)]), 1)
    x[0, 0, ..., :4] = special
    for given in (x, x[::-1], x[..., ::-1]):
        few = largest(given, kernel, stride, padding, dilation, out)
        with monkeypatch.context() as patch:
            patch.setattr(maxima, "FEW", 0)
            for a, b in zip(few, largest(given, kernel, stride, padding, dilation, out), strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


def test_what_is_written_at_many_places_is_as_numpy_writes_it():
    for dim in (0, 1):
        index = np.random.default_rng(7).integers(0, 20, (20, 30))
        where = tuple(index if d == dim else grid for d, grid in enumerate(np.indices(index.shape)))
        got, expected = np.zeros((20, 30)), np.zeros((20, 30))
        write_at(got, where, numbers(20, 30))
        expected[where] = numbers(20, 30)
        np.testing.assert_array_equal(got, expected)


LARGE: dict[str, Callable[[Any, Any], Any]] = {
    "threshold": lambda t, x: t.nn.functional.threshold(x, 0.1, 20.0),
    "where": lambda t, x: t.where(x > 0, x, x * x),
    "filled": lambda t, x: x.masked_fill(x > 0.5, -2.0),
    "lower": lambda t, x: t.tril(x, 3),
    "upper": lambda t, x: t.triu(x, -3),
    "huber": lambda t, x: t.nn.functional.huber_loss(x, x.detach() * 0.1, delta=0.7),
    "smooth l1": lambda t, x: t.nn.functional.smooth_l1_loss(x, x.detach() * 0.1, beta=0.7),
    "layer norm": lambda t, x: t.nn.functional.layer_norm(x, (100,)),
    "group norm": lambda t, x: t.nn.functional.group_norm(x.reshape(10, 6, -1), 3, x[0, :6], x[1, :6]),
    "batch norm": lambda t, x: t.nn.functional.batch_norm(x, None, None, x[0], x[1], training=True),
    "batch norm of images": lambda t, x: t.nn.functional.batch_norm(
        x.reshape(3, 20, 10, -1), None, None, training=True
    ),
    "batch norm, evaluated": lambda t, x: t.nn.functional.batch_norm(x, x[3].detach(), x[4].detach() ** 2 + 0.1, x[0]),
    "softmax": lambda t, x: x.reshape(-1, 5).softmax(1),
    "cross-entropy": lambda t, x: t.nn.functional.cross_entropy(x.reshape(-1, 5), t.arange(2400) % 5),
    "cross-entropy of images": lambda t, x: t.nn.functional.cross_entropy(
        x.reshape(8, 3, 500), t.arange(4000).reshape(8, 500) % 3
    ),
    "log-likelihood of images": lambda t, x: t.nn.functional.nll_loss(
        x.reshape(4, 3, 20, 50), t.arange(4000).reshape(4, 20, 50) % 3, ignore_index=1
    ),
    "largest of images": lambda t, x: t.nn.functional.adaptive_max_pool2d(x.reshape(4, 3, 20, 50), 1),
    "repeated": lambda t, x: x.repeat_interleave(3, 1),
    "columns": lambda t, x: x.index_select(1, t.arange(300) % 70),
    "median": lambda t, x: x.median(1)[0] + x.median(),
    "first": lambda t, x: x.topk(7, 1)[0],
    "product": lambda t, x: (x * 0.01 + 1).prod(),
    "products of rows": lambda t, x: x.prod(1),
    "sums without NaN": lambda t, x: x.masked_fill(x > 1, float("nan")).nansum(1) + x.nansum(),
    "mirrored border": lambda t, x: t.nn.functional.pad(x.repeat(3, 1), (5, 7), mode="reflect"),
    "border repeated": lambda t, x: t.nn.functional.pad(
        x.reshape(1, 1, 120, 100).repeat(3, 1, 1, 1), (3, 0, 1, 9), "replicate"
    ),
    "border of the other side": lambda t, x: t.nn.functional.pad(
        x.reshape(1, 3, 4000).repeat(1, 3, 1), (-2, 30), "circular"
    ),
    "each channel by itself": lambda t, x: t.nn.functional.conv2d(
        x.reshape(4, 3, 20, 50), x[:3, :49].reshape(3, 1, 7, 7), padding=3, groups=3
    ),
    "each channel by itself, in steps": lambda t, x: t.nn.functional.conv2d(
        x.reshape(4, 3, 20, 50), x[:3, :9].reshape(3, 1, 3, 3), padding=1, stride=2, groups=3
    ),
    "bags of one size": lambda t, x: t.nn.functional.embedding_bag(t.arange(360).reshape(60, 6) % 120, x),
    "largest that meet": lambda t, x: x.scatter_reduce(1, t.arange(12000).reshape(120, 100) % 37, x * 2, "amax"),
    "products that meet": lambda t, x: x.scatter_reduce(0, t.arange(12000).reshape(120, 100) % 90, x + 1, "prod"),
    "silu": lambda t, x: t.nn.functional.silu(x),
    "to the power -1/2": lambda t, x: (x * x + 0.1) ** -0.5 + (x * x + 0.1) ** -2,
}


@pytest.mark.parametrize("name", LARGE)
def test_large_arrays_have_torchs_results_and_gradients(name: str):
    torch = pytest.importorskip("torch")
    found = []
    for t in (nb, torch):
        x = t.tensor(numbers(120, 100, dtype=np.float64), requires_grad=True)
        y = LARGE[name](t, x)
        y.backward(t.cos(t.arange(y.numel(), dtype=t.float64)).reshape(y.shape))
        found.append((y.detach().numpy(), x.grad.numpy()))
    for got, expected in zip(*found, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)
