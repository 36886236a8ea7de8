"""Kernels written by hand that work out where their elements lie: what a compiler makes of them, beside references."""

from __future__ import annotations

import ctypes
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.fast.cuda.words import TYPES
from nbautograd.nn import functional as F  # noqa: N812

from .test_kernels import HEAD, launches, numbers

pytestmark = pytest.mark.gpu

ATOMIC = "template<typename T> static void atomicAdd(T *where, T x) { *where += x; }\n"


def run_all() -> None:
    """Every such kernel, with figures of many kinds."""
    for dtype in (nb.float32, nb.float64):
        x, index = numbers(3, 4, 2, dtype=dtype), nb.tensor([[[1, -1]] * 2]).cuda()
        x.gather(1, index.abs()).sum().backward()
        nb.take_along_dim(x, index.abs(), 1).square().sum().backward()
        for shape, places in (((4, 3), (4,)), ((2, 3, 2, 2), (2, 2, 2))):
            scores, labels = numbers(*shape, dtype=dtype), nb.tensor([0, 2, 1, 1] * 2).cuda()[: math.prod(places)]
            weight = numbers(3, dtype=dtype).detach()
            F.nll_loss(scores, labels.view(places)).square().backward()
            F.nll_loss(scores, labels.view(places), weight, ignore_index=1, reduction="none").square().sum().backward()
        x.scatter(1, index.abs(), x[:1, :2] * 2).square().sum().backward()
        x.scatter_add(1, index.abs(), x * 2).square().sum().backward()
        x.topk(1, 1).values.square().sum().backward()
        for settings in (
            {},
            {"stride": 1, "padding": 1},
            {"stride": (2, 1, 1), "ceil_mode": True, "padding": (1, 0, 1)},
        ):
            y = numbers(2, 3, 5, 4, 6, dtype=dtype)
            F.max_pool3d(y, 3, **settings).square().sum().backward()
            F.max_pool2d(y[0], 2, dilation=(1, 2)).square().sum().backward()
            F.avg_pool3d(y, (3, 2, 3), **settings, count_include_pad=not settings).square().sum().backward()
            F.avg_pool2d(y[0], 2, 3, divisor_override=3).square().sum().backward()


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++")
def test_what_a_compiler_makes_of_a_raw_kernel_computes_what_its_reference_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    launches(lambda: None)  # skips on a GPU
    from .standin.kernels import REFERENCE, ElementwiseKernel

    calls: list[tuple[ElementwiseKernel, list[Any], list[Any]]] = []

    def noted(self: ElementwiseKernel, *args: Any) -> None:
        before = [a.get() if hasattr(a, "get") else a for a in args]
        plain(self, *args)
        calls.append((self, before, [a.get() if hasattr(a, "get") else a for a in args]))

    plain = ElementwiseKernel._refer
    monkeypatch.setattr(ElementwiseKernel, "_refer", noted)
    run_all()
    assert {kernel.name for kernel, _, _ in calls} == set(REFERENCE)
    kernels = list({id(k): k for k, _, _ in calls}.values())
    library = compiled(kernels, tmp_path)
    for kernel, before, after in calls:
        theirs = compute(library, kernels.index(kernel), kernel, before)
        for p, got, expected in zip((*kernel.in_params, *kernel.out_params), theirs, after, strict=True):
            if isinstance(expected, np.ndarray):
                np.testing.assert_allclose(got, expected, 1e-5, 1e-6, err_msg=f"{kernel.name}: {p.name}")


def compiled(kernels: list[Any], folder: Path) -> ctypes.CDLL:
    """The kernels as functions of a count and of pointers."""
    text = [HEAD, ATOMIC]
    for i, kernel in enumerate(kernels):
        text.append(f'namespace space{i} {{ {kernel.preamble}\nextern "C" void kernel{i}(long long n, void **given) {{')
        text.append("for (long long i = 0; i < n; i++) {")
        for k, p in enumerate([*kernel.in_params, *kernel.out_params]):
            kind = TYPES[p.dtype.name]
            one = f"{kind} *{p.name} = ({kind}*)given[{k}];"
            text.append(one if p.raw else f"{kind} &{p.name} = (({kind}*)given[{k}])[i];")
        text.append(f"{kernel.operation}\n}} }} }}")
    (folder / "raw.cpp").write_text("\n".join(text))
    command = ["g++", "-O1", "-w", "-shared", "-fPIC", "-o", "raw.so", "raw.cpp"]
    subprocess.run(command, check=True, cwd=folder)
    return ctypes.CDLL(str(folder / "raw.so"))


def compute(library: ctypes.CDLL, number: int, kernel: Any, given: list[Any]) -> list[Any]:
    """What the compiled kernel makes of the arguments."""
    parameters = [*kernel.in_params, *kernel.out_params]
    shaped = [a for p, a in zip(parameters, given, strict=True) if isinstance(a, np.ndarray) and not p.raw]
    size = shaped[0].size if shaped else given[-1].size
    arrays = [
        np.ascontiguousarray(a) if isinstance(a, np.ndarray) else np.full(1 if p.raw else size, a, p.dtype)
        for p, a in zip(parameters, given, strict=True)
    ]
    pointers = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
    getattr(library, f"kernel{number}")(ctypes.c_longlong(size), pointers)
    return arrays
