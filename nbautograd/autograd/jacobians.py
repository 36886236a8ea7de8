"""A function under test: its derivatives by small steps, by backward, and by forward mode.

NOTE [How the numbers are compared]
Small steps move an input by ±eps along a direction and divide the change of the outputs by 2·eps. In slow mode the
directions are all elements of the input, one by one, and so are the cotangents that backward starts from: the whole
Jacobian is compared. In fast mode there is one random direction u and one random cotangent v, and vᵀJu is compared,
with a tolerance that grows as a sum of so many elements does. In double precision central differences leave an error of
about 1e-9, far below the default tolerance; in single precision they leave nothing to compare, hence the warning.

A complex element is moved along both axes: the row of the Jacobian is ∂y/∂Re x + i·∂y/∂Im x, torch's convention for
gradients. A complex output is two real ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import CPU, place
from nbautograd.core.backward import grad
from nbautograd.core.call import wrap
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.levels import opened
from nbautograd.core.tensor import Tensor


class GradcheckError(RuntimeError):
    """A derivative that small steps do not confirm."""


class Program:
    """`func` at `args`, as a function from the inputs that require grad to the real parts of its outputs that do."""

    def __init__(self, func: Callable[..., Any], args: tuple[Any, ...], every_output: bool = False) -> None:
        self.func, self.args = func, args
        self.moving = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
        items = as_tuple(func(*args))
        kept = [i for i, y in enumerate(items) if isinstance(y, Tensor) and (y.requires_grad or every_output)]
        self._places = [i for i in kept if items[i]._data.dtype.kind in "fc"]
        self.parts = [
            (i, part) for i in self._places for part in (("real", "imag") if items[i].dtype.is_complex else ("",))
        ]
        """For each real output, which output it is, and which part of it."""

    def inputs(self) -> list[Tensor]:
        """The inputs that move."""
        return [self.args[i] for i in self.moving]

    def run(self, args: tuple[Any, ...] | None = None) -> list[Tensor]:
        """The real parts of the outputs."""
        items = as_tuple(self.func(*(self.args if args is None else args)))
        return [getattr(items[i], part) if part else items[i] for i, part in self.parts]

    def numerical(self, x: Tensor, directions: Any, eps: float) -> list[Any]:
        """Per output a matrix: the slopes along each of the `directions` of `x`."""
        start = np.array(host(x))
        rows: list[list[Any]] = []
        try:
            for direction in directions:
                step = (eps * direction).reshape(start.shape).astype(start.dtype)
                rows.append(self._slopes(x, start, step, eps))
        finally:
            inplace.write(x.data, _as(start, x))
        sizes = [y.numel() for y in self.run()]
        return [np.array([row[k] for row in rows]).reshape(len(directions), size) for k, size in enumerate(sizes)]

    def _slopes(self, x: Tensor, start: Any, step: Any, eps: float) -> list[Any]:
        def values(moved: Any) -> list[Any]:
            with no_grad():
                inplace.write(x.data, _as(moved, x))
            return [np.array(host(y)).reshape(-1) for y in self.run()]

        def slopes(step: Any) -> list[Any]:
            pairs = zip(values(start + step), values(start - step), strict=True)
            return [(after - before) / (2 * eps) for after, before in pairs]

        if start.dtype.kind != "c":
            return slopes(step)
        return [a + 1j * b for a, b in zip(slopes(step), slopes(1j * step), strict=True)]

    def backward(self, k: int, cotangents: Any, check_dtypes: bool = False) -> list[Any]:
        """For each input the gradients of output `k` started from each of the `cotangents`, as columns.

        Raises: GradcheckError when a gradient does not have the shape, or the dtype, of its input.
        """
        y = self.run()[k]
        xs = self.inputs()
        columns: list[list[Any]] = [[] for _ in xs]
        for cotangent in cotangents:
            seed = wrap(_as(np.asarray(cotangent, y._data.dtype).reshape(tuple(y.shape)), y))
            found = grad([y], xs, [seed], retain_graph=True, allow_unused=True)
            for column, x, g in zip(columns, xs, found, strict=True):
                _check_form(x, g, check_dtypes)
                column.append(np.zeros(x.numel(), x._data.dtype) if g is None else host(g).reshape(-1))
        return [
            np.stack(column, axis=1) if column else np.zeros((x.numel(), 0))
            for column, x in zip(columns, xs, strict=True)
        ]

    def forward(self, j: int, directions: Any, check_dtypes: bool = False) -> list[Any]:
        """Per output the tangents along each of the `directions` of input `j`, as rows, by forward mode."""
        x = self.inputs()[j]
        turns = (1, 1j) if x.dtype.is_complex else (1,)
        with opened(len(directions) * len(turns)) as levels:
            moved = x.detach()
            steps = [direction * turn for direction in directions for turn in turns]
            for level, step in zip(levels, steps, strict=True):
                level.set(moved, wrap(_as(np.asarray(step, x._data.dtype).reshape(tuple(x.shape)), x)))
            ys = self.run(self._replaced({self.moving[j]: moved}))
            tables = [self._tangents(y, levels, check_dtypes) for y in ys]
        return [t[0::2] + 1j * t[1::2] if len(turns) == 2 else t for t in tables]

    def _replaced(self, new: dict[int, Tensor]) -> tuple[Any, ...]:
        """The arguments without requiring grad, some of them replaced."""
        return tuple([new.get(i, x.detach() if isinstance(x, Tensor) else x) for i, x in enumerate(self.args)])

    def _tangents(self, y: Tensor, levels: Any, check_dtypes: bool) -> Any:
        rows: list[Any] = []
        for level in levels:
            tangent = level.get(y)
            if check_dtypes and tangent is not None and tangent.dtype != y.dtype:
                raise GradcheckError("Forward AD gradient has dtype mismatch.")
            rows.append(np.zeros(y.numel()) if tangent is None else host(tangent).reshape(-1))
        return np.array(rows).reshape(len(rows), y.numel())

    def tangents_at_once(self, tangents: dict[int, Tensor]) -> list[Tensor | None]:
        """The tangents of the outputs when the arguments in these places move together."""
        with opened() as (level,):
            moved = {i: self.args[i].detach() for i in tangents}
            for i, tangent in tangents.items():
                level.set(moved[i], tangent)
            return [level.get(y) for y in self.run(self._replaced(moved))]


def _check_form(x: Tensor, g: Tensor | None, check_dtypes: bool) -> None:
    if g is not None and check_dtypes and g.dtype != x.dtype:
        raise GradcheckError("Gradient has dtype mismatch")
    if g is not None and g.shape != x.shape:
        raise GradcheckError("Analytical gradient has incorrect size")


def as_tuple(value: Any) -> tuple[Any, ...]:
    """`value` as a tuple, if it is none."""
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def host(x: Tensor) -> Any:
    """The numbers of `x` as a NumPy array."""
    return np.asarray(place(x._data, CPU))


def _as(data: Any, like: Tensor) -> Any:
    return place(np.asarray(data), like.device)
