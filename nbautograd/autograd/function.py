"""Functions with a backward of one's own.

NOTE [A table entry for each class]
A subclass of `Function` gets an entry like those of the op table, made when it is first applied. Its one rule runs the
user's `backward` with the context that forward filled. Whether a node's values are freed after backward is a fact of
its entry; so there are two, one for calls that saved tensors and one for those that did not, as a second backward is an
error only for the first kind.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from nbautograd.core import errors, inplace
from nbautograd.core.array import compact, library_of, unbroadcast
from nbautograd.core.call import slot, wrap
from nbautograd.core.modes import is_grad_enabled, no_grad, observe, state
from nbautograd.core.node import is_leaf_node, tick
from nbautograd.core.op import Op
from nbautograd.core.tensor import Tensor


class _Saved:
    """A tensor kept for backward, with the version it had."""

    def __init__(self, tensor: Tensor, output: int | None) -> None:
        self.data = tensor._data
        self.tensor = None if output is not None else tensor
        self.output = output
        self.probe = tensor.detach()
        self.version = inplace.version(tensor)


class FunctionCtx:
    """What `forward` leaves for `backward`. Anything may be put into its attributes; tensors belong into
    `save_for_backward`, so that a change in place is noticed.
    """

    needs_input_grad: tuple[bool, ...] = ()
    """For each argument, whether its gradient is wanted."""

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[_Saved | None] = []
        self._dirty: tuple[Any, ...] = ()
        self._without_gradient: tuple[Any, ...] = ()
        self._materialize = True
        self._outputs: list[tuple[Any, Any, Any] | None] = []
        self._inputs: tuple[Any, ...] = ()
        self._node: Any = None
        self._node_name = ""

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep these tensors for backward, which finds them in `saved_tensors`."""
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}\n"
                    "  hint: keep other values as attributes of ctx"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep these tensors for `jvp`."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` kept.

        Raises: RuntimeError when one of them was changed in place since.
        """
        return tuple(None if saved is None else self._restored(saved) for saved in self._saved)

    def _restored(self, saved: _Saved) -> Tensor:
        now = inplace.version(saved.probe)
        if now != saved.version:
            node: Any = [0, type("Node", (), {"node_name": self._node_name}), None, None, (), ()]
            raise errors.modified(node, saved.data.shape, saved.data.dtype, "", now, saved.version)
        if saved.tensor is not None:
            return saved.tensor
        assert saved.output is not None
        return wrap(saved.data, _output_node(self._node, saved.output, len(self._outputs)))

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Tell that forward changed these inputs in place; they must be returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Tell that these outputs have no gradient."""
        self._without_gradient = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True, the default) or None for outputs that no gradient came to."""
        self._materialize = value

    def _keep(self, outputs: tuple[Any, ...]) -> None:
        """Make what was to be saved permanent, now that the outputs are known."""
        numbers = {id(out): i for i, out in enumerate(outputs) if isinstance(out, Tensor)}
        given = {id(x) for x in self._inputs}
        self._saved = [
            None if t is None else _Saved(t, numbers.get(id(t)) if id(t) not in given else None) for t in self._to_save
        ]
        self._to_save = ()


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

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record this function as one node."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(x, Tensor) and x._node is not None for x in args)
        ctx._inputs = args
        recording = is_grad_enabled() and any(ctx.needs_input_grad)
        result = _forward(cls, ctx, args, kwargs)
        outputs = result if isinstance(result, tuple) else (result,)
        _check_dirty(ctx, outputs, recording)
        ctx._keep(outputs)
        ctx._outputs = [
            (tuple(out._data.shape), out._data.dtype, library_of(out._data)) if isinstance(out, Tensor) else None
            for out in outputs
        ]
        entry = _entry(cls, any(saved is not None for saved in ctx._saved))
        ctx._node_name = entry.node_name
        node = None
        if recording:
            parents = tuple(x._node for x in args if isinstance(x, Tensor))
            node = [tick(), entry, None, None, parents, (ctx,)]
            if any(saved is not None and saved.output is not None for saved in ctx._saved):
                ctx._node = node
        wrapped = tuple(_output(ctx, out, node, nr, len(outputs)) for nr, out in enumerate(outputs))
        ctx._inputs = tuple((tuple(x._data.shape), x._data.dtype) if isinstance(x, Tensor) else None for x in args)
        ctx._dirty = ctx._without_gradient = ()
        tensors = tuple(out for out in wrapped if isinstance(out, Tensor))
        if state.observer is not None and tensors:
            state.observer.op(entry, tuple(x for x in args if isinstance(x, Tensor)), {}, tensors, bool(ctx._dirty))
        return wrapped if isinstance(result, tuple) else wrapped[0]


def _forward(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the user's forward as one step: nothing inside it is recorded or watched."""
    with no_grad(), _Unwatched():
        if cls.setup_context is Function.setup_context:
            return cls.forward(ctx, *args, **kwargs)
        result = cls.forward(*args, **kwargs)
        cls.setup_context(ctx, args, result)
        return result


class _Unwatched:
    """Inside, the observer is away: what a custom function does inside is its own business."""

    def __enter__(self) -> None:
        self.before = observe(None)

    def __exit__(self, *exc: object) -> None:
        observe(self.before)


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
    own = None if node is None else _output_node(node, nr, count)
    if any(out is x for x in ctx._without_gradient) or out._data.dtype.kind not in "fc":
        own = None
    if any(out is x for x in ctx._dirty):
        inplace.touched(out)
        if own is not None:
            inplace.set_history(out, own)
        return out
    if out._node is not None or out._base is not None or any(out is x for x in ctx._inputs):
        out = out.detach()
    out._node = own
    return out


