"""What divisions of large float32 arrays leave over is what NumPy's functions give, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nbautograd.ops.elementwise import rests

SIZE = rests.BLOCK + 700
WAYS = {
    "fmod": (rests.fmod, np.fmod),
    "remainder": (rests.remainder, np.remainder),
    "floor_divided": (rests.floor_divided, np.floor_divide),
}


def drawn(seed: int, *scales: float) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [(draw.standard_normal(SIZE) * scale).astype(np.float32) for scale in scales]


def multiples() -> tuple[Any, Any]:
    """Whole multiples, and their neighbours above and below."""
    y, n = drawn(1, 3, 40)
    x = y * np.round(n)
    for start, way in ((0, -np.inf), (1, np.inf)):
        x[start::3] = np.nextafter(x[start::3], np.float32(way))
    return x, y


def halves() -> tuple[Any, Any]:
    x, y = drawn(2, 9, 4)
    return np.round(x), np.round(y) + np.float32(0.5)


def zeros() -> tuple[Any, Any]:
    x, y = drawn(3, 1, 1)
    x[::3], x[1::3] = 0.0, -0.0
    return x, y


PAIRS: dict[str, tuple[Any, Any]] = {
    "usual": tuple(drawn(0, 1, 2)),
    "by little": (drawn(0, 500)[0], np.copysign(np.abs(drawn(1, 0.01)[0]) + 0.01, drawn(2, 1)[0])),
    "tiny": tuple(drawn(0, 1e-40, 1e-39)),
    "multiples": multiples(),
    "halves": halves(),
    "zeros": zeros(),
    "a number": (drawn(4, 100)[0], 0.7),
    "a number below zero": (drawn(4, 100)[0], -3),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PAIRS)
def test_every_bit_is_numpys(way: str, name: str) -> None:
    ours, numpys = WAYS[way]
    x, y = PAIRS[name]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ours(x, y).view(np.int32), numpys(x, y).view(np.int32))


@pytest.mark.parametrize("way", ["fmod", "remainder"])
@pytest.mark.parametrize("odd", [0.0, np.inf, -np.inf, np.nan, 1e-30])
def test_what_is_not_exact_is_left_to_numpy(way: str, odd: float) -> None:
    ours, numpys = WAYS[way]
    with np.errstate(all="ignore"):
        for place in (0, 1):
            pair = drawn(5, 1, 1)
            pair[place][rests.BLOCK + 5] = odd
            np.testing.assert_array_equal(ours(*pair), numpys(*pair))
        assert rests.floor_divided(*drawn(5, 1e30, 1)) is None
