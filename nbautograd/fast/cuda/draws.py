"""Random numbers drawn on a GPU: a counter is scrambled by Philox, so that a draw is one kernel without a memory.

NOTE [Philox]
Philox4x32-10 makes four random words of a seed and of the number of a block, in ten rounds of two multiplications. A
generator is a seed and the number of its next block; a kernel gets both as arguments, and thread `i` scrambles block
`offset + i`. Nothing is kept on the GPU and nobody waits: to save, restore and repeat a state is to copy two numbers.
Numbers of 32 bits and fewer take one word of a block, others two.
Source: Salmon, Moraes, Dror and Shaw 2011, *Parallel random numbers: as easy as 1, 2, 3*.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

ROUNDS = """
struct Block { unsigned int word[4]; };
__device__ Block philox(unsigned int k0, unsigned int k1, unsigned int a, unsigned int b, unsigned int c, unsigned int d) {
  for (int round = 0; round < 10; round++) {
    unsigned long long p = 0xD2511F53ull * a, q = 0xCD9E8D57ull * c;
    a = (unsigned int)(q >> 32) ^ b ^ k0;
    b = (unsigned int)q;
    c = (unsigned int)(p >> 32) ^ d ^ k1;
    d = (unsigned int)p;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Block{{a, b, c, d}};
}
__device__ Block block_of(unsigned long long seed, unsigned long long number) {
  return philox((unsigned int)seed, (unsigned int)(seed >> 32), (unsigned int)number, (unsigned int)(number >> 32), 0, 0);
}
"""  # noqa: E501

WORDS = """
typedef %(T)s T;
const int EACH = sizeof(T) == 4 ? 4 : 2;
__device__ unsigned long long bits_of(Block x, int j) {
  return EACH == 4 ? x.word[j] : (unsigned long long)x.word[2 * j + 1] << 32 | x.word[2 * j];
}
__device__ T fraction(unsigned long long bits, int digits) {
  return T(bits >> (EACH == 4 ? 32 : 64) - digits) * exp2(T(-digits));
}
__device__ T positive(unsigned long long bits) {
  return EACH == 4 ? T(bits) * T(2.3283064365386963e-10) + T(1.1641532182693481e-10)
                   : (T(bits >> 11) + T(0.5)) * T(1.1102230246251565e-16);
}
__device__ T normal(Block x, int j) {
  T length = sqrt(T(-2) * log(positive(bits_of(x, j & ~1)))), turn = T(6.283185307179586) * fraction(bits_of(x, j | 1), DIGITS);
  return length * (j & 1 ? sin(turn) : cos(turn));
}
"""  # noqa: E501
"""`fraction` is at least 0 and below 1, `positive` above 0 and at most 1."""

KINDS = {
    "uniform": "T(low) + T(size) * fraction(bits, digits)",
    "normal": "T(low) + T(size) * normal(block, j)",
    "log_normal": "exp(T(low) + T(size) * normal(block, j))",
    "chance": "fraction(bits, DIGITS) < T(low) ? T(size) : T(0)",
    "exponential": "-log(positive(bits)) / T(size)",
    "cauchy": "T(low) + T(size) * tan(T(3.141592653589793) * (positive(bits) - T(0.5)))",
    "geometric": "fmax(T(1), ceil(log(positive(bits)) / log1p(-T(size))))",
    "gumbel": "-log(fmax(-log(positive(bits)), T(1e-37)))",
    "integer": "(long long)((unsigned long long)low + __umul64hi(bits, size))",
}
"""What becomes of the bits of a number, with two figures of the distribution."""

FRACTIONS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
"""As many bits as a fraction of a dtype has without being rounded, to one perhaps."""

LOOP = """
Block block = block_of(seed, offset + i);
for (int j = 0; j < EACH && EACH * i + j < count; j++) {
  unsigned long long bits = bits_of(block, j);
  y[EACH * i + j] = %s;
}
"""


def blocks(kind: str, dtype: Any, count: int) -> int:
    """How many blocks a draw of `count` numbers takes."""
    return -(-count // (2 if kind == "integer" or dtype.itemsize == 8 else 4))


def draw(library: Any, kind: str, shape: tuple[int, ...], dtype: Any, state: tuple[int, int], figures: Any) -> Any:
    """An array of random numbers, from a seed and the number of the first block; see NOTE [Philox]."""
    out = library.empty(shape, dtype)
    if out.size:
        low, size = figures
        low, size = (np.int64(low), np.uint64(size)) if kind == "integer" else (float(low), float(size))
        kernel = _kernel(library.ElementwiseKernel, kind, dtype.name)
        kernel(*map(np.uint64, state), out.size, low, size, out, size=blocks(kind, dtype, out.size))
    return out


@functools.cache
def _kernel(make: Any, kind: str, dtype: str) -> Any:
    whole = kind == "integer"
    double = whole or dtype == "float64"
    figures = "int64 low, uint64 size" if whole else "float64 low, float64 size"
    preamble = ROUNDS + WORDS.replace("DIGITS", "53" if double else "24") % {"T": "double" if double else "float"}
    expression = KINDS[kind].replace("DIGITS", "53" if double else "24").replace("digits", str(FRACTIONS.get(dtype, 0)))
    return make(
        f"uint64 seed, uint64 offset, int64 count, {figures}", f"raw {dtype} y", LOOP % expression,
        f"nb_draw_{kind}", preamble=preamble, no_return=True,
    )  # fmt: skip
