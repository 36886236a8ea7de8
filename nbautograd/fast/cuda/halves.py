"""Numbers of 16 bits in C++ that any compiler takes: computed with in float, rounded when they are stored."""

HALVES = """
union Bits { float number; unsigned int bits; };
struct float16_ {
  unsigned short bits;
  __device__ float16_() {}
  __device__ float16_(float x) {
    Bits whole, size;
    whole.number = x;
    unsigned int sign = whole.bits >> 16 & 0x8000u, a = whole.bits & 0x7fffffffu;
    size.bits = a;
    if (a > 0x7f800000u) a = 0x7e00u;
    else if (a >= 0x477ff000u) a = 0x7c00u;
    else if (a < 0x38800000u) size.number += 0.5f, a = size.bits - 0x3f000000u;
    else a = (a + 0x0fffu + (a >> 13 & 1) - (112u << 23)) >> 13;
    bits = sign | a;
  }
  __device__ operator float() const {
    unsigned int exponent = bits >> 10 & 31, rest = bits & 1023;
    Bits found;
    found.bits = (exponent == 31 ? 255u : exponent + 112) << 23 | rest << 13;
    if (exponent == 0) found.number = rest * 5.9604644775390625e-08f;
    return bits >> 15 ? -found.number : found.number;
  }
};
struct bfloat16_ {
  unsigned short bits;
  __device__ bfloat16_() {}
  __device__ bfloat16_(float x) {
    Bits whole;
    whole.number = x;
    bits = x != x ? whole.bits >> 16 | 64 : (whole.bits + 0x7fffu + (whole.bits >> 16 & 1)) >> 16;
  }
  __device__ operator float() const {
    Bits found;
    found.bits = (unsigned int)bits << 16;
    return found.number;
  }
};
"""
"""To the nearest number, to the even one of two as near. A float that is too small for the exponent gets 0.5 added, in
whose last bits its own are then, rounded."""
