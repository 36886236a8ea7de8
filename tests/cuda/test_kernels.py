"""One kernel for each rule and each optimizer's step: how many there are, and what their C++ computes."""

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
from nbautograd.core.device import cupy
from nbautograd.nn import functional as F  # noqa: N812

pytestmark = pytest.mark.gpu


def launches(compute: Callable[[], Any]) -> tuple[Any, int]:
    """What `compute` gives, and how many kernels that took: only the stand-in counts them."""
    if "stand-in" not in (cupy().__doc__ or ""):
        pytest.skip("kernels are counted by the stand-in only")
    from .standin.machine import counts

    before = counts.kernels
    found = compute()
    return found, counts.kernels - before


def numbers(*shape: int, dtype: Any = nb.float32) -> nb.Tensor:
    return nb.randn(*shape, generator=nb.Generator().manual_seed(3)).to(dtype).cuda().requires_grad_()


ACTIVATIONS = {
    "gelu": F.gelu, "gelu by tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "softplus": F.softplus,
    "sigmoid": nb.sigmoid, "tanh": nb.tanh, "mish": F.mish, "elu": F.elu, "selu": F.selu, "relu": F.relu,
    "leaky_relu": F.leaky_relu, "hardswish": F.hardswish, "logsigmoid": F.logsigmoid, "hardsigmoid": F.hardsigmoid,
}  # fmt: skip


@pytest.mark.parametrize("dtype", [nb.float32, nb.float64, nb.float16, nb.bfloat16], ids=str)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_one_kernel_forward_and_one_backward(name: str, dtype: Any):
    x = numbers(3, 4, dtype=dtype)
    y, forward = launches(lambda: ACTIVATIONS[name](x))
    g = nb.ones_like(y)
    _, backward = launches(lambda: y.backward(g))
    assert (forward, backward) == (1, 1)
    here = x.detach().cpu().requires_grad_()
    expected = ACTIVATIONS[name](here)
    expected.backward(nb.ones_like(expected))
    tolerance = {"rtol": 1e-2, "atol": 1e-2} if dtype.itemsize == 2 else {}
    nb.testing.assert_close(y.cpu(), expected, **tolerance)
    nb.testing.assert_close(x.grad.cpu(), here.grad, **tolerance)


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {}), ("Adam", {"amsgrad": True, "maximize": True, "weight_decay": 0.1}), ("AdamW", {}), ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}), ("Adagrad", {"lr_decay": 0.1}), ("Adadelta", {}), ("Adamax", {}),
    ("NAdam", {}), ("RAdam", {}), ("ASGD", {}), ("Rprop", {}),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [nb.float32, nb.bfloat16], ids=str)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_a_step_of_an_optimizer_is_one_kernel_for_each_parameter(name: str, options: dict[str, Any], dtype: Any):
    there = [numbers(3, 4, dtype=dtype), numbers(5, dtype=dtype)]
    here = [p.detach().cpu().requires_grad_() for p in there]
    optimizers = [getattr(nb.optim, name)(params, **options) for params in (there, here)]
    counts = []
    for i in range(7):
        for p, q in zip(there, here, strict=True):
            q.grad = nb.linspace(-1, 1, q.numel()).view(q.shape).to(dtype) * (i - 2.5)
            p.grad = q.grad.cuda()
        counts.append(launches(optimizers[0].step)[1])
        optimizers[1].step()
    assert counts[1:] == [2] * 6
    tolerance = {} if dtype is nb.float32 else {"rtol": 0.02, "atol": 0.02}
    for p, q in zip(there, here, strict=True):
        nb.testing.assert_close(p.detach().cpu(), q.detach(), **tolerance)


def test_a_rate_that_changes_makes_no_new_kernel():
    from .standin.kernels import ElementwiseKernel

    w = numbers(4)
    optimizer = nb.optim.Adam([w], lr=0.37)
    made = []
    for i in range(5):
        optimizer.param_groups[0]["lr"] = 0.37 / (i + 1)
        w.grad = nb.ones_like(w)
        optimizer.step()
        made.append(len(ElementwiseKernel.made))
    assert made[1:] == [made[1]] * 4


