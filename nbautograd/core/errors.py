"""Errors that teach: torch's class and key words, then which tensors were involved, then what to type."""

from __future__ import annotations

import itertools
import os
import sys
from typing import Any

from . import array as arrays
from . import dtype as dtypes
from .modes import state
from .node import is_leaf_node, node_and_output, op_of

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def explain(
    op: Any, inputs: tuple[Any, ...], datas: list[Any], settings: dict[str, Any], error: Exception
) -> Exception:
    """The error that torch would have raised, with the tensors it is about."""
    text = op.refuse(*datas, **settings) if op.refuse else None
    if text is None:
        text = _devices(datas) or broadcast_problem(datas)
    if text is None and isinstance(error, TypeError) and any(_is_complex(d) for d in datas):
        kind = next(dtypes.of_numpy(d.dtype).tensor_type for d in datas if _is_complex(d))
        return NotImplementedError(with_tensors(f"\"{op.name}_cpu\" not implemented for '{kind}'", op.inputs, inputs))
    if text is None and isinstance(error, OverflowError) and "out of bounds" in str(error):
        text = overflow(error)
    if text is None:
        return type(error)(f"{op.name}: {error}") if type(error).__module__ == "builtins" else error
    return refusal(op, inputs, IndexError(text) if isinstance(error, IndexError) and isinstance(text, str) else text)


def overflow(error: OverflowError) -> RuntimeError:
    """torch's error for a number that a dtype cannot hold; NumPy's ends with the dtype."""
    return RuntimeError(f"value cannot be converted to type {str(error).split()[-1]}_t without overflow")


def _is_complex(data: Any) -> bool:
    return getattr(getattr(data, "dtype", None), "kind", "") == "c"


def complex_number(op: Any, datas: list[Any]) -> Exception | None:
    """torch's error if `op`, which is for real numbers only, is given complex ones."""
    kind, text = op.real_only
    found = next((d for d in datas if _is_complex(d)), None)
    return None if found is None else kind(text.replace("{dtype}", dtypes.of_numpy(found.dtype).tensor_type))


def refusal(op: Any, inputs: tuple[Any, ...], problem: Any) -> Exception:
    """torch's text (or an exception with it) as an error that shows the tensors it is about."""
    kind = type(problem) if isinstance(problem, Exception) else RuntimeError
    pair = len(inputs) == 2 and not op.refuse and str(problem).startswith("The size of tensor a")
    return kind(with_tensors(str(problem), ("a", "b") if pair else op.inputs, inputs))


def with_tensors(text: str, names: tuple[str, ...], tensors: tuple[Any, ...], hint: str | None = None) -> str:
    """`text`, a line for each tensor, and a hint; the hint may already be the last line of `text`."""
    head, mark, tail = text.partition("\n  hint:")
    labels = names if len(names) == len(tensors) else tuple(str(i) for i in range(len(tensors)))
    rows = [(f"  {label}", describe(t)) for label, t in zip(labels, tensors, strict=True) if hasattr(t, "_node")]
    width = max((len(label) for label, _ in rows), default=0)
    lines = [head, *(f"{label:<{width}}  {what}" for label, what in rows)]
    if mark or hint:
        lines.append(f"  hint:{tail}" if mark else f"  hint: {hint}")
    return "\n".join(lines)


def describe(tensor: Any) -> str:
    """Shape, dtype, the user's name for a tensor and where it came from."""
    data = tensor._data
    parts = [str(tuple(data.shape)), dtypes.of_numpy(data.dtype).name]
    if arrays.is_cupy(data):
        parts.append(str(arrays.device_of(data)))
    name = variable_name(tensor)
    if name:
        parts.append(f"`{name}`")
    parts.append(origin(tensor))
    return "  ".join(part for part in parts if part)


