"""`backward` and `grad`: what users call to have derivatives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from . import array as arrays
from . import dtype as dtypes
from . import edges, errors
from .call import wrap
from .modes import state
from .node import ORDER, is_nobodys, node_and_output
from .tensor import Tensor
from .walk import Walk, runs_on_tensors


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the derivatives of `tensors` to `.grad` of the leaves (or of `inputs`) they were computed from.

    Raises: RuntimeError in torch's words; see `Tensor.backward`.
    """
    roots = edges.as_tensors(tensors, grad_tensors)
    wanted = None if inputs is None else edges.wanted(inputs, "backward()")
    seeds = _seeds(roots, _listed(grad_tensors, len(roots)), runs_on_tensors(create_graph))
    for x in wanted or ():
        x.retain_grad()
    Walk(roots, seeds, retain_graph, create_graph, wanted, "backward").run()


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The derivatives of `outputs` by `inputs` (of a dict: a dict), returned instead of added to `.grad`.

    Raises: RuntimeError when an input was not used and `allow_unused` is not set.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> torch.autograd.grad(x**2, x)
        (tensor(6.),)
    """
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    roots = edges.as_tensors(outputs, grad_outputs)
    wanted = edges.wanted(inputs, "grad()")
    if is_grads_batched:
        from .batched import grad_of_batch

        given = _listed(grad_outputs, len(roots))
        found = grad_of_batch(roots, wanted, given, retain_graph, create_graph, allow_unused, materialize_grads)
        return _as_given(inputs, found)
    seeds = _seeds(roots, _listed(grad_outputs, len(roots)), runs_on_tensors(create_graph))
    for x in wanted:
        if x._node is None:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = Walk(roots, seeds, retain_graph, create_graph, wanted, "grad").run()
    results: list[Tensor | None] = []
    for i, x in enumerate(wanted):
        node, nr = node_and_output(x._node)
        g = None if is_nobodys(node) else found.get((node[ORDER], nr))
        if g is None and materialize_grads:
            g = wrap(np.zeros_like(x._data))
        if g is None and not allow_unused:
            raise unused(i, x)
        if g is not None and state.observer is not None:
            state.observer.found(x, g)
        results.append(g)
    return _as_given(inputs, tuple(results))


def unused(i: int, x: Tensor) -> RuntimeError:
    """torch's error for an input of `grad` that no gradient came to."""
    return RuntimeError(
        f"The differentiated Tensor at index {i} appears to not have been used in the graph. "
        "Set allow_unused=True if this is the desired behavior.\n"
        f"  {errors.describe(x)}"
    )


def _as_given(inputs: Any, results: tuple[Any, ...]) -> Any:
    """Gradients under the names that the inputs came with."""
    return dict(zip(inputs, results, strict=True)) if isinstance(inputs, dict) else results


def _listed(grads: Any, count: int) -> list[Any]:
    if grads is None:
        return [None] * count
    grads = [grads] if isinstance(grads, Tensor) else list(grads)
    if len(grads) != count:
        raise RuntimeError(f"got {count} tensors and {len(grads)} gradients")
    return grads


def _seeds(roots: list[Tensor], gradients: list[Any], tensors: bool) -> list[Any]:
    seeds: list[Any] = []
    for i, (root, gradient) in enumerate(zip(roots, gradients, strict=True)):
        data = root._data
        if gradient is None:
            if root._node is None:
                raise errors.no_grad_path(root, i)
            if data.size != 1:
                raise errors.not_scalar(root)
            if is_nobodys(root._node):
                raise errors.no_grad_path(root, i)
            if data.dtype.kind not in dtypes.FLOATING:
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
            if arrays.is_cupy(data):
                with arrays.beside(data):
                    seed = arrays.cupy().ones_like(data)
            else:
                seed = data.dtype.type(1) if isinstance(data, np.generic) else np.ones_like(data)
            seeds.append(wrap(seed) if tensors else seed)
            continue
        if not isinstance(gradient, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(gradient).__name__}")
        if gradient._data.shape != data.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {gradient.shape} "
                f"and output[{i}] has a shape of {root.shape}."
            )
        if root._node is None or is_nobodys(root._node):
            raise errors.no_grad_path(root, i)
        seeds.append(gradient if tensors else gradient._data)
    return seeds
