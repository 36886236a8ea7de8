"""What kind of number an element is."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.modes import told
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public, publish_op
from nbautograd.core.tensor import Tensor
from nbautograd.ops.elementwise.comparison import Eq
from nbautograd.ops.samples import Make, forward_only, unary


def _special(make: Make) -> Any:
    yield (np.asarray([0.0, -0.0, 1.5, np.nan, np.inf, -np.inf], make.dtype),)
    yield (make.ints(3),)


_singles = forward_only(unary(), _special)


class Isnan(Op):
    """Which elements are not a number."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isnan(x)


class Isinf(Op):
    """Which elements are infinite."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isinf(x)


class Isfinite(Op):
    """Which elements are neither infinite nor NaN."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.isfinite(x)


class Isposinf(Op):
    """Which elements are plus infinity."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return x == np.inf


class Isneginf(Op):
    """Which elements are minus infinity."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return x == -np.inf


class Signbit(Op):
    """Which elements carry a minus sign, that of −0 included."""

    elementwise = boolean = True
    samples = _singles

    def forward(x):
        return xp.signbit(x) if x.dtype.kind == "f" else x < 0


for _op in (Isnan, Isinf, Isfinite, Isposinf, Isneginf, Signbit):
    publish_op(_op)


@public()
def isreal(input: Tensor) -> Tensor:
    """Which elements have no imaginary part."""
    return Eq.call(input.imag, 0) if input.dtype.is_complex else Eq.call(input, input).logical_or(Isnan.call(input))


@public()
@told
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero."""
    return bool(input)
