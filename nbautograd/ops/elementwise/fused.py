"""Products and quotients added in one step, and the way from one tensor to another."""

from __future__ import annotations

from typing import Any

from nbautograd.core import inplace
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out
from nbautograd.ops.elementwise.bounds import chosen
from nbautograd.ops.samples import Make, binary, cases, through


def three_tensors(**settings: Any) -> Any:
    def three(make: Make) -> Any:
        for a, b, c in (
            ((), (), ()),
            ((3,), (3,), (3,)),
            ((2, 3), (3,), (2, 1)),
            ((1,), (2, 3), ()),
            ((0,), (1,), (0,)),
            ((3,), (2, 1), (2, 3)),
            ((2, 2, 2), (2,), (2, 1)),
            ((), (3,), (3,)),
            ((2, 3), (2, 3), (2, 3)),
        ):
            yield (make(*a), make(*b), make(*c, low=0.5), *([settings] if settings else []))
        yield (make(3, 2).T, make(6)[::2], make(3, low=0.5), *([settings] if settings else []))

    return three


class Addcmul(Op):
    """`x` plus a multiple of the product of two tensors."""

    elementwise = True
    tex = {"x": "1", "y": "value \\cdot z", "z": "value \\cdot y"}
    samples = cases(three_tensors(), three_tensors(value=-0.5))

    def forward(x, y, z, *, value=1):
        return x + value * y * z

    def into(x, y, z, *, value=1, out):
        xp.add(x, value * y * z, out=out)

    def dx(g):
        return g

    def dy(g, z, value):
        return g * (z * value)

    def dz(g, y, value):
        return g * (y * value)


class Addcdiv(Op):
    """`x` plus a multiple of the quotient of two tensors."""

    elementwise = True
    tex = {"x": "1", "y": "\\frac{value}{z}", "z": "-\\frac{value \\cdot y}{z^2}"}
    samples = cases(three_tensors(), three_tensors(value=-0.5))

    def forward(x, y, z, *, value=1):
        return x + value * (y / z)

    def dx(g):
        return g

    def dy(g, z, value):
        return g * (value / z)

    def dz(g, y, z, value):
        return -g * (value * y / (z * z))

    def check(x, y, z):
        if y.dtype.kind in "fc" or z.dtype.kind in "fc":
            return None
        return (
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as "
            "(input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as "
            "(input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter "
            "implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )


class LerpNumber(Op):
    """From `x` towards `y` by the part `weight`."""

    node_name = "LerpBackward0"
    elementwise = True
    tex = {"x": "1 - weight", "y": "weight"}
    samples = through("lerp", binary(weight=0.3), binary(weight=1.5))

    def forward(x, y, *, weight):
        return x + weight * (y - x) if abs(weight) < 0.5 else y - (y - x) * (1 - weight)

    def dx(g, weight):
        return g * (1 - weight)

    def dy(g, weight):
        return g * weight


class Lerp(Op):
    """From `x` towards `y` by the part `weight`, element by element.

    Math: out = x + weight · (y − x)
    """

    node_name = "LerpBackward1"
    elementwise = True
    tex = {"x": "1 - weight", "y": "weight", "weight": "y - x"}
    samples = cases(three_tensors())

    def forward(x, y, weight):
        return chosen(abs(weight) < 0.5, x + weight * (y - x), y - (y - x) * (1 - weight))

    def dx(g, weight):
        return g * (1 - weight)

    def dy(g, weight):
        return g * weight

    def dweight(g, x, y):
        return g * (y - x)


@public()
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1, out: Any = None) -> Tensor:
    """`input + value · tensor1 · tensor2`."""
    if all(x._data.dtype.kind in "iu" for x in (input, tensor1, tensor2)):
        value = int(value)
    return into_out(out, Addcmul.call(input, tensor1, tensor2, value=value), "addcmul")


@public()
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1, out: Any = None) -> Tensor:
    """`input + value · tensor1 / tensor2`."""
    return into_out(out, Addcdiv.call(input, tensor1, tensor2, value=value), "addcdiv")


@public()
def lerp(input: Tensor, end: Tensor, weight: Any, *, out: Any = None) -> Tensor:
    """From `input` towards `end` by the part `weight`.

    Raises: RuntimeError when the dtypes differ.
    """
    for name, other in (("end", end), ("weight", weight)):
        if isinstance(other, Tensor) and other.dtype != input.dtype and (other.ndim or other is end):
            kinds = [x.dtype.tensor_type.lower() for x in (input, other)]
            raise RuntimeError(f"expected dtype {kinds[0]} for `{name}` but got dtype {kinds[1]}")
    if isinstance(weight, Tensor):
        return into_out(out, Lerp.call(input, end, weight), "lerp")
    return into_out(out, LerpNumber.call(input, end, weight=weight), "lerp")


@public("addcmul_", top=False)
def addcmul_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Like `addcmul`, in place."""
    return inplace.apply(Addcmul, self, tensor1, tensor2, value=value)


@public("addcdiv_", top=False)
def addcdiv_(self: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """Like `addcdiv`, in place."""
    return inplace.apply(Addcdiv, self, tensor1, tensor2, value=value)


@public("lerp_", top=False)
def lerp_(self: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Like `lerp`, in place."""
    if isinstance(weight, Tensor):
        return inplace.apply(Lerp, self, end, weight)
    return inplace.apply(LerpNumber, self, end, weight=weight)
