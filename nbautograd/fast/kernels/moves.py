"""Elements from here to there: short runs, such as the rows of an image, by vectors that may overlap."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

from .numbers import STRICT

LANE = ir.IntType(32)


def _place(context: Any, builder: Any, kind: Any, array: Any, i: Any) -> Any:
    return builder.gep(context.make_array(kind)(context, builder, array).data, [i])


@intrinsic
def peek(context: Any, array: Any, i: Any) -> Any:
    """Element `i` in memory, which is there: to ask whether `i` is negative would cost more than a short loop does."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, array, *args))

    return array.dtype(array, types.int64), generate


@intrinsic
def poke(context: Any, array: Any, i: Any, value: Any) -> Any:
    """The same, written."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, array, *args[:2]))
        return context.get_dummy_value()

    return types.void(array, types.int64, array.dtype), generate


def _moved(count: int, picked: list[int], second: int) -> Any:
    """A vector of `count` elements from `x[i]` on to `out[j]`: those `picked` of it and of one `second` elements on."""

    @intrinsic
    def move(context: Any, x: Any, i: Any, out: Any, j: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_value_type(x.dtype)
            vector, size = ir.VectorType(kind, count), 8 if isinstance(kind, ir.DoubleType) else 4

            def at(array: Any, value: Any, n: Any) -> Any:
                return builder.bitcast(_place(context, builder, array, value, n), vector.as_pointer())

            read = [builder.add(args[1], ir.IntType(64)(n)) for n in (0, second)]
            one, two = (builder.load(at(x, args[0], n), align=size) for n in read)
            order = ir.Constant(ir.VectorType(LANE, count), picked)
            builder.store(builder.shuffle_vector(one, two, order), at(out, args[2], args[3]), align=size)
            return context.get_dummy_value()

        return types.void(x, types.int64, out, types.int64), generate

    return move


move8, move4 = (_moved(n, list(range(n)), 0) for n in (8, 4))
evens8, evens4 = _moved(8, [0, 2, 4, 6, 9, 11, 13, 15], 7), _moved(4, [0, 2, 5, 7], 3)  # nothing beyond the last


@register_jitable(**STRICT)
def put_run(x: Any, i: Any, out: Any, j: Any, count: Any) -> None:
    """out[j + k] = x[i + k]"""
    if count >= 8:
        for k in range(0, count - 8, 8):
            move8(x, i + k, out, j + k)
        move8(x, i + count - 8, out, j + count - 8)
    elif count >= 4:
        move4(x, i, out, j)
        move4(x, i + count - 4, out, j + count - 4)
    else:
        for k in range(count):
            poke(out, j + k, peek(x, i + k))


@register_jitable(**STRICT)
def put_every_second(x: Any, i: Any, out: Any, j: Any, count: Any) -> None:
    """out[j + k] = x[i + 2 k]"""
    if count >= 8:
        for k in range(0, count - 8, 8):
            evens8(x, i + 2 * k, out, j + k)
        evens8(x, i + 2 * (count - 8), out, j + count - 8)
    elif count >= 4:
        evens4(x, i, out, j)
        evens4(x, i + 2 * (count - 4), out, j + count - 4)
    else:
        for k in range(count):
            poke(out, j + k, peek(x, i + 2 * k))


def _turned(count: int) -> Any:
    """A block of `count` × `count` elements of `x` from `i` on, turned, to `out` from `j` on; the steps are of rows."""

    def exchanged(builder: Any, rows: list[Any], half: int) -> list[Any]:
        """Blocks of `half` × `half` right above and left below change places."""
        lanes = range(count)
        upper = [count + lane - half if lane & half else lane for lane in lanes]
        lower = [count + lane if lane & half else lane + half for lane in lanes]
        orders = [ir.Constant(ir.VectorType(LANE, count), order) for order in (upper, lower)]
        pairs = [(rows[r & ~half], rows[r | half], orders[bool(r & half)]) for r in lanes]
        return [builder.shuffle_vector(*pair) for pair in pairs]

    @intrinsic
    def turn(context: Any, x: Any, i: Any, step: Any, out: Any, j: Any, to: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = context.get_value_type(x.dtype)
            vector, size = ir.VectorType(kind, count), 8 if isinstance(kind, ir.DoubleType) else 4

            def place(array: Any, value: Any, start: Any, apart: Any, r: int) -> Any:
                n = builder.add(start, builder.mul(apart, ir.IntType(64)(r)))
                return builder.bitcast(_place(context, builder, array, value, n), vector.as_pointer())

            rows = [builder.load(place(x, *args[:3], r), align=size) for r in range(count)]
            for power in range(count.bit_length() - 1):
                rows = exchanged(builder, rows, 1 << power)
            for r, row in enumerate(rows):
                builder.store(row, place(out, *args[3:], r), align=size)
            return context.get_dummy_value()

        return types.void(x, types.int64, types.int64, out, types.int64, types.int64), generate

    return turn


turn8, turn4 = _turned(8), _turned(4)


@register_jitable(**STRICT)
def put_turned(x: Any, i: Any, step: Any, rows: Any, count: Any, out: Any, j: Any, to: Any) -> None:
    """out[j + to · k + r] = x[i + step · r + k] for `rows` rows of `count` elements."""
    if min(rows, count) >= 8:
        for r in range(0, rows + 7, 8):
            r = min(r, rows - 8)
            for k in range(0, count - 8, 8):
                turn8(x, i + step * r + k, step, out, j + to * k + r, to)
            turn8(x, i + step * r + count - 8, step, out, j + to * (count - 8) + r, to)
    elif min(rows, count) >= 4:
        for r in range(0, rows + 3, 4):
            r = min(r, rows - 4)
            for k in range(0, count - 4, 4):
                turn4(x, i + step * r + k, step, out, j + to * k + r, to)
            turn4(x, i + step * r + count - 4, step, out, j + to * (count - 4) + r, to)
    else:
        for k in range(count):
            for r in range(rows):
                poke(out, j + to * k + r, peek(x, i + step * r + k))
