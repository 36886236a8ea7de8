"""The short path of an op call gives what the general path gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.core.call import dispatch
from nbautograd.core.op import TABLE

PAIRED = sorted(
    name
    for name, op in TABLE.items()
    if len(op.inputs) == 2 and op.elementwise and op.outputs == 1 and not (op.settings or op.aux or op.variadic)
)
KINDS = ("float32", "float64", "float16", "bfloat16", "int64", "bool")


def pairs() -> Iterator[tuple[Any, Any]]:
    """An array and a number, either way round, of like and unlike dtypes."""
    for kind in KINDS:
        for other in KINDS:
            for shape in ((3,), (2, 1), (0,), (1,)):
                array = torch.full(shape, 1.5).to(getattr(torch, kind))
                number = torch.tensor(2.0).to(getattr(torch, other))
                yield array, number
                yield number, array


def outcome(call: Any, x: Any, y: Any) -> Any:
    """The result, its dtype, and the gradients; or what was raised."""
    x, y = (t.detach().requires_grad_() if t.dtype.is_floating_point else t for t in (x, y))
    try:
        with np.errstate(all="ignore"):
            out = call(x, y)
            if out.requires_grad:
                out.backward(torch.ones_like(out))
    except Exception as error:
        return type(error), str(error)
    tensors = (out, x.grad, y.grad)
    return [None if t is None else (t.dtype, t.shape, t.grad_fn is None, t.detach().tolist()) for t in tensors]


@pytest.mark.parametrize("name", PAIRED)
def test_an_array_and_a_number(name: str) -> None:
    op = TABLE[name]
    for x, y in pairs():
        expected = outcome(lambda x, y: dispatch(op, (x, y), {}), x, y)
        assert repr(outcome(op.call, x, y)) == repr(expected), (x, y)
