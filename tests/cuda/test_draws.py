"""Random numbers that a GPU draws: Philox as published, the distributions, states, and who else draws from them."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import scipy.stats

import nbautograd as nb
from nbautograd.nn import functional as F  # noqa: N812

from .standin.draws import drawn, philox
from .test_kernels import launches

KNOWN = [
    ((0, 0), (0, 0, 0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ((0xA4093822, 0x299F31D0), (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
"""The known answers that come with the paper, for philox4x32-10."""


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
def test_the_reference_is_philox(key: Any, counter: Any, words: str):
    assert " ".join(f"{int(w):08x}" for w in philox(key, counter)) == words


HOST = """
#include <cmath>
using namespace std;
#define __device__ static inline
#define __umul64hi(a, b) (unsigned long long)((unsigned __int128)(a) * (b) >> 64)
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the compiler of this machine makes of the kernels' C++: a function for each kind and dtype."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler: g++")
    from nbautograd.fast.cuda import draws

    text = [HOST]
    for dtype in ("float32", "float64"):
        for kind in draws.KINDS:
            made: list[Any] = []
            draws._kernel.__wrapped__(lambda *a, made=made, **k: made.append((a, k)), kind, dtype)
            (_, _, operation, _), more = made[0]
            out = "long long" if kind == "integer" else "T"
            figures = "long long low, unsigned long long size" if kind == "integer" else "double low, double size"
            text.append(f"namespace {kind}_{dtype} {{ {more['preamble']}")
            text.append(f'extern "C" void {kind}_{dtype}_(unsigned long long seed, unsigned long long offset,')
            text.append(f"long long count, {figures}, {out} *y) {{ for (long long i = 0; i * EACH < count; i++) {{")
            text.append(f"{operation} }} }}")
            if (kind, dtype) == ("uniform", "float32"):
                text.append('extern "C" void known(unsigned int *x) { Block found = philox(x[0], x[1], x[2], x[3],')
                text.append("x[4], x[5]); for (int i = 0; i < 4; i++) x[i] = found.word[i]; }")
            text.append("}")
    folder = tmp_path_factory.mktemp("draws")
    (folder / "draws.cpp").write_text("\n".join(text))
    subprocess.run(["g++", "-O1", "-w", "-shared", "-fPIC", "-o", "draws.so", "draws.cpp"], check=True, cwd=folder)
    return ctypes.CDLL(str(folder / "draws.so"))


@pytest.mark.parametrize(("key", "counter", "words"), KNOWN)
def test_the_kernels_are_philox(key: Any, counter: Any, words: str, compiled: Any):
    found = np.array([*key, *counter], np.uint32)
    compiled.known(found.ctypes.data_as(ctypes.c_void_p))
    assert " ".join(f"{w:08x}" for w in found[:4]) == words


