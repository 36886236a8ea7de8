"""Every function on its samples: forward, gradient and second order, beside PyTorch and by finite differences."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.core.op import TABLE
from nbautograd.ops.samples import ENOUGH

from .table import (
    OURS,
    SAMPLED,
    Library,
    array,
    combined,
    cotangents,
    float_arrays,
    gradients,
    has_gradient,
    has_second,
    is_named,
    is_numeric,
    name_of,
    run,
    samples_of,
    second,
    slope,
    with_arrays,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


def each(ops: list[Any]) -> Any:
    return pytest.mark.parametrize("op", ops, ids=lambda op: op.name)


def torch_library() -> Library:
    return Library(pytest.importorskip("torch"))


def beside_torch(ops: list[Any]) -> list[Any]:
    """Those of `ops` whose samples are for something that PyTorch has under the same name."""
    try:
        import torch
    except ImportError:
        return ops
    return [op for op in ops if Library(torch).function(name_of(op)) is not None]


def assert_same(got: Any, expected: Any, what: str, rtol: float = 1e-7, atol: float = 1e-9) -> None:
    got, expected = (
        None if x is None else array(x) if hasattr(x, "detach") else np.asarray(x) for x in (got, expected)
    )
    if got is None or expected is None:
        present = got if expected is None else expected
        assert present is None or not np.any(present), f"{what}: {got} instead of {expected}"
        return
    assert got.shape == expected.shape, what
    assert got.dtype == expected.dtype, what
    np.testing.assert_allclose(got, expected, rtol, atol, err_msg=what)


def test_every_op_carries_samples_enough():
    """Those that only the rule of another op calls are covered by that op's second derivative."""
    few = {op.name: len(samples_of(op)) if op.samples else 0 for op in TABLE.values()}
    assert {name: n for name, n in few.items() if n < ENOUGH and not name.endswith("_backward")} == {}


@each(SAMPLED)
@pytest.mark.parametrize("mode", [nb.no_grad, nb.inference_mode])
def test_without_recording_an_op_computes_the_same(op: Any, mode: Any):
    for i, case in enumerate(samples_of(op, np.float32)):
        nb.manual_seed(3)
        recorded = run(op, case, gradient=has_gradient(op))
        nb.manual_seed(3)
        with mode():
            quiet = run(op, case, gradient=has_gradient(op))
        for a, b in zip(recorded.outputs, quiet.outputs, strict=True):
            assert_same(b, a, f"{op.name} sample {i}", 0, 0)
            assert getattr(b, "grad_fn", None) is None


@each(beside_torch(SAMPLED))
@pytest.mark.parametrize("strided", [False, True], ids=["", "strided"])
def test_an_op_computes_what_torch_computes(op: Any, strided: bool):
    torch = torch_library()
    for i, case in enumerate(samples_of(op, strided=strided)):
        ours, theirs = run(op, case, gradient=has_gradient(op)), run(op, case, torch, gradient=has_gradient(op))
        assert len(ours.outputs) == len(theirs.outputs), f"sample {i}"
        for got, expected in zip(ours.outputs, theirs.outputs, strict=True):
            assert_same(got, expected, f"sample {i}")
            assert got.requires_grad == expected.requires_grad, f"sample {i}"


@each(beside_torch([op for op in SAMPLED if has_gradient(op)]))
@pytest.mark.parametrize("strided", [False, True], ids=["", "strided"])
def test_an_op_has_torchs_gradient(op: Any, strided: bool):
    torch = torch_library()
    for i, case in enumerate(samples_of(op, strided=strided)):
        ours, theirs = run(op, case), run(op, case, torch)
        if theirs.differentiable():
            for got, expected in zip(gradients(ours)[0], gradients(theirs, torch)[0], strict=True):
                assert_same(got, expected, f"sample {i}")


@each(beside_torch([op for op in SAMPLED if has_gradient(op)]))
def test_an_op_keeps_float32(op: Any):
    torch = torch_library()
    for i, case in enumerate(samples_of(op, np.float32)):
        ours, theirs = run(op, case), run(op, case, torch)
        for got, expected in zip(ours.outputs, theirs.outputs, strict=True):
            assert_same(got, expected, f"sample {i}", rtol=1e-4, atol=1e-5)
        if theirs.differentiable():
            for got, expected in zip(gradients(ours)[0], gradients(theirs, torch)[0], strict=True):
                assert_same(got, expected, f"sample {i}", rtol=1e-3, atol=1e-4)


@each(beside_torch(SAMPLED))
def test_an_op_keeps_float16(op: Any):
    torch = torch_library()
    for i, case in enumerate(samples_of(op, np.float16)):
        try:
            ours, theirs = (run(op, case, library, gradient=has_gradient(op)) for library in (OURS, torch))
            expected = gradients(theirs, torch)[0] if theirs.differentiable() else []
        except (RuntimeError, NotImplementedError) as error:
            if "Half" in str(error) or "dtype" in str(error):
                pytest.skip(f"computed in other precisions only: {error}")
            raise
        for got, wanted in zip(ours.outputs, theirs.outputs, strict=True):
            assert_same(got, wanted, f"sample {i}", rtol=1e-2, atol=1e-2)
        if expected:
            for got, wanted in zip(gradients(ours)[0], expected, strict=True):
                if wanted is None or np.isfinite(array(wanted)).all():  # some of PyTorch's kernels overflow here
                    assert_same(got, wanted, f"sample {i}", rtol=3e-2, atol=2e-2)


