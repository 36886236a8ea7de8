"""What derivatives must do because they are linear: zeros stay zeros, and what is left out counts as zero."""

from __future__ import annotations

import numpy as np

from nbautograd.core.backward import grad
from nbautograd.core.public import FUNCTIONS

from .jacobians import GradcheckError, Program


def check_undefined_tangents(program: Program) -> None:
    """An input without a tangent must be as one whose tangent is zero."""
    ones = {i: FUNCTIONS["ones_like"](program.args[i]).detach() for i in program.moving}
    for i in program.moving if len(program.moving) > 1 else ():
        without = program.tangents_at_once({n: t for n, t in ones.items() if n != i})
        zero = program.tangents_at_once({**ones, i: ones[i] * 0})
        for k, (a, b) in enumerate(zip(without, zero, strict=True)):
            a, b = (program.run()[k].detach() * 0 if t is None else t for t in (a, b))
            if not FUNCTIONS["allclose"](a, b, equal_nan=True):
                raise GradcheckError(
                    f"Mismatch in tangent values for output with index: {program.parts[k][0]} when input: "
                    f"{program.args[i]!r} has an undefined tangent value.  Got: {a!r} but expected: {b!r}"
                )


def check_zero_gradients(program: Program, masked: bool) -> None:
    """Backward is linear: from zeros come zeros, of the inputs' form."""
    ys, xs = program.run(), program.inputs()
    for x, g in zip(
        xs, grad(ys, xs, [FUNCTIONS["zeros_like"](y).detach() for y in ys], allow_unused=True), strict=True
    ):
        if g is None:
            continue
        if not (np.allclose(g._data, 0) if masked else not g._data.any()):
            raise GradcheckError("backward not multiplied by grad_output")
        for what, has, wanted in (
            ("type", g.dtype, x.dtype),
            ("device", g.device, x.device),
            ("size", g.shape, x.shape),
        ):
            if has != wanted:
                raise GradcheckError(f"grad is incorrect {what}")


def check_undefined_gradients(program: Program) -> None:
    """Backward must do without the gradient of an output, and take it for zero."""
    xs = program.inputs()
    for missing in range(len(program.parts) if len(program.parts) > 1 else 0):
        ys = [y for k, y in enumerate(program.run()) if k != missing]
        try:
            found = grad(ys, xs, [FUNCTIONS["zeros_like"](y).detach() for y in ys], allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                f"Expected backward function to handle undefined output grads, but got: {error}\n"
                "  hint: without ctx.set_materialize_grads(False) backward gets zeros instead of None"
            ) from error
        if any(g is not None and g._data.any() for g in found):
            raise GradcheckError(
                "Expected all input grads to be undefined or zero when all output grads are undefined or zero."
            )
