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

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore:cupyx.allow_synchronize")]


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


POWERS: dict[str, Callable[..., Any]] = {
    "square": lambda x: x**2, "cube": lambda x: x**3, "root": lambda x: x**0.5, "power": lambda x: x**2.5,
    "of a number": lambda x: 3**x, "of each": lambda x: x ** x.detach(), "abs": abs, "sign": nb.sign, "sgn": nb.sgn,
}  # fmt: skip


@pytest.mark.parametrize("name", POWERS)
def test_a_power_is_one_kernel_forward_and_one_backward_whatever_its_exponent(name: str):
    x = numbers(3, 4).detach().abs().requires_grad_()
    compute = POWERS[name]
    y, forward = launches(lambda: compute(x))
    g = nb.ones_like(y)
    _, backward = launches(lambda: y.backward(g))
    assert (forward, backward) == (1, 1)
    here = x.detach().cpu().requires_grad_()
    expected = compute(here)
    expected.backward(nb.ones_like(expected))
    nb.testing.assert_close(y.cpu(), expected)
    nb.testing.assert_close(x.grad.cpu(), here.grad)


RESTS: dict[str, Callable[..., Any]] = {
    "rest": lambda x, y: x % y, "floor": lambda x, y: x // y, "fmod": nb.fmod,
    "down": lambda x, y: nb.div(x, y, rounding_mode="floor"),
    "to zero": lambda x, y: nb.div(x, y, rounding_mode="trunc"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [nb.float32, nb.int64, nb.uint8], ids=str)
@pytest.mark.parametrize("name", RESTS)
def test_what_a_division_leaves_over_is_one_kernel_and_no_wait(name: str, dtype: Any):
    from .test_waiting import never_waiting

    x, y = (nb.tensor(v).to(dtype) for v in ([7.0, -7.0, 6.0, 0.0, 5.0], [2.0, 2.0, -3.0, 3.0, 7.0]))
    there = x.cuda(), y.cuda()
    with never_waiting():
        found, kernels = launches(lambda: RESTS[name](*there))
    assert kernels == 1
    nb.testing.assert_close(found.cpu(), RESTS[name](x, y))


LOSSES: dict[str, tuple[Callable[..., Any], int]] = {
    "mse": (F.mse_loss, 1),
    "mse of each": (lambda x, y: F.mse_loss(x, y, reduction="none"), 1),
    "huber": (lambda x, y: F.huber_loss(x, y, delta=0.7), 1),
    "smooth l1": (F.smooth_l1_loss, 1),
    "bce": (lambda x, y: F.binary_cross_entropy(x.sigmoid(), y.sigmoid()), 4),
    "bce of scores": (lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid()), 3),
}
"""With the kernels of their forward passes: one for the elements and their mean, or two, and one for each sigmoid."""


@pytest.mark.parametrize("name", LOSSES)
def test_the_elements_of_a_loss_are_one_kernel(name: str):
    compute, kernels = LOSSES[name]
    x, y = numbers(6, 2), numbers(2, 6).detach().view(6, 2) * 2
    loss, launched = launches(lambda: compute(x, y))
    assert launched == kernels
    loss.sum().backward()
    here = x.detach().cpu().requires_grad_()
    expected = compute(here, y.cpu())
    expected.sum().backward()
    nb.testing.assert_close(loss.cpu(), expected)
    nb.testing.assert_close(x.grad.cpu(), here.grad)