@each(beside_torch([op for op in SAMPLED if has_second(op)]))
def test_an_op_has_torchs_second_derivative(op: Any):
    torch = torch_library()
    for i, case in enumerate(samples_of(op)):
        theirs = run(op, case, torch)
        if not theirs.differentiable():
            continue
        try:
            expected = second(theirs, torch)
        except (RuntimeError, NotImplementedError) as error:
            if "not implemented" in str(error) or "not differentiable" in str(error):
                pytest.skip(f"PyTorch has no second derivative: {error}")
            raise
        for got, wanted in zip(second(run(op, case)), expected, strict=True):
            assert_same(got, wanted, f"sample {i}", rtol=1e-6, atol=1e-8)


@each(beside_torch([op for op in SAMPLED if has_gradient(op) and is_named(op)]))
def test_an_op_has_torchs_node_name(op: Any):
    torch = torch_library()
    for case in samples_of(op):
        ours, theirs = run(op, case).differentiable(), run(op, case, torch).differentiable()
        if theirs and theirs[0].grad_fn is not None:
            assert ours[0].grad_fn.name() == theirs[0].grad_fn.name().removeprefix("torch::autograd::")


def of_finite_doubles(output: Any) -> bool:
    data = array(output)
    return data.dtype == np.float64 and bool(np.isfinite(data).all())


def finite(case: Any) -> bool:
    """Whether differences of the inputs mean something."""
    arrays = float_arrays(case)
    return any(a.size for a in arrays) and all(np.isfinite(a).all() for a in arrays)


@each([op for op in SAMPLED if has_gradient(op) and is_numeric(op)])
def test_an_op_has_the_gradient_that_finite_differences_give(op: Any):
    for i, case in enumerate(samples_of(op)):
        ran = run(op, case)
        outputs = ran.differentiable()
        if not outputs or not finite(case) or not all(of_finite_doubles(o) for o in outputs):
            continue
        index = [k for k, o in enumerate(ran.outputs) if o.requires_grad]
        weights = cotangents(outputs)
        found, _ = gradients(ran)

        def total(arrays: list[np.ndarray], case: Any = case, index: Any = index, weights: Any = weights) -> float:
            outputs = run(op, with_arrays(case, arrays), gradient=False).outputs
            return combined([outputs[k] for k in index], weights)

        numeric, direction = slope(total, float_arrays(case))
        exact = sum(float((array(g) * d).sum()) for g, d in zip(found, direction, strict=True) if g is not None)
        assert exact == pytest.approx(numeric, rel=1e-5, abs=1e-6, nan_ok=True), f"sample {i}"


@each([op for op in SAMPLED if has_second(op) and is_numeric(op)])
def test_an_op_has_the_second_derivative_that_finite_differences_give(op: Any):
    for i, case in enumerate(samples_of(op)):
        ran = run(op, case)
        outputs = ran.differentiable()
        if not outputs or not all(of_finite_doubles(o) for o in outputs):
            continue
        firsts, _ = gradients(ran, create_graph=True)
        live = [k for k, f in enumerate(firsts) if f is not None and f.requires_grad]
        if not live:
            continue
        weights = cotangents([firsts[k] for k in live], seed=2)

        def total(arrays: list[np.ndarray], case: Any = case, live: Any = live, weights: Any = weights) -> float:
            found, _ = gradients(run(op, with_arrays(case, arrays)))
            return combined([found[k] for k in live], weights)

        numeric, direction = slope(total, float_arrays(case))
        found = second(run(op, case))[: len(direction)]
        exact = sum(float((g * d).sum()) for g, d in zip(found, direction, strict=True) if g is not None)
        assert exact == pytest.approx(numeric, rel=1e-4, abs=1e-5, nan_ok=True), f"sample {i}"


GPU = (
    [pytest.param(op, id=op.name) for op in SAMPLED]
    if importlib.util.find_spec("cupy")
    else [pytest.param(None, id="no-gpu")]
)


def alike(compute: Any) -> Any:
    """What `compute` finds on the GPU and on the CPU, in pairs; none where it fails on both for the same reason."""
    try:
        expected = compute(OURS)
    except RuntimeError as error:
        with pytest.raises(RuntimeError, match=re.escape(str(error).partition("\n")[0])):
            compute(Library(OURS.module, "cuda"))
        return []
    return zip(compute(Library(OURS.module, "cuda")), expected, strict=True)


@pytest.mark.gpu
@pytest.mark.parametrize("op", GPU)
def test_an_op_computes_on_the_gpu_what_it_computes_on_the_cpu(op: Any, pytestconfig: pytest.Config):
    cuda = Library(OURS.module, "cuda")
    samples = samples_of(op)
    few = pytestconfig.getoption("--cuda-standin") == "few"
    for i, case in enumerate(samples[:: len(samples) // 3 + 1] if few else samples):
        here, there = run(op, case, gradient=has_gradient(op)), run(op, case, cuda, gradient=has_gradient(op))
        for got, expected in zip(there.outputs, here.outputs, strict=True):
            assert got.is_cuda, f"sample {i}"
            assert_same(got, expected, f"sample {i}")
        if here.differentiable() and has_gradient(op):
            for got, expected in alike(lambda library, op=op, case=case: gradients(run(op, case, library), library)[0]):
                assert_same(got, expected, f"sample {i}")
        if here.differentiable() and has_second(op):
            for got, expected in alike(lambda library, op=op, case=case: second(run(op, case, library), library)):
                assert_same(got, expected, f"sample {i}", rtol=1e-6, atol=1e-8)
