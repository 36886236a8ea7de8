"""Mixed dtypes: every pair of dtypes, with dimensions, 0-d and as Python numbers, gives PyTorch's result."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

import nbautograd as nb

torch = pytest.importorskip("torch")

DTYPES = [d.name for d in nb.core.dtype.ALL if d.name not in ("uint16", "uint32", "uint64")]
KINDS = ("array", "0-d", "number")


def operand(library: Any, dtype: str, kind: str) -> Any:
    if kind == "number":
        return {"b": True, "i": 2, "u": 2, "f": 2.5, "V": 2.5, "c": 2 + 1j}[getattr(nb, dtype).numpy.kind]
    return library.tensor([1, 2] if kind == "array" else 2, dtype=getattr(library, dtype))


def pairs() -> Any:
    for a, b in itertools.product(DTYPES, DTYPES):
        for kind_a, kind_b in itertools.product(KINDS, KINDS):
            if (kind_a, kind_b) != ("number", "number") and not needs_complex32(a, b):
                yield a, kind_a, b, kind_b


def needs_complex32(a: str, b: str) -> bool:
    """A dtype that neither NumPy nor CuPy has."""
    return "float16" in (a, b) and "complex" in a + b


def dtype_of(library: Any, function: Any, a: str, kind_a: str, b: str, kind_b: str) -> str:
    try:
        result = function(library)(operand(library, a, kind_a), operand(library, b, kind_b))
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__
    return str(getattr(result, "dtype", result))


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda t: t.result_type, id="result_type"),
        pytest.param(lambda t: lambda x, y: x + y, id="add"),
        pytest.param(lambda t: lambda x, y: x * y, id="mul"),
        pytest.param(lambda t: lambda x, y: x - y, id="sub"),
        pytest.param(lambda t: lambda x, y: x / y, id="div"),
        pytest.param(lambda t: lambda x, y: x**y, id="pow"),
        pytest.param(lambda t: lambda x, y: x == y, id="eq"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_two_dtypes_give_torchs_dtype(function: Any):
    wrong = [
        f"{pair}: {ours} instead of {theirs}"
        for pair in pairs()
        if (ours := dtype_of(nb, function, *pair)) != (theirs := dtype_of(torch, function, *pair))
    ]
    assert wrong == []


UNARY = [
    "exp", "log", "sqrt", "sin", "tanh", "sigmoid", "abs", "neg", "floor", "round", "sign", "reciprocal", "square",
    "relu", "erf", "isnan", "logical_not", "rsqrt", "trunc",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_function_of_one_tensor_gives_torchs_dtype(name: str):
    def outcome(library: Any, dtype: str) -> str:
        try:
            return str(getattr(library, name)(operand(library, dtype, "array")).dtype)
        except (RuntimeError, NotImplementedError, TypeError) as error:
            return type(error).__name__

    names = [d for d in DTYPES if not getattr(nb, d).is_complex]
    wrong = {d: (outcome(nb, d), outcome(torch, d)) for d in names if outcome(nb, d) != outcome(torch, d)}
    assert wrong == {}


def test_float32_stays_float32_with_python_and_numpy_numbers():
    import numpy as np

    x = nb.tensor([1.0, 2.0])
    for y in (
        x + 1,
        x * 2.5,
        2 - x,
        x / 3,
        1 / x,
        x**2,
        x**0.5,
        2**x,
        x + np.float64(1),
        x.clamp(0, 1.5),
        nb.where(x > 1, x, 0.0),
    ):
        assert y.dtype is nb.float32


def test_the_gradient_has_the_dtype_of_its_leaf():
    x = nb.tensor([1.0, 2.0], requires_grad=True)
    (x * nb.tensor([1.0, 2.0], dtype=nb.float64)).sum().backward()
    assert x.grad.dtype is nb.float32


@pytest.mark.parametrize("default", ["float64", "float32"])
def test_the_default_dtype_decides_what_python_floats_become(default: str):
    before = nb.get_default_dtype()
    nb.set_default_dtype(getattr(nb, default))
    try:
        assert nb.tensor(1.0).dtype is getattr(nb, default)
        assert nb.zeros(2).dtype is getattr(nb, default)
        assert (nb.arange(3) / 2).dtype is getattr(nb, default)
    finally:
        nb.set_default_dtype(before)


@pytest.mark.parametrize("cast", [lambda t, x: x.int(), lambda t, x: x.bool(), lambda t, x: x.to(t.uint8)])
def test_whole_numbers_made_of_floats_have_no_gradient(cast):
    torch = pytest.importorskip("torch")
    for library in (nb, torch):
        x = library.tensor([1.0, -2.0], requires_grad=True)
        whole = cast(library, x)
        assert not whole.requires_grad
        (x * whole).sum().backward()
        assert x.grad.tolist() == whole.tolist()
