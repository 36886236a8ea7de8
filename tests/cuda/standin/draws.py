"""Philox in NumPy, and what a GPU's kernels make of its words: the reference that their C++ is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

LOW = np.uint64(0xFFFFFFFF)


def philox(key: Any, counter: Any) -> list[Any]:
    """Four words of 32 bits, of a key of two and a counter of four."""
    k0, k1 = (np.uint64(k) for k in key)
    a, b, c, d = (np.asarray(x, np.uint64) for x in counter)
    with np.errstate(over="ignore"):
        for _ in range(10):
            p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
            a, b, c, d = (q >> np.uint64(32)) ^ b ^ k0, q & LOW, (p >> np.uint64(32)) ^ d ^ k1, p & LOW
            k0, k1 = (k0 + np.uint64(0x9E3779B9)) & LOW, (k1 + np.uint64(0xBB67AE85)) & LOW
    return [a, b, c, d]


def words_of(seed: int, offset: int, count: int) -> Any:
    """The words of `count` blocks, a row for each."""
    numbers = (np.uint64(offset) + np.arange(count, dtype=np.uint64)).astype(np.uint64)
    zero = np.zeros_like(numbers)
    return np.stack(philox((seed & 0xFFFFFFFF, seed >> 32), (numbers & LOW, numbers >> np.uint64(32), zero, zero)), 1)


DIGITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


def drawn(kind: str, dtype: str, seed: int, offset: int, count: int, low: Any, size: Any) -> Any:
    """`count` random numbers, as the kernel of that name draws them."""
    double = kind == "integer" or dtype == "float64"
    real: Any = np.float64 if double else np.float32
    words = words_of(seed, offset, -(-count // (2 if double else 4)))
    bits = (words[:, 1::2] << np.uint64(32) | words[:, ::2]) if double else words
    width, digits = (64, 53) if double else (32, 24)

    def fraction(b: Any, digits: int = digits) -> Any:
        return (b >> np.uint64(width - digits)).astype(real) * real(2.0**-digits)

    positive = ((bits >> np.uint64(11)).astype(real) + real(0.5)) * real(2.0**-53)
    if not double:
        positive = bits.astype(real) * real(2.0**-32) + real(2.0**-33)
    if kind == "integer":
        found = [int(low) + (int(b) * int(size) >> 64) for b in bits.reshape(-1)[:count]]
        return np.array([(n + 2**63) % 2**64 - 2**63 for n in found], np.int64)
    low, size = real(low), real(size)
    with np.errstate(all="ignore"):
        found = {
            "uniform": lambda: low + size * fraction(bits, DIGITS[dtype]),
            "normal": lambda: low + size * _normals(positive, fraction(bits)),
            "log_normal": lambda: np.exp(low + size * _normals(positive, fraction(bits))),
            "chance": lambda: np.where(fraction(bits) < low, size, real(0)),
            "exponential": lambda: -np.log(positive) / size,
            "cauchy": lambda: low + size * np.tan(real(np.pi) * (positive - real(0.5))),
            "geometric": lambda: np.maximum(real(1), np.ceil(np.log(positive) / np.log1p(-size))),
            "gumbel": lambda: -np.log(np.maximum(-np.log(positive), real(1e-37))),
        }[kind]()
    return found.reshape(-1)[:count]


def _normals(positive: Any, fraction: Any) -> Any:
    length = np.sqrt(-2 * np.log(positive[:, ::2]))
    turn = positive.dtype.type(2 * np.pi) * fraction[:, 1::2]
    return np.stack((length * np.cos(turn), length * np.sin(turn)), -1)
