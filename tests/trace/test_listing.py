"""`Trace.source()`: the Python that it writes is what ran, and running it gives the same gradients."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import scipy.special

import nbautograd as nb
from nbautograd.core.op import TABLE
from nbautograd.trace import codec
from nbautograd.trace.fold import fit, size
from nbautograd.trace.model import Trace
from tests.ops import table
from tests.ops.table import SAMPLED

PER_OP = 2


class Leaf(np.ndarray):
    """An array that has `.grad`."""

    grad: Any = None


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 != g.shape[i]), keepdims=True)


def run(trace: Trace, **arrays: Any) -> dict[str, Any]:
    """Run the listing of a trace; unnamed values that nothing computed are `v7`."""
    names: dict[str, Any] = {"__builtins__": {f.__name__: f for f in (abs, float, len, range, tuple, __import__)}}
    names |= dict(
        np=np,
        math=math,
        scipy=scipy,
        unbroadcast=unbroadcast,
        **{k: np.asarray(a).view(Leaf) for k, a in arrays.items()},
    )
    for value in trace.values:
        if value.op is None and value.data is not None and value.data.data is not None:
            numbers = [complex(x) if "complex" in value.dtype else float(x) for x in value.data.data]
            names.setdefault(f"v{value.id}", np.array(numbers, value.dtype).reshape(value.shape).view(Leaf))
    with np.errstate(all="ignore"):
        exec(re.sub(r"^(\S+) \+= (.*)", r"\1 = \1 + \2", trace.source(), flags=re.MULTILINE), names)
    return names


def code_of(trace: Trace) -> list[str]:
    """The lines that are no comments."""
    return [line for line in trace.source().splitlines() if line and not line.startswith("#")]


def test_the_chain_rule_stands_there_line_by_line() -> None:
    x, w = nb.tensor(2.0, requires_grad=True), nb.tensor(3.0, requires_grad=True)
    with nb.trace() as t:
        y = x * w + x
        y.backward()
    assert code_of(t) == [
        "v2 = x * w",
        "y = v2 + x",
        "d_y = 1.0",
        "d_v2 = d_y",
        "d_x = d_y",
        "d_x += d_v2 * w",
        "d_w = d_v2 * x",
        "x.grad = d_x",
        "w.grad = d_w",
    ]


def test_every_line_stands_under_the_line_of_the_cell_that_it_came_from() -> None:
    x = nb.tensor([1.0, 2.0], requires_grad=True)
    with nb.trace() as t:
        y = x.tanh()
        y.sum().backward()
    lines = t.source().splitlines()
    at = lines.index("y = np.tanh(x)")
    assert lines[at - 1].endswith(": y = x.tanh()")
    assert lines[at + 1].endswith(": y.sum().backward()")
    assert lines[lines.index("d_x = d_y * (1 - y * y)") - 1].endswith(": y = x.tanh()")


def test_the_listing_computes_what_the_engine_did() -> None:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    x, w, b = (nb.tensor(a, requires_grad=True) for a in arrays.values())
    with nb.trace() as t:
        h = nb.sigmoid(x @ w + b)
        parts = nb.log_softmax(h * h.sum(dim=1, keepdim=True), dim=1)
        loss = (parts**2).mean() + h.sum(dim=0).relu().sum() / 3
        loss.backward()
    names = run(t, **arrays)
    assert np.allclose(names["loss"], loss.item())
    for name, leaf in (("x", x), ("w", w), ("b", b)):
        assert np.allclose(names[name].grad, leaf.grad.numpy()), name


def test_a_second_pass_adds_to_what_the_first_left() -> None:
    x = nb.tensor(3.0, requires_grad=True)
    with nb.trace() as t:
        for _ in range(2):
            (x * x).backward()
    lines = t.source().splitlines()
    assert "x.grad = d_x" in lines
    assert any(line.startswith("x.grad += d_x  # on top of what ") for line in lines)
    assert run(t, x=3.0)["x"].grad == x.grad.item() == 12


def test_names_are_told_apart() -> None:
    h = nb.tensor(0.5, requires_grad=True)
    with nb.trace() as t:
        h = h.tanh()
        h = h.tanh()
        h.backward()
    assert code_of(t)[:3] == ["h = np.tanh(v0)", "h_2 = np.tanh(h)", "d_h_2 = 1.0"]


def test_what_is_no_name_is_called_by_its_number() -> None:
    from tests.export.traces import hostile

    source = hostile().source()
    assert "v0.grad = d_v0" in source
    assert "\x1b" not in source
    assert compile(source, "listing", "exec")


def test_a_trace_that_has_to_shrink_first_loses_numbers_and_then_these_texts() -> None:
    x = nb.rand(3, requires_grad=True)
    with nb.trace() as t:
        y = x
        for _ in range(50):
            y = y.tanh()
        y.sum().backward()
    small = fit(t, size(t) * 9 // 10)
    assert len(small.ops) == len(t.ops)
    assert "texts of ops" in [fold.what for fold in small.folds]
    assert "y_2 = tanh(y)" in small.source()


def test_a_trace_without_the_texts_tells_calls() -> None:
    x = nb.tensor(2.0, requires_grad=True)
    with nb.trace() as t:
        y = x.exp()
        y.backward()
    data = codec.to_dict(t)
    for op in data["ops"]:
        del op["code"], op["rules"]
    assert code_of(codec.from_dict(data)) == ["y = exp(x)", "d_y = 1.0", "d_x = ExpBackward0(d_y)[0]", "x.grad = d_x"]


def test_second_orders_functions_of_the_user_and_ops_of_earlier_cells_are_python_too() -> None:
    class Cube(nb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, twice: bool) -> Any:
            ctx.save_for_backward(x)
            return x**3, x * 2

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * 3 * x * x + 2 * h, None

    x = nb.rand(3, 4, requires_grad=True)
    earlier = x.tanh()
    net = nb.nn.Sequential(nb.nn.Linear(4, 3), nb.nn.LayerNorm(3), nb.nn.Dropout(0.5))
    with nb.trace() as t:
        a, b = Cube.apply(x, True)
        y = a[1:, ::2].clone()
        y[0] = 1.0
        y.mul_(b[1:, :2])
        z = nb.einsum("ij,kj->ik", x, x) + nb.cat([net(x), x[[0, 2], 1:]])[:3]
        (g,) = nb.autograd.grad(y.sum() + z.std() + earlier.sum(), x, create_graph=True)
        (g * g).sum().backward()
    source = t.source()
    assert compile(source, "listing", "exec")
    assert not re.search(r"\{(out|g|\d)", source)
    assert "[1:, ::2]" in source


@pytest.mark.parametrize(
    "op", [op for op in SAMPLED if table.has_gradient(op) and op.name in TABLE], ids=lambda op: op.name
)
def test_the_listing_of_every_op_gives_the_gradients_that_it_passes_on(op: Any) -> None:
    for case in table.samples_of(op)[:PER_OP]:
        with nb.trace(values="full") as t:
            ran = table.run(op, case)
            ends = [out.sum() for out in ran.outputs if out.requires_grad and out.is_floating_point()]
            if ends:
                sum(ends[1:], ends[0]).backward()
        if not ends:
            continue
        try:
            names = run(t)
        except NameError:
            continue  # told as a call of what has no text
        for value in t.values:
            if value.kind == "leaf" and value.grad is not None:
                expected = np.array([complex(x) for x in value.grad.data or []]).reshape(value.shape)
                assert np.allclose(names[f"v{value.id}"].grad, expected, 1e-4, 1e-5, equal_nan=True), t.source()