def origin(tensor: Any) -> str:
    """`leaf`, or the op a tensor came from, with its line where a trace knows it."""
    node = tensor._node
    if node is None:
        return ""
    if is_leaf_node(node):
        return "leaf"
    where = state.observer.where(tensor) if hasattr(state.observer, "where") else None  # type: ignore[union-attr]
    return f"from {op_of(node_and_output(node)[0]).node_name}" + (f", {where}" if where else "")


def user_frame() -> Any:
    """The innermost frame that is not the package's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame


def user_depth() -> int:
    """The `stacklevel` with which the caller's warning points at the innermost frame that is not the package's own."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, depth = frame.f_back, depth + 1
    return depth


def variable_name(tensor: Any) -> str | None:
    """The name under which the calling code knows `tensor`."""
    frame = user_frame()
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if value is tensor and not name.startswith("_"):
                return name
    return None


def _devices(datas: list[Any]) -> str | None:
    found = list(dict.fromkeys(str(arrays.device_of(d)) for d in datas if getattr(d, "ndim", 0)))
    if len(found) < 2:
        return None
    return (
        f"Expected all tensors to be on the same device, but found at least two devices, {found[0]} and {found[1]}!"
        f"\n  hint: move one of them first, as in y.to('{found[0]}')"
    )


def check_devices(op: Any, inputs: tuple[Any, ...], datas: list[Any]) -> None:
    """Refuse operands on different devices before anything is cast.

    Raises: RuntimeError in torch's words.
    """
    text = _devices(datas)
    if text:
        raise RuntimeError(with_tensors(text, op.inputs, inputs))


def broadcast_problem(datas: list[Any]) -> str | None:
    """torch's text for shapes that do not broadcast."""
    shapes = [tuple(d.shape) for d in datas if hasattr(d, "shape")]
    for a, b in itertools.combinations(shapes, 2):
        for back in range(1, min(len(a), len(b)) + 1):
            if a[-back] != b[-back] and 1 not in (a[-back], b[-back]):
                dim = max(len(a), len(b)) - back
                return (
                    f"The size of tensor a ({a[-back]}) must match the size of tensor b ({b[-back]}) "
                    f"at non-singleton dimension {dim}{_shape_hint(a, b)}"
                )
    return None


