"""Elements chosen by a mask, and numbers in place of what is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.errors import broadcast_problem
from nbautograd.core.op import Op, tensors, xp
from nbautograd.core.public import into, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.samples import Make, Samples, cases, unary


def _masked(make: Make) -> Any:
    for m, a, b in (((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), (2, 1)), ((3,), (2, 1), ()), ((0,), (1,), (0,)),
                    ((2, 1), (3,), (3,)), ((2, 3), (), (2, 3)), ((1,), (2, 3), (3,)),
                    ((2, 2, 2), (2,), (2, 1))):  # fmt: skip
        yield make.bools(*m), make(*a), make(*b)
    yield make.bools(3), make(3), 0.0
    yield make.bools(2, 3), 1.5, make(3)
    yield make.bools(3, 2).T, make(3, 2).T, make(6)[::2]


class Where(Op):
    """From `x` where the condition is true, from `y` elsewhere."""

    elementwise = True
    holds = ("condition",)
    tex = {"x": "[condition]", "y": "[\\lnot condition]"}
    samples = Samples(_masked)

    def forward(x, y, *, condition):
        return chosen(condition, x, y)

    def dx(g, condition):
        return chosen(condition, g, 0)

    def dy(g, condition):
        return chosen(condition, 0, g)

    def refuse(x, y, condition):
        return broadcast_problem([condition, x, y])


class NanToNum(Op):
    """Numbers in place of NaN and infinities; no gradient there."""

    elementwise = True
    tex = {"x": "[x \\text{ finite}]"}
    samples = cases(
        unary(), lambda make: iter([(np.asarray([1.0, np.nan, np.inf, -np.inf], make.dtype),)]), second=False
    )

    def forward(x, *, nan=0.0, posinf=None, neginf=None):
        if x.__class__ is np.ndarray and xp.isfinite(x).all():
            return np.array(x)
        return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def dx(g, x):
        return chosen(xp.isfinite(x), g, 0)


def where_tensors(condition: Any, x: Any, y: Any) -> Tensor:
    """`xp.where` for tensors."""
    return Where.call(x, y, condition=condition._data if isinstance(condition, Tensor) else condition)


tensors.numpy_names["where"] = where_tensors


@public(method=False)
def where(condition: Any, input: Any = None, other: Any = None, *, out: Any = None) -> Any:
    """From `input` where `condition` is true, else from `other`; with the condition alone, the places where it is true.

    Raises: RuntimeError when the condition is no truth value.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(condition, Tensor):
        raise TypeError(f"where(): argument 'condition' (position 1) must be Tensor, not {type(condition).__name__}")
    if condition._data.dtype.kind != "b" and condition._data.dtype != np.uint8:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, "
            f"but got a tensor with dtype {condition.dtype.tensor_type}"
        )
    return into_out(out, where_tensors(condition, input, other), "where")


Tensor.where = lambda self, condition, other: where(condition, self, other)


@public()
def nan_to_num(
    input: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None, *, out: Any = None
) -> Tensor:
    """Numbers in place of NaN (0), and of the infinities (the largest and smallest that the dtype has)."""
    result = NanToNum.call(input, nan=nan or 0.0, posinf=posinf, neginf=neginf)
    return result if out is None else into(out, result, "nan_to_num")


@public()
def nan_to_num_(
    self: Tensor, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Like `nan_to_num`, in place."""
    return inplace.apply(NanToNum, self, nan=nan or 0.0, posinf=posinf, neginf=neginf)