def test_half_precision_is_rounded_once():
    x = nb.tensor([6e-8, 3e-4, 60000.0], dtype=nb.float16).cuda()
    assert (nb.addcmul(x * 0, x, x) != 0).tolist() == [False, True, True]  # 9e-8 is not lost on the way
    assert nb.addcmul(-x, x, nb.ones_like(x)).tolist() == [0, 0, 0]
    wide = nb.lerp(x, -x, nb.full_like(x, 0.25)).tolist()
    assert wide == (x.float() * 0.5).half().tolist()  # y − x alone overflows


def test_settings_and_shapes_choose_among_programs():
    x = numbers(6)
    for threshold in (20.0, 0.5, 20.0):
        nb.testing.assert_close(F.softplus(x, 2.0, threshold).cpu(), F.softplus(x.cpu(), 2.0, threshold))
    for shape in ((6,), (2, 6), (1, 6), (6, 1)):
        for y in (numbers(*shape).detach(), nb.ones(6, 6).cuda()):
            assert nb.equal(nb.addcmul(x, y, y).cpu(), nb.addcmul(x.cpu(), y.cpu(), y.cpu()))
    for n in (2, 5):  # the divisor of the mean is the number of elements
        a, b = numbers(n), numbers(n).detach() + 1
        F.mse_loss(a, b).backward()
        nb.testing.assert_close(a.grad.cpu(), nb.full((n,), -2.0 / n))


# --- the C++ ------------------------------------------------------------------------------------------------------

HEAD = """
#include <cmath>
using namespace std;
#define __device__ static inline
"""


def compiled(kernels: list[Any], folder: Path) -> ctypes.CDLL:
    """The kernels as functions of a count and of pointers, which the compiler of this machine has made."""
    text = [HEAD, kernels[0].preamble]
    for i, kernel in enumerate(kernels):
        parameters = [*kernel.in_params, *kernel.out_params]
        arguments = "".join(f", {p.dtype.name}_ *all_{p.name}" for p in parameters)
        references = "\n".join(f"{p.dtype.name}_ &{p.name} = all_{p.name}[i];" for p in parameters)
        text.append(f'extern "C" void kernel{i}(long long n{arguments}) {{ for (long long i = 0; i < n; i++) {{')
        text.append(f"{references}\n{kernel.operation}\n}} }}")
    (folder / "kernels.cpp").write_text("\n".join(text))
    command = ["g++", "-O1", "-w", "-shared", "-fPIC", "-o", "kernels.so", "kernels.cpp"]
    subprocess.run(command, check=True, cwd=folder)
    return ctypes.CDLL(str(folder / "kernels.so"))


def sample(dtype: Any, random: np.random.Generator) -> Any:
    found = random.normal(size=64) * 2
    if dtype.kind == "f":
        found[:3] = np.nan, np.inf, 0.0
    return found > 0 if dtype.kind == "b" else found.astype(dtype)


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++")
def test_what_a_compiler_makes_of_a_kernel_computes_what_the_standin_computes(tmp_path: Path):
    launches(lambda: None)  # skips on a GPU
    from .standin.kernels import ElementwiseKernel, evaluate

    for dtype in (nb.float32, nb.float64):
        for compute in ACTIVATIONS.values():
            compute(numbers(3, dtype=dtype)).sum().backward()
    wide = [k for k in ElementwiseKernel.made if all(p.dtype.itemsize != 2 for p in (*k.in_params, *k.out_params))]
    kernels = list({k.operation: k for k in wide if not k.out_params[0].raw}.values())
    library, random = compiled(kernels, tmp_path), np.random.default_rng(7)
    for i, kernel in enumerate(kernels):
        ins, outs = ({p.name: sample(p.dtype, random) for p in ps} for ps in (kernel.in_params, kernel.out_params))
        theirs = {name: a.copy() for name, a in outs.items()}
        with np.errstate(all="ignore"):
            evaluate(kernel.operation, ins, outs)
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*ins.values(), *theirs.values())]
        getattr(library, f"kernel{i}")(ctypes.c_longlong(64), *pointers)
        for name, expected in outs.items():
            rtol = 1e-5 if expected.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(theirs[name], expected, rtol, rtol, err_msg=f"{kernel.name}\n{kernel.operation}")