def _shape_hint(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    if len(a) == len(b) == 2 and a == b[::-1]:
        return "\n  hint: the shapes match after a transpose: b.T"
    if len(b) == 1 and len(a) > 1 and b[0] in a:
        return f"\n  hint: to line up {b[0]} with dimension {a.index(b[0])} of a, type b.unsqueeze(-1)"
    return "\n  hint: sizes are compared from the right; each pair must be equal, or one of them 1"


PUBLIC = {"x": "input", "y": "other"}
"""What the functions call the inputs that ops call otherwise."""


def type_name(value: Any) -> str:
    """The name of the value's type, as torch writes it."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__


def not_a_tensor(op: Any, inputs: tuple[Any, ...], value: Any) -> Exception:
    """The error for an argument that is no tensor."""
    position = next(i for i, x in enumerate(inputs, 1) if x is value)
    name = op.inputs[min(position, len(op.inputs)) - 1]
    return TypeError(
        f"{op.name}(): argument '{PUBLIC.get(name, name)}' (position {position}) must be Tensor, "
        f"not {type_name(value)}\n  hint: make it a tensor first: torch.tensor(…)"
    )


def unsupported_operand(symbol: str, x: Any, y: Any) -> Exception:
    return TypeError(f"unsupported operand type(s) for {symbol}: '{type(x).__name__}' and '{type(y).__name__}'")


def freed(node: Any) -> RuntimeError:
    """A second backward through a graph whose saved values are gone."""
    text = (
        "Trying to backward through the graph a second time (or directly access saved tensors after they have already "
        "been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). "
        "Specify retain_graph=True if you need to backward through the graph a second time or if you need to access "
        "saved tensors after calling backward."
    )
    where = state.observer.where_node(node) if hasattr(state.observer, "where_node") else None  # type: ignore[union-attr]
    place = f", {where}" if where else ""
    return RuntimeError(
        f"{text}\n  first freed node met: {op_of(node).node_name}{place}"
        "\n  hint: compute the loss again before each backward (in a notebook: re-run the cell that builds it); for "
        "two losses of one graph, (a + b).backward(); retain_graph=True only if you mean to use the graph twice"
    )


def no_grad_path(tensor: Any, index: int) -> RuntimeError:
    """Backward from something that was never recorded."""
    name = variable_name(tensor)
    return RuntimeError(
        f"element {index} of tensors does not require grad and does not have a grad_fn\n"
        f"  {f'`{name}` ' if name else ''}{tuple(tensor._data.shape)}  {dtypes.of_numpy(tensor._data.dtype).name}\n"
        "  hint: nothing was recorded on the way to it. Create the inputs with requires_grad=True, and check for "
        ".item(), .detach(), .data, argmax, comparisons or torch.no_grad() on the way"
    )


def not_scalar(tensor: Any) -> RuntimeError:
    """Backward from something with several elements and no gradient given."""
    name = variable_name(tensor) or "y"
    return RuntimeError(
        "grad can be implicitly created only for scalar outputs\n"
        f"  `{name}` has shape {tuple(tensor._data.shape)}  {origin(tensor)}\n"
        f"  hint: reduce it first, {name}.sum().backward() or {name}.mean().backward(), "
        f"or say which combination you want: {name}.backward(gradient=torch.ones_like({name}))"
    )


def modified(node: Any, shape: tuple[int, ...], dtype: Any, which: str, version: int, expected: int) -> RuntimeError:
    """Something saved for backward was changed in place."""
    kind = dtypes.of_numpy(dtype).tensor_type
    where = state.observer.where_node(node) if hasattr(state.observer, "where_node") else None  # type: ignore[union-attr]
    place = f", {where}" if where else ""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {list(shape)}]{which} is at version {version}; expected version {expected} "
        "instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True).\n"
        f"  its old value is needed by {op_of(node).node_name}{place}\n"
        "  hint: write y = y + 1 instead of y += 1 (or y.add_(1)), or change it after backward()"
    )


def leaf_in_place(view: bool) -> RuntimeError:
    what = "a view of a leaf Variable" if view else "a leaf Variable"
    return RuntimeError(
        f"{what} that requires grad is being used in an in-place operation.\n"
        "  hint: to update it without recording, write: with torch.no_grad(): w -= lr * w.grad"
    )


def integer_requires_grad(dtype: Any, method: bool = False) -> RuntimeError:
    text = (
        "only Tensors of floating point dtype can require gradients"
        if method
        else "Only Tensors of floating point and complex dtype can require gradients"
    )
    return RuntimeError(
        f"{text}\n  this one is {dtype}\n"
        "  hint: write the numbers with a point, as in 3.0 instead of 3, or pass dtype=torch.float32"
    )


def not_a_number(node: Any, index: int, lines: list[str] | None, arrived: bool) -> RuntimeError:
    """A gradient rule gave NaN while anomalies were looked for; `lines` are those that made its node.

    That NaN `arrived` although no rule gave any means that it is the sum of infinite gradients.
    """
    where = state.observer.where_node(node) if hasattr(state.observer, "where_node") else None  # type: ignore[union-attr]
    where = where or (lines[-1].strip() if lines else None)
    place = f"  it ran forward at {where}\n" if where else ""
    hint = (
        "NaN came in already: where this value is used several times, infinite gradients of both signs add up "
        "(∞ − ∞), unless a hook or the start of the pass gave it. Divide or clamp before numbers grow so large"
        if arrived
        else "look at the value where its derivative is infinite or 0/0: sqrt and log at 0, a norm of zeros. Add a "
        "small eps inside, or choose safe inputs with torch.where before the function, not after it"
    )
    return RuntimeError(
        f"Function '{op_of(node).node_name}' returned nan values in its {index}th output.\n{place}  hint: {hint}"
    )