ROWS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "softmax": (lambda x, y, w: x.softmax(-1), 1, 1),
    "log_softmax": (lambda x, y, w: x.log_softmax(-1), 1, 1),
    "logsumexp": (lambda x, y, w: x.logsumexp(-1), 1, 1),
    "logsumexp, kept": (lambda x, y, w: nb.logsumexp(x, (1,), keepdim=True), 1, 1),
    "layer norm": (lambda x, y, w: F.layer_norm(x, (5,)), 1, 1),
    "layer norm with weights": (lambda x, y, w: F.layer_norm(x, (5,), w, w), 1, 4),  # one for the weights, and a sum
    "batch norm": (lambda x, y, w: F.batch_norm(x, None, None, w, w, training=True), 1, 4),
    "batch norm of pictures": (lambda x, y, w: F.batch_norm(x.view(3, 5, 1), None, None, training=True), 1, 2),
    "cross entropy": (lambda x, y, w: F.cross_entropy(x, y), 2, 1),
    "cross entropy by weights": (lambda x, y, w: F.cross_entropy(x, y, w.detach(), label_smoothing=0.1), 2, 1),
    "likelihood": (lambda x, y, w: F.nll_loss(x, y, w.detach()), 2, 1),
    "cross entropy, summed": (lambda x, y, w: F.cross_entropy(x, y, reduction="sum"), 2, 1),
    "cross entropy of each": (lambda x, y, w: F.cross_entropy(x, y, reduction="none", ignore_index=2), 1, 1),
}


@pytest.mark.parametrize("dtype", [nb.float32, nb.float64], ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_what_reduces_rows_takes_a_kernel_of_rows(name: str, dtype: Any):
    compute, forward, backward = ROWS[name]
    found = []
    for device in ("cuda", "cpu"):
        x, w = (numbers(*shape, dtype=dtype).detach().to(device).requires_grad_() for shape in ((3, 5), (5,)))
        labels = nb.tensor([2, 0, 4], device=device)
        compute(x, labels, w).sum().backward()  # what finds out that it is no arithmetic
        x.grad = w.grad = None
        y, before = launches(lambda x=x, labels=labels, w=w: compute(x, labels, w))
        g = nb.linspace(-1, 1, y.numel(), dtype=dtype).view(y.shape).to(device)
        _, after = launches(lambda y=y, g=g: y.backward(g))
        if device == "cuda":
            assert (before, after) == (forward, backward)
        found.append([y.detach().cpu(), *[t.grad.cpu() for t in (x, w) if t.grad is not None]])
    for there, here in zip(*found, strict=True):
        nb.testing.assert_close(there, here)


def test_the_logsumexp_of_infinite_rows():
    x = nb.tensor([[-nb.inf, -nb.inf], [nb.inf, 1.0], [nb.nan, 1.0], [-nb.inf, 2.0], [200.0, 200.0]])
    nb.testing.assert_close(x.cuda().logsumexp(1).cpu(), x.logsumexp(1), equal_nan=True)


def test_rows_of_other_layouts_and_dtypes_are_computed_too():
    x = numbers(4, 3)
    for y in (x.T, x[:, ::2], x.half(), x[:0], x[0, 0]):
        nb.testing.assert_close(y.softmax(-1).cpu(), y.cpu().float().softmax(-1).to(y.dtype))
    labels = nb.tensor([1, 0, 2, 1], device="cuda")
    for options in ({"weight": nb.ones(3, device="cuda")}, {"label_smoothing": 0.1}):
        here = {k: v.cpu() if isinstance(v, nb.Tensor) else v for k, v in options.items()}
        nb.testing.assert_close(
            F.cross_entropy(x, labels, **options).cpu(), F.cross_entropy(x.cpu(), labels.cpu(), **here)
        )
    assert F.cross_entropy(x, labels + 1, reduction="none").isnan().tolist() == [False, False, True, False]


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
    from .standin.kernels import REFERENCE, ElementwiseKernel, evaluate

    for dtype in (nb.float32, nb.float64):
        for compute in ACTIVATIONS.values():
            compute(numbers(3, dtype=dtype)).sum().backward()
    wide = [k for k in ElementwiseKernel.made if all(p.dtype.itemsize != 2 for p in (*k.in_params, *k.out_params))]
    wide = [k for k in wide if k.name not in REFERENCE and not k.out_params[0].raw]
    kernels = list({k.operation: k for k in wide}.values())
    library, random = compiled(kernels, tmp_path), np.random.default_rng(7)
    for i, kernel in enumerate(kernels):
        ins, outs = ({p.name: sample(p.dtype, random) for p in ps} for ps in (kernel.in_params, kernel.out_params))
        theirs = {name: a.copy() for name, a in outs.items()}
        with np.errstate(all="ignore"):
            evaluate(kernel.operation, ins, outs)
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*ins.values(), *theirs.values())]
        getattr(library, f"kernel{i}")(ctypes.c_longlong(64), *pointers)
        for name, expected in outs.items():
            rtol = 1e-4 if expected.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(theirs[name], expected, rtol, rtol, err_msg=f"{kernel.name}\n{kernel.operation}")