FIGURES = {
    "uniform": (-2.0, 5.0), "normal": (1.0, 3.0), "log_normal": (0.5, 0.25), "chance": (0.3, 2.0),
    "exponential": (0.0, 2.0), "cauchy": (1.0, 2.0), "geometric": (0.0, 0.3), "gumbel": (0.0, 1.0),
    "integer": (-7, 1000),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", FIGURES)
def test_the_kernels_compute_what_the_reference_does(kind: str, dtype: str, compiled: Any):
    low, size = FIGURES[kind]
    whole = kind == "integer"
    seed, offset, count = 0x1234_5678_9ABC_DEF0, 2**32 - 3, 1001  # a carry into the second word
    expected = drawn(
        kind, dtype, seed, offset, count, np.int64(low) if whole else low, np.uint64(size) if whole else size
    )
    found = np.zeros(count, expected.dtype)
    figures = (
        (ctypes.c_longlong(low), ctypes.c_ulonglong(size)) if whole else (ctypes.c_double(low), ctypes.c_double(size))
    )
    getattr(compiled, f"{kind}_{dtype}_")(
        ctypes.c_ulonglong(seed), ctypes.c_ulonglong(offset), ctypes.c_longlong(count), *figures,
        found.ctypes.data_as(ctypes.c_void_p),
    )  # fmt: skip
    rtol = 1e-4 if expected.dtype == np.float32 else 1e-10
    agree = np.isclose(found, expected, rtol, rtol)
    assert agree.mean() > (0.99 if kind == "geometric" else 0.999999)  # a rounding may make one trial more


DISTRIBUTIONS: dict[str, Any] = {
    "uniform": scipy.stats.uniform(-2, 5), "normal": scipy.stats.norm(1, 3),
    "log_normal": scipy.stats.lognorm(0.25, scale=np.exp(0.5)), "exponential": scipy.stats.expon(scale=0.5),
    "cauchy": scipy.stats.cauchy(1, 2), "gumbel": scipy.stats.gumbel_r(),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_the_reference_has_the_distribution(kind: str, dtype: str):
    found = drawn(kind, dtype, 5, 0, 40_000, *FIGURES[kind])
    assert scipy.stats.kstest(found, DISTRIBUTIONS[kind].cdf).pvalue > 1e-3
    lag = np.corrcoef(*(DISTRIBUTIONS[kind].cdf(part) for part in (found[1:], found[:-1])))[0, 1]
    assert abs(lag) < 0.02


def test_the_reference_counts_as_often_as_it_should():
    whole = drawn("integer", "int64", 5, 0, 40_000, np.int64(-7), np.uint64(10))
    assert scipy.stats.chisquare(np.bincount(whole + 7, minlength=10)).pvalue > 1e-3
    assert (drawn("chance", "float32", 5, 0, 40_000, 0.3, 2.0) == 2).mean() == pytest.approx(0.3, abs=0.01)
    trials = drawn("geometric", "float32", 5, 0, 40_000, 0.0, 0.3)
    assert (trials.min(), trials.mean()) == (1, pytest.approx(1 / 0.3, rel=0.02))


@pytest.mark.gpu
def test_a_draw_is_one_kernel_and_copies_nothing():
    from .standin.machine import counts

    nb.rand(1, device="cuda")
    x = nb.ones(7, device="cuda")
    for draw, kernels in {
        lambda: nb.rand(1000, device="cuda"): 1,
        lambda: nb.randn(3, 5, device="cuda", dtype=nb.float64): 1,
        lambda: nb.randint(3, 9, (10,), device="cuda"): 1,
        lambda: nb.bernoulli(x, 0.3): 1,
        lambda: F.dropout(x): 2,
        lambda: nb.randperm(9, device="cuda"): 2,
        lambda: nb.empty(9, device="cuda").uniform_(2, 3): 2,
        lambda: nb.empty(9, device="cuda").normal_(2, 3): 2,
        lambda: nb.empty(9, device="cuda").exponential_(2): 2,
    }.items():
        before = counts.uploads, counts.syncs
        found, launched = launches(draw)
        assert launched <= kernels
        assert found.is_cuda
        assert (counts.uploads, counts.syncs) == before


@pytest.mark.gpu
def test_a_state_is_the_seed_and_the_number_of_a_block():
    nb.cuda.manual_seed(5)
    nb.rand(9, device="cuda")
    state = nb.cuda.get_rng_state()
    assert state.tolist() == [5, *[0] * 7, 3, *[0] * 7]
    first = [nb.rand(3, device="cuda"), nb.randn(3, device="cuda"), nb.poisson(nb.full((3,), 4.0, device="cuda"))]
    nb.cuda.set_rng_state(state)
    again = [nb.rand(3, device="cuda"), nb.randn(3, device="cuda"), nb.poisson(nb.full((3,), 4.0, device="cuda"))]
    assert all(map(nb.equal, first, again))
    with pytest.raises(RuntimeError, match="RNG state is wrong size"):
        nb.cuda.set_rng_state(nb.get_rng_state())
    g = nb.Generator("cuda").manual_seed(2**64 - 1)
    assert nb.equal(nb.rand(5, generator=g.clone_state(), device="cuda"), nb.rand(5, generator=g, device="cuda"))
    assert not nb.equal(nb.rand(5, generator=g, device="cuda"), nb.rand(5, generator=g, device="cuda"))


@pytest.mark.gpu
def test_forks_and_checkpoints_draw_the_same_again():
    from nbautograd.utils.checkpoint import checkpoint

    with nb.random.fork_rng():
        inside = nb.rand(4, device="cuda")
    assert nb.equal(nb.rand(4, device="cuda"), inside)
    x = nb.ones(500, device="cuda", requires_grad=True)
    y = checkpoint(lambda x: F.dropout(x * x, 0.5), x, use_reentrant=False)
    y.sum().backward()
    assert nb.equal(x.grad, 2 * y.detach())


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [nb.float16, nb.bfloat16, nb.float32, nb.float64], ids=str)
def test_fractions_are_below_one_in_every_precision(dtype: Any):
    x = nb.rand(20_000, device="cuda", dtype=dtype)
    assert x.dtype is dtype
    assert 0 <= x.min() <= x.max() < 1
    assert x.double().mean().item() == pytest.approx(0.5, abs=0.02)
    assert nb.randn(20_000, device="cuda", dtype=dtype).double().std().item() == pytest.approx(1, abs=0.03)


@pytest.mark.gpu
def test_permutations_and_weighted_draws_are_right():
    assert nb.randperm(50, device="cuda").sort().values.tolist() == list(range(50))
    assert nb.randperm(0, device="cuda").tolist() == []
    assert nb.randint(-3, 4, (5000,), device="cuda").unique().tolist() == [*range(-3, 4)]
    weights = nb.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]], device="cuda")
    rows = nb.multinomial(weights, 8000, replacement=True)
    assert (rows[0] == 2).double().mean().item() == pytest.approx(0.75, abs=0.03)
    assert not rows[1].any()
    assert nb.multinomial(weights[0], 2).sort().values.tolist() == [1, 2]
    chances = nb.tensor([0.0, 1.0], device="cuda")
    assert nb.bernoulli(chances).tolist() == [0, 1]
    assert nb.empty(2, device="cuda").bernoulli_(chances).tolist() == [0, 1]
