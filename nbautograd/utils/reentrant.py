"""torch's older way of checkpointing: a custom function whose backward runs forward and a backward of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from nbautograd.autograd.function import Function
from nbautograd.core import walk
from nbautograd.core.backward import backward
from nbautograd.core.errors import user_depth
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.tensor import Tensor


class CheckpointFunction(Function):
    """Computes without a graph, and makes the graph when backward comes here."""

    @staticmethod
    def forward(ctx: Any, function: Callable[..., Any], again: Callable[[], Any], *args: Any) -> Any:
        if not any(isinstance(x, Tensor) and x.requires_grad for x in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=user_depth())
        ctx.function, ctx.again = function, again
        ctx.others = [None if isinstance(x, Tensor) else x for x in args]
        ctx.positions = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.positions])
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        now = walk.current()
        if now is None or now.kind != "backward" or now.needed is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        for i, tensor in zip(ctx.positions, ctx.saved_tensors, strict=True):
            inputs[i] = tensor.detach().requires_grad_(tensor.requires_grad)
        with enable_grad(), ctx.again():
            result = ctx.function(*inputs)
        outputs = result if isinstance(result, tuple) else (result,)
        pairs = [(y, g) for y, g in zip(outputs, grads, strict=True) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([y for y, _ in pairs], [g for _, g in pairs])
        return None, None, *[x.grad if isinstance(x, Tensor) else None for x in inputs]
