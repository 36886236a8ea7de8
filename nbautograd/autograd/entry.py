"""The node of a custom function: an entry like those of the op table, whose one rule runs the user's backward.

NOTE [A table entry for each class]
A subclass of `Function` gets its entry when it is first applied. Whether something is freed after backward is a fact of
the entry; so there are two, one for calls that saved tensors and one for those that did not, as a second backward is an
error only for the first kind. What is freed are the tensors of the context; its other attributes live with the node.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from nbautograd.core.array import compact, unbroadcast
from nbautograd.core.call import wrap
from nbautograd.core.modes import inside
from nbautograd.core.node import SAVED
from nbautograd.core.op import Op
from nbautograd.core.tensor import Tensor

from .context import FunctionCtx


def unwritten(ctx: Any, *grad_outputs: Any) -> Any:
    """The gradients of the arguments from those of the outputs."""
    raise NotImplementedError(
        "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
        "backward mode AD."
    )


class Entry(Op, abstract=True):
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

    @staticmethod
    def release(node: Any) -> None:
        node[SAVED][0]._saved = None

    @staticmethod
    def returned_view(node: Any, nr: int) -> bool:
        return nr in node[SAVED][0]._views

    @staticmethod
    def attribute(node: Any, name: str) -> Any:
        """`grad_fn.saved_tensors`, and whatever else forward left in `ctx`."""
        if name.startswith("__") or (not hasattr(type(ctx := node[SAVED][0]), name) and name not in vars(ctx)):
            raise AttributeError(f"'{ctx._node_name}' object has no attribute '{name}'")
        return getattr(ctx, name)


@functools.cache
def entry_of(cls: type[Any], frees: bool) -> Any:
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
    return type(cls.__name__, (Entry,), facts, abstract=True)


def _pull(cls: type[Any], ctx: FunctionCtx, g: Any, graph: bool) -> list[Any]:
    """The contribution to each tensor among the arguments; tensors with history if `graph`, arrays otherwise."""
    given = [g.get(nr) for nr in range(len(ctx._outputs))] if isinstance(g, dict) else [g]
    grads = [_gradient(ctx, x, nr) for nr, x in enumerate(given)]
    backward = cls.vjp if cls.backward is unwritten else cls.backward
    if cls.vjp is not unwritten and cls.backward is not unwritten:
        raise RuntimeError(
            "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
            "one of them."
        )
    result = backward(ctx, *grads) if graph else inside(backward, (ctx, *grads), ctx)
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