BLOCK = """
#include <cmath>
#include <pthread.h>
#include <thread>
#include <vector>
using namespace std;
#define __device__ static inline
#define __global__
#define __shared__ static
struct Place { long long x; };
thread_local Place threadIdx, blockIdx;
static Place blockDim = {4};
static pthread_barrier_t wall;
#define __syncthreads() pthread_barrier_wait(&wall)
"""
"""What lets a block of 4 threads run on the CPU, with threads that wait for each other as those of a GPU do."""
ALL = """
extern "C" void all_%(name)s(long long rows, %(parameters)s, long long n) {
  pthread_barrier_init(&wall, 0, 4);
  vector<thread> crew;
  for (int t = 0; t < 4; t++)
    crew.emplace_back([=] {
      threadIdx.x = t;
      for (blockIdx.x = 0; blockIdx.x < rows; blockIdx.x++) nb_row_%(name)s(%(names)s);
    });
  for (auto &one : crew) one.join();
  pthread_barrier_destroy(&wall);
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler: g++")
@pytest.mark.parametrize(("kind", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_a_row_of_a_kernel_is_computed_as_the_reference_does(kind: str, dtype: Any, tmp_path: Path):
    from nbautograd.fast.cuda import rows

    from .standin.rows import MATRICES, REFERENCE, parameters_of

    head = rows.HEAD % kind
    text = "\n".join(rows.source(name, kind).replace(head, "") for name in rows.BODIES)
    for name, (parameters, _) in rows.BODIES.items():
        names = ", ".join(p for p, _, _ in parameters_of(rows.source(name, kind)))
        text += ALL % {"name": name, "parameters": parameters, "names": names}
    (tmp_path / "rows.cpp").write_text(BLOCK + head + text)
    command = ["g++", "-O1", "-w", "-pthread", "-shared", "-fPIC", "-o", "rows.so", "rows.cpp"]
    subprocess.run(command, check=True, cwd=tmp_path)
    library, random, (count, n) = ctypes.CDLL(str(tmp_path / "rows.so")), np.random.default_rng(5), (4, 10)
    figures = {"ignored": -100, "stride": 1, "eps": 1e-5, "channels": count, "size": n // 2, "smoothing": 0.1}
    shapes = {"of_rows": (count,), "loss": (count,), "scale": (count,), "kept": (count,), "of_rstd": (count, 1)}
    shapes["logs"] = (count,)
    for name in rows.BODIES:
        ours: dict[str, Any] = {}
        for p, char, pointer in parameters_of(rows.source(name, kind))[:-1]:
            across = name.startswith("batch")  # as many channels as there are rows, in two pictures
            of_row = (count,) if across else (n,)
            whole = p in MATRICES or p in ("from", "to", "to_normal")
            shape = (2, count, n // 2) if across and whole else (count, n) if whole else shapes.get(p, of_row)
            value = random.normal(size=shape).astype(char) if char in "fd" else np.array([3, 0, -100, 9])
            ours[p] = value.astype(char) if pointer else figures[p]
        theirs = {p: v.copy() if isinstance(v, np.ndarray) else v for p, v in ours.items()}
        with np.errstate(all="ignore"):
            REFERENCE[name](**{f"{p}_" if p == "from" else p: v for p, v in ours.items()})
        passed = [
            v.ctypes.data_as(ctypes.c_void_p) if isinstance(v, np.ndarray)
            else ctypes.c_double(v) if p in ("eps", "smoothing") else ctypes.c_longlong(v)
            for p, v in theirs.items()
        ]  # fmt: skip
        getattr(library, f"all_{name}")(ctypes.c_longlong(count), *passed, ctypes.c_longlong(n))
        for p, expected in ours.items():
            rtol = 1e-4 if dtype is np.float32 else 1e-12
            np.testing.assert_allclose(theirs[p], expected, rtol, rtol, err_msg=f"{name}: {p}")
