"""Functions that reduce and compute with what came out are one kernel: what it computes, here and in C++."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.nn import functional as F  # noqa: N812

from .test_kernels import BLOCK, launches, numbers

pytestmark = pytest.mark.gpu

REDUCED: dict[str, Callable[[Any, Any], Any]] = {
    "mean": lambda x, y: x.mean(1), "std": lambda x, y: x.std((0, 2)), "of all": lambda x, y: x.var(),
    "largest": lambda x, y: x.amax(1), "largest of all": lambda x, y: x.max(), "norm": lambda x, y: x.norm(dim=-1),
    "norm of 3": lambda x, y: nb.linalg.vector_norm(x, 3, dim=0), "log": lambda x, y: x.logsumexp(0),
    "distance": lambda x, y: F.mse_loss(x, y), "weighed": lambda x, y: F.rms_norm(x, (3, 2), y[0]),
    "best": lambda x, y: x.max(1).values, "worst": lambda x, y: x.min(0).indices * x.min(0).values,
    "product": lambda x, y: (x * y).prod(), "whole numbers": lambda x, y: x.isnan().sum() + (x * y).nansum(),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [nb.float32, nb.float16, nb.bfloat16], ids=str)
@pytest.mark.parametrize("name", REDUCED)
def test_what_reduces_computes_on_a_gpu_what_it_does_here(name: str, dtype: Any):
    found = []
    for device in ("cuda", "cpu"):
        kind = dtype if device == "cuda" else nb.float32  # in which what is computed is rounded at the end only
        x, y = (numbers(4, 3, 2, dtype=dtype).detach().to(device, kind).requires_grad_() for _ in range(2))
        result = REDUCED[name](x, y * 0.7)
        weights = nb.linspace(-1, 1, result.numel(), device=device).view(result.shape)
        (result * weights).sum().backward()
        found.append([t.detach().cpu().float() for t in (result, x.grad)])
    tolerance = {} if dtype is nb.float32 else {"rtol": 0.05, "atol": 0.05}
    for there, here in zip(*found, strict=True):
        nb.testing.assert_close(there, here, **tolerance)


ALL_ROWS = """
static void all_%(i)d(%(parameters)s) {
  pthread_barrier_init(&wall, 0, 4);
  vector<thread> crew;
  for (int t = 0; t < 4; t++)
    crew.emplace_back([=] {
      threadIdx.x = t;
      for (blockIdx.x = 0; blockIdx.x * lanes < rows; blockIdx.x++) kernel_%(i)d(%(names)s);
    });
  for (auto &one : crew) one.join();
  pthread_barrier_destroy(&wall);
}
extern "C" void call_%(i)d(void **given) { all_%(i)d(%(given)s); }
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++")
def test_what_a_compiler_makes_of_a_reduction_computes_what_the_standin_computes(tmp_path: Path):
    launches(lambda: None)  # skips on a GPU
    from nbautograd.fast.cuda.reductions import HEAD

    from .standin.reductions import Reduction, dtype_of_word

    for dtype in (nb.float32, nb.float64, nb.float16, nb.bfloat16):
        for compute in REDUCED.values():
            x = numbers(4, 3, 2, dtype=dtype)
            compute(x, numbers(4, 3, 2, dtype=dtype)).sum().backward()
    kernels = list({k.code: k for k in Reduction.made}.values())
    text = [BLOCK.replace("__device__ static inline", "__device__ inline"), HEAD]  # of functions in a class
    for i, kernel in enumerate(kernels):
        body = kernel.code.removeprefix(HEAD).partition("(")[2]
        parameters = body[: body.index(") {")]
        text.append(f"static void kernel_{i}({body}")
        types = [p.rpartition(" ")[0] + ("*" if "*" in p else "") for p in parameters.split(", ")]
        given = ", ".join(f"({t})given[{n}]" if "*" in t else f"*({t}*)given[{n}]" for n, t in enumerate(types))
        names = ", ".join(name for _, name, _ in kernel.parameters)
        text.append(ALL_ROWS % {"i": i, "parameters": parameters, "names": names, "given": given})
    (tmp_path / "rows.cpp").write_text("\n".join(text))
    command = ["g++", "-O1", "-w", "-pthread", "-shared", "-fPIC", "-o", "rows.so", "rows.cpp"]
    subprocess.run(command, check=True, cwd=tmp_path)
    library, random = ctypes.CDLL(str(tmp_path / "rows.so")), np.random.default_rng(5)
    for i, kernel in enumerate(kernels):
        apart = "y_far" in [name for _, name, _ in kernel.parameters]
        figures = {"before": 12, "beside": 6, "far": 3, "step": 1, "n": 6, "near": 3 if apart else 6, "inner": 2}
        figures |= {"rows": 4, "lanes": 1 + i % 2}
        ours: dict[str, Any] = {}
        for kind, name, pointer in kernel.parameters:
            of_rows = f"{name}[row]" in kernel.code
            value = random.normal(size=4 if of_rows else 24) + 1
            wanted = figures.get(name.rpartition("_")[2])
            ours[name] = value.astype(dtype_of_word(kind)) if pointer else dtype_of_word(kind).type(wanted or 2)
        theirs = {name: np.array(v) for name, v in ours.items()}
        kernel.compute(ours)
        pointers = (ctypes.c_void_p * len(theirs))(*[v.ctypes.data for v in theirs.values()])
        getattr(library, f"call_{i}")(pointers)
        for name, expected in ours.items():
            expected = np.asarray(expected)
            rtol = {8: 1e-10, 4: 1e-4, 2: 1e-2}.get(expected.dtype.itemsize, 0)
            ours_, theirs_ = (a.astype(float) for a in (expected, theirs[name]))
            np.testing.assert_allclose(theirs_, ours_, rtol, rtol, err_msg=f"{kernel.name}\n{kernel.code}")