def _output_node(node: Any, nr: int, count: int) -> Any:
    return node if count == 1 else slot(node, nr)


# --- the table entry ----------------------------------------------------------------------------------------------


class _Entry(Op, abstract=True):
    """What stands in the OP slot of a custom function's node; see NOTE [A table entry for each class]."""

    inputs = ("xs",)
    settings = ()
    saves = ("ctx",)
    plan = (("setting", "ctx", (0,)),)
    outputs = None
    variadic = True
    promote = "none"
    with_graph: ClassVar[tuple[Callable[..., Any], ...]]

    @classmethod
    def differentiable(cls) -> tuple[Callable[..., Any], ...]:
        return cls.with_graph


@functools.cache
def _entry(cls: type[Function], frees: bool) -> Any:
    facts = {
        "__doc__": cls.__doc__,
        "name": cls.__name__,
        "title": cls.__name__,
        "node_name": f"{cls.__name__}Backward",
        "forward": staticmethod(cls.forward),
        "frees": frees,
        "step": None,
        "rules": (lambda g, ctx: _pull(cls, ctx, g, False),),
        "pulls": (lambda g, saved: _pull(cls, saved[0], g, False),),
        "with_graph": (lambda g, ctx: _pull(cls, ctx, g, True),),
    }
    return type(cls.__name__, (_Entry,), facts, abstract=True)


def _pull(cls: type[Function], ctx: FunctionCtx, g: Any, graph: bool) -> list[Any]:
    """The contribution to each tensor among the arguments; tensors with history if `graph`, arrays otherwise."""
    given = [g.get(nr) for nr in range(len(ctx._outputs))] if isinstance(g, dict) else [g]
    grads = [_gradient(ctx, x, nr) for nr, x in enumerate(given)]
    backward = cls.vjp if cls.backward is Function.backward else cls.backward
    if graph:
        result = backward(ctx, *grads)
    else:
        with _Unwatched():
            result = backward(ctx, *grads)
    result: Any = result if isinstance(result, tuple | list) else (result,)
    name = ctx._node_name
    expected = len(ctx._inputs)
    while len(result) > expected and result[-1] is None:
        result = result[:-1]
    if len(result) != expected:
        raise RuntimeError(
            f"function {name} returned an incorrect number of gradients (expected {expected}, got {len(result)})\n"
            "  hint: backward returns one gradient for each argument of forward after ctx, None where none is needed"
        )
    shares = [
        _share(name, i, x, spec, ctx.needs_input_grad[i], graph)
        for i, (x, spec) in enumerate(zip(result, ctx._inputs, strict=True))
    ]
    return [share for share, spec in zip(shares, ctx._inputs, strict=True) if spec is not None]


def _gradient(ctx: FunctionCtx, g: Any, nr: int) -> Any:
    """The gradient of one output as backward gets it."""
    if g is not None:
        return g if isinstance(g, Tensor) else wrap(compact(g))
    spec = ctx._outputs[nr]
    if spec is None or not ctx._materialize:
        return None
    shape, dtype, library = spec
    return wrap(compact(library.zeros(shape, dtype)))


def _share(name: str, i: int, g: Any, spec: Any, needed: bool, graph: bool) -> Any:
    """What backward returned for argument `i`, checked and brought to the argument's shape and dtype."""
    if spec is None:
        if g is not None:
            raise RuntimeError(
                f"function {name} returned a gradient different than None at position {i + 1}, but the corresponding "
                "forward input was not a Variable"
            )
        return None
    if g is None or not needed:
        return None
    if not isinstance(g, Tensor):
        raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
    shape, dtype = spec
    if not _expandable(shape, tuple(g._data.shape)):
        raise RuntimeError(
            f"Function {name} returned an invalid gradient at index {i} - got {list(g._data.shape)} but expected shape "
            f"compatible with {list(shape)}"
        )
    if graph:
        g = g if tuple(g.shape) == shape else _summed(g, shape)
        return g if g._data.dtype == dtype else g.to(wrap(np.zeros((), dtype)).dtype)
    data = g._data if tuple(g._data.shape) == shape else unbroadcast(g._data, shape)
    return data if data.dtype == dtype else data.astype(dtype)


def _expandable(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of `shape` broadcasts to `to`."""
    if len(shape) > len(to):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(to), strict=False))


def _summed(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`unbroadcast` by differentiable steps."""
    extra = g.ndim - len(shape)
    dims = [*range(extra), *(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1)]
    return g.sum(dims).reshape(shape) if dims else g.reshape(shape)


# --- once ---------------------------------------------------------------------------------------------------------


class _Once(Function):
    """Lets gradients through that were computed without a graph, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx: Any, *grads: Any) -> Any:
        return tuple(g.clone() for g in grads)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` whose result cannot be differentiated again, because it leaves the graph inside.

    Raises: RuntimeError when a second derivative is taken through it.
    """

    @functools.wraps(function)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            result = function(ctx, *grads)
        if not is_grad_enabled() or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return result
        parts = result if isinstance(result, tuple) else (result,)
        passed = iter(_Once.apply(*[p.detach().requires_grad_() for p in parts if p is not None]))
        parts = tuple(None if p is None else next(passed) for p in parts)
        return parts if isinstance(result, tuple) else parts[0]

    return once
