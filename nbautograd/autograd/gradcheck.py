"""Derivatives checked against small steps; see NOTE [How the numbers are compared] in `jacobians.py`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nbautograd.core.backward import grad
from nbautograd.core.call import wrap
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .jacobians import GradcheckError, Program, as_tuple
from .linearity import check_undefined_gradients, check_undefined_tangents, check_zero_gradients


class _Options(NamedTuple):
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_dtypes: bool
    check_undefined: bool
    fast: bool
    masked: bool


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the derivatives of `func` agree with finite differences at `inputs`; use float64.

    Backward is checked, and with `check_forward_ad` forward mode too. `fast_mode` compares one random combination of
    the Jacobian's elements instead of all. `nondet_tol` is how far two backward passes may differ. Batches of gradients
    are computed one by one here, so the two checks of batched gradients find nothing more.

    Raises: GradcheckError that shows both Jacobians where they differ; ValueError when no input requires grad.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x**3, (x,), check_forward_ad=True)
        True
    """
    _require(
        check_forward_ad or check_backward_ad,
        "Expected at least one of check_forward_ad or check_backward_ad to be True",
    )
    _require(
        check_backward_ad or not check_batched_grad,
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    )
    _require(
        check_forward_ad or not check_batched_forward_grad,
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    )
    options = _Options(eps, atol, rtol, nondet_tol, check_grad_dtypes, check_undefined_grad, fast_mode, bool(masked))
    try:
        _check(func, as_tuple(inputs), options, check_forward_ad, check_backward_ad)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether second derivatives agree with finite differences: `gradcheck` of the gradient itself.

    Raises: GradcheckError where they differ.
    """
    _require(
        check_fwd_over_rev or check_rev_over_rev,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    )
    for name, value in (("check_undefined_grad", check_undefined_grad), ("check_batched_grad", check_batched_grad)):
        _require(check_rev_over_rev or not value, f"Setting {name}=True requires check_rev_over_rev to be True")
    args = as_tuple(inputs)
    outputs = _differentiable(func(*args))
    starts = tuple([_start(y, gen_non_contig_grad_outputs) for y in outputs])
    starts = starts if grad_outputs is None else as_tuple(grad_outputs)
    moving = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
    weights = [i for i, v in enumerate(starts) if v.requires_grad]

    def gradient(*given: Any) -> tuple[Tensor, ...]:
        own, vs = given[: len(args)], given[len(args) :]
        for x in [*(own[i] for i in moving), *(vs[i] for i in weights)]:
            x.requires_grad_()  # forward mode is checked on inputs that do not require grad
        found = grad(_differentiable(func(*own)), [own[i] for i in moving], vs, create_graph=True, allow_unused=True)
        return tuple([g for g in found if g is not None])

    return gradcheck(
        gradient,
        (*args, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple([y for y in as_tuple(outputs) if isinstance(y, Tensor) and y.requires_grad])


def _start(y: Tensor, gaps: bool) -> Tensor:
    """A random gradient for `y` to start from; with `gaps`, its elements do not lie side by side."""
    start = FUNCTIONS["randn_like"](y).detach()
    if gaps and y.ndim:
        start = FUNCTIONS["stack"]([start, start], -1)[..., 0]
    return start.requires_grad_()


def _check(func: Callable[..., Any], args: tuple[Any, ...], options: _Options, forward: bool, backward: bool) -> None:
    _check_inputs(args)
    program = Program(func, args)
    if not program.parts:
        _check_no_gradient(Program(func, args, every_output=True), options)
        return
    sizes = [y.numel() for y in program.run()]
    random = np.random.default_rng(0)
    cotangents = [_directions(random, size, options.fast) for size in sizes]
    for j, x in enumerate(program.inputs()):
        directions = _directions(random, x.numel(), options.fast)
        numerical = program.numerical(x, directions, options.eps)
        if forward:
            _check_forward(program, j, directions, numerical, options)
        for k in range(len(sizes) if backward else 0):
            _check_backward(program, j, k, directions, cotangents[k], numerical[k], options)
    if forward and options.check_undefined:
        check_undefined_tangents(program)
    if backward:
        check_zero_gradients(program, options.masked)
        if options.check_undefined:
            check_undefined_gradients(program)


def _check_inputs(args: tuple[Any, ...]) -> None:
    if not any(isinstance(x, Tensor) and x.requires_grad for x in args):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i, x in enumerate(args):
        if not (isinstance(x, Tensor) and x.requires_grad):
            continue
        if x._data.dtype.itemsize < (16 if x.dtype.is_complex else 8):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. "
                "(hint: x.double())",
                stacklevel=4,
            )
        if isinstance(x._data, np.ndarray) and any(
            n > 1 and s == 0 for n, s in zip(x.shape, x._data.strides, strict=True)
        ):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                ".contiguous on the input before passing it to gradcheck."
            )
        x.retain_grad()


def _directions(random: Any, size: int, fast: bool) -> Any:
    """The directions to look along, as rows: each element alone, or one random direction of length 1."""
    if not fast:
        return np.eye(size)
    direction = random.random((1, size))
    return direction / max(np.linalg.norm(direction), 1e-300)


def _check_no_gradient(program: Program, options: _Options) -> None:
    """Outputs that need no gradient must not move with the inputs."""
    for x in program.inputs():
        if any(np.any(slopes) for slopes in program.numerical(x, np.eye(x.numel()), options.eps)):
            raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_forward(program: Program, j: int, directions: Any, numerical: list[Any], options: _Options) -> None:
    for k, tangents in enumerate(program.forward(j, directions, options.check_dtypes)):
        scale = directions.sum() if options.fast else 1.0
        _compare(program, j, k, numerical[k], tangents, options, scale, forward=True)


def _check_backward(
    program: Program, j: int, k: int, directions: Any, cotangents: Any, numerical: Any, options: _Options
) -> None:
    first, second = (program.backward(k, cotangents, options.check_dtypes)[j] for _ in range(2))
    if first.size and np.abs(first - second).max() > options.nondet_tol:
        raise GradcheckError(
            "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
            "gives different values, although analytical gradient matches numerical gradient."
            f"The tolerance for nondeterminism was {options.nondet_tol}."
        )
    scale = directions.sum() * cotangents.sum() if options.fast else 1.0
    _compare(program, j, k, numerical @ cotangents.T, directions @ first, options, scale, forward=False)


def _compare(
    program: Program, j: int, k: int, numerical: Any, analytical: Any, options: _Options, scale: float, forward: bool
) -> None:
    """Refuse Jacobians that differ. `scale` is by how much the tolerance grows for a combination of elements."""
    if np.allclose(numerical, analytical, rtol=options.rtol, atol=options.atol * scale, equal_nan=True):
        return
    output, part = program.parts[k]
    words = {"real": "real", "imag": "imaginary"}
    text = f"While considering the {words[part]} part of complex outputs only, " if part else ""
    text += (
        f"Jacobian {'computed with forward mode ' if forward else ''}mismatch for output {output} with respect to "
        f"input {program.moving[j]},\nnumerical:{_shown(numerical)}\nanalytical:{_shown(analytical)}\n"
    )
    if options.fast:
        raise GradcheckError(text + _in_slow_mode(program, j, k, options, forward))
    worst = np.unravel_index(np.argmax(np.abs(np.nan_to_num(numerical - analytical, nan=np.inf))), analytical.shape)
    raise GradcheckError(
        f"{text}  largest difference at element {int(worst[0])} of the input, {int(worst[1])} of the output\n"
        "  hint: compare the rule of each op in the function with its derivative, or check smaller parts alone"
    )


def _shown(matrix: Any) -> str:
    return repr(wrap(np.asarray(matrix)))


def _in_slow_mode(program: Program, j: int, k: int, options: _Options, forward: bool) -> str:
    """The whole Jacobians, for a difference that a combination of their elements has shown."""
    x, y = program.inputs()[j], program.run()[k]
    numerical = program.numerical(x, np.eye(x.numel()), options.eps)[k]
    analytical = program.forward(j, np.eye(x.numel()))[k] if forward else program.backward(k, np.eye(y.numel()))[j]
    text = (
        "\nThe above quantities relating the numerical and analytical jacobians are computed in fast mode: one random "
        "combination of their elements.\nBelow, we recompute numerical and analytical jacobians in slow mode:\n\n"
        f"Numerical:\n {_shown(numerical)}\nAnalytical:\n{_shown(analytical)}\n\n"
        f"The max per-element difference (slow mode) is: {np.abs(numerical - analytical).max()}.\n"
    )
    if np.allclose(numerical, analytical, rtol=options.rtol, atol=options.atol):
        text += (
            "Fast gradcheck failed but element-wise differences are small. This means that the test might've passed in "
            "slow_mode!\n  hint: gradcheck(…, fast_mode=False)"
        )
    return text
