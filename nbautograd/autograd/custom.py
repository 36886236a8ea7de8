"""Functions with a backward of one's own."""

from __future__ import annotations

import inspect
from typing import Any

from nbautograd.core import history, inplace
from nbautograd.core.array import library_of
from nbautograd.core.grad_mode import no_grad
from nbautograd.core.levels import active
from nbautograd.core.modes import inside, is_recording, local, state
from nbautograd.core.node import is_leaf_node, tick
from nbautograd.core.tensor import Tensor

from . import directional
from .context import FunctionCtx, output_node
from .entry import entry_of, unwritten


class Function:
    """A differentiable function whose derivative you give yourself.

    `forward(ctx, *args)` computes and leaves in `ctx` what `backward(ctx, *grad_outputs)` needs, which returns one
    gradient for each argument (None for what needs none). Or `forward(*args)` only computes, and
    `setup_context(ctx, inputs, output)` fills `ctx`. Call it with `apply`.

    Raises: RuntimeError when backward returns a wrong number of gradients, or one of a wrong shape.
    Example:
        >>> import nbautograd as torch
        >>> class Cube(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...
        ...     @staticmethod
        ...     def backward(ctx, grad_output):
        ...         (x,) = ctx.saved_tensors
        ...         return grad_output * 3 * x**2
        >>> x = torch.tensor(2.0, requires_grad=True)
        >>> y = Cube.apply(x)
        >>> y
        tensor(8., grad_fn=<CubeBackward>)
        >>> y.backward()
        >>> x.grad
        tensor(12.)
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method.\n  hint: make forward and backward static methods that take ctx, "
            f"and call {type(self).__name__}.apply(…)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result from `(ctx, *args)`, or from `(*args)` where there is a `setup_context`."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Leave in `ctx` what backward needs; only for a `forward` without `ctx`."""
        raise NotImplementedError("setup_context is not implemented.")

    backward = vjp = staticmethod(unwritten)

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs from those of the arguments, for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record this function as one node."""
        if cls.setup_context is not Function.setup_context:
            args, kwargs = _bound(cls, args, kwargs), {}
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(x, Tensor) and x._node is not None for x in args)
        ctx._inputs = args
        recording = is_recording() and any(ctx.needs_input_grad)
        result = _forward(cls, ctx, args, kwargs)
        outputs = result if isinstance(result, tuple) else (result,)
        _check_dirty(ctx, outputs, recording)
        ctx._keep(outputs, recording)
        ctx._outputs = [
            (tuple(out._data.shape), out._data.dtype, library_of(out._data)) if isinstance(out, Tensor) else None
            for out in outputs
        ]
        entry = entry_of(cls, any(kept is not None for kept in ctx._saved or ()))
        ctx._node_name = entry.node_name
        node = None
        if recording:
            parents = tuple(x._node for x in args if isinstance(x, Tensor))
            node = [tick(), entry, None, parents, (ctx,)]
            if ctx._saved_outputs:
                ctx._node = node
        wrapped = tuple(_output(ctx, out, node, nr, len(outputs)) for nr, out in enumerate(outputs))
        if local.levels:
            directional.push(cls, ctx, args, wrapped)
        in_place = bool(ctx._dirty)
        ctx._inputs = tuple((tuple(x._data.shape), x._data.dtype) if isinstance(x, Tensor) else None for x in args)
        ctx._dirty = ctx._without_gradient = ()
        tensors = tuple(out for out in wrapped if isinstance(out, Tensor))
        if state.observer is not None and tensors:
            state.observer.op(entry, tuple(x for x in args if isinstance(x, Tensor)), {}, tensors, in_place)
        return wrapped if isinstance(result, tuple) else wrapped[0]


def _bound(cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments by position, as `setup_context` gets them: also keywords, and the defaults of those left out."""
    bound = inspect.signature(cls.forward).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args


def _forward(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the user's forward as one step: nothing inside it is recorded, watched or pushed forward."""
    with no_grad(), active(()):
        return inside(_run, (cls, ctx, args, kwargs))


def _run(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if cls.setup_context is Function.setup_context:
        return cls.forward(ctx, *args, **kwargs)
    result = cls.forward(*args)
    cls.setup_context(ctx, args, result)
    return result


def _check_dirty(ctx: FunctionCtx, outputs: tuple[Any, ...], recording: bool) -> None:
    returned = {id(out) for out in outputs}
    for tensor in ctx._dirty:
        if id(tensor) not in returned:
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as output. The inputs that "
                "are modified inplace must all be outputs of the Function."
            )
        if recording and tensor._node is not None and is_leaf_node(tensor._node):
            raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")


def _output(ctx: FunctionCtx, out: Any, node: Any, nr: int, count: int) -> Any:
    """One output with its place in the graph; an input that is passed through becomes a tensor of its own."""
    if not isinstance(out, Tensor):
        return out
    own = None if node is None else output_node(node, nr, count)
    if any(out is x for x in ctx._without_gradient) or out._data.dtype.kind not in "fcV":
        own = None
    if any(out is x for x in ctx._dirty):
        inplace.touched(out)
        if own is not None:
            history.set_history(out, own)
        return out
    source = out if any(out is x for x in ctx._inputs) else out._base
    if source is not None:
        ctx._views = (*ctx._views, nr)
    if source is not None or out._node is not None:
        out = out.detach()
    out._node = own
    if source is not None and own is not None:
        history.remember_alias(source if source._base is None else source._base, out)
    return out


class InplaceFunction(Function):
    """A function that may work in place, as old programs write it."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
