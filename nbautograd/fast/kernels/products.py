"""Products of matrices whose rows lie anywhere: what convolutions and recurrent steps are made of.

NOTE [Tiles]
A product is fast when its sums stay in registers: a tile of `ROWS` rows and up to `WIDTH` vectors of columns, for which
one step takes a row of `b` and a column of `a`. LLVM makes no such code of loops by itself, so `tile` writes down the
vector instructions. The rows of `a` and `b` are given by where they begin. So the windows of an image need no copies:
they are rows of it that begin elsewhere.
"""

from __future__ import annotations

import platform
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from .numbers import STRICT


def _features() -> Any:
    try:
        return llvmlite.binding.get_host_cpu_features()
    except RuntimeError:  # LLVM does not know this system
        return {}


_has = _features().get
BYTES = 64 if _has("avx512f") else 32 if _has("avx2") else 16
"""The size of a vector register."""
ROWS = 8 if _has("avx512f") or platform.machine() in ("arm64", "aarch64") else 4
"""As many as fill the registers, with three vectors of sums for each."""
WIDTH = 3
PAD = 16
"""Rows of `c` are multiples of so many elements, and those of `b` may be read as far beyond their end."""
INDEX = ir.IntType(64)
DEPTH = 512
"""So many products are added up before the next columns are looked at: what they need stays in the cache."""


def _tile(width: int) -> Any:
    """The instructions for `width` vectors of columns, those from `j` on, and for the products from `k` to `stop`."""

    @intrinsic
    def tile(
        context: Any, a: Any, rows: Any, r: Any, b: Any, at: Any, k: Any, stop: Any, j: Any, c: Any, to: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def start(kind: Any, value: Any) -> Any:
                is_array = isinstance(kind, types.Array)
                return context.make_array(kind)(context, builder, value).data if is_array else value

            kind = context.get_value_type(signature.args[0].dtype)
            given = [start(*pair) for pair in zip(signature.args, args, strict=True)]
            _Tile(builder, kind, width).write(*given)
            return context.get_dummy_value()

        return types.void(a, rows, r, b, at, k, stop, j, c, to), generate

    return tile


class _Tile:
    """Writes instructions for elements of one type. The sums are variables here; LLVM puts them into registers."""

    def __init__(self, builder: Any, kind: Any, width: int) -> None:
        self.builder, self.width = builder, width
        self.size = 8 if isinstance(kind, ir.DoubleType) else 4
        self.lanes = BYTES // self.size
        self.vector = ir.VectorType(kind, self.lanes)
        self.sums = [cgutils.alloca_once(builder, self.vector) for _ in range(ROWS * width)]

    def write(self, a: Any, rows: Any, r: Any, b: Any, at: Any, k: Any, stop: Any, j: Any, c: Any, to: Any) -> None:
        numbers = [self.builder.add(r, INDEX(i)) for i in range(ROWS)]
        starts = [self.place(a, self.number(rows, n)) for n in numbers]
        for total in self.sums:
            self.builder.store(ir.Constant(self.vector, None), total)
        with cgutils.for_range_slice(self.builder, k, stop, INDEX(1)) as (step, _):
            met = [self.load(p) for p in self.vectors(self.place(b, self.number(at, step), j))]
            for i, start in enumerate(starts):
                self.multiply(self.spread(self.number(start, step)), met, self.sums[i * self.width :])
        for i, n in enumerate(numbers):
            places = self.vectors(self.place(c, self.number(to, n), j))
            for total, p in zip(self.sums[i * self.width :], places, strict=False):
                found = self.builder.fadd(self.load(p), self.builder.load(total))
                self.builder.store(found, p, align=self.size)

    def place(self, base: Any, *steps: Any) -> Any:
        for step in steps:
            base = self.builder.gep(base, [step])
        return base

    def number(self, base: Any, i: Any) -> Any:
        return self.builder.load(self.place(base, i))

    def vectors(self, base: Any) -> list[Any]:
        """The places of the vectors of a row."""
        starts = [self.place(base, INDEX(v * self.lanes)) for v in range(self.width)]
        return [self.builder.bitcast(p, self.vector.as_pointer()) for p in starts]

    def load(self, place: Any) -> Any:
        return self.builder.load(place, align=self.size)

    def spread(self, value: Any) -> Any:
        """A vector with `value` everywhere."""
        nothing, lane = ir.Constant(self.vector, ir.Undefined), ir.IntType(32)
        one = self.builder.insert_element(nothing, value, lane(0))
        return self.builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(lane, self.lanes), None))

    def multiply(self, factor: Any, vectors: list[Any], sums: list[Any]) -> None:
        for v, total in zip(vectors, sums, strict=False):
            product = self.builder.fmul(factor, v, flags=("contract",))
            found = self.builder.fadd(self.builder.load(total), product, flags=("contract",))
            self.builder.store(found, total)


tile1, tile2, tile3 = (_tile(n) for n in (1, 2, 3))


@register_jitable(**STRICT)
def add_product(a: Any, rows: Any, b: Any, at: Any, columns: Any, c: Any, to: Any) -> None:
    """Add to `c` what `a` times `b` is: c[to[r] + j] += Σₖ a[rows[r] + k] · b[at[k] + j].

    All arrays are flat, `rows` and `to` as long, a multiple of `ROWS`.
    """
    lanes = BYTES // b.itemsize
    whole = (columns + lanes - 1) // lanes
    for k in range(0, at.size, DEPTH):
        stop = min(k + DEPTH, at.size)
        for v in range(0, whole, WIDTH):
            left = whole - v
            for r in range(0, rows.size, ROWS):
                if left >= 3:
                    tile3(a, rows, r, b, at, k, stop, v * lanes, c, to)
                elif left == 2:
                    tile2(a, rows, r, b, at, k, stop, v * lanes, c, to)
                else:
                    tile1(a, rows, r, b, at, k, stop, v * lanes, c, to)


@register_jitable(**STRICT)
def rounded(n: Any, step: Any) -> Any:
    return (n + step - 1) // step * step


@register_jitable(**STRICT)
def rows_of(count: Any, step: Any, last: Any) -> Any:
    """Where rows begin that lie one after the other; as many as tiles take, the last one again and again if `last`."""
    found = np.empty(rounded(count, ROWS), np.int64)
    for r in range(found.size):
        found[r] = (min(r, count - 1) if last else r) * step
    return found
