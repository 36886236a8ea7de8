"""Arguments of a wrong type: torch's TypeError for them, found once a function has failed.

NOTE [Types after the fact]
torch looks at the types of all arguments before it computes. Here nobody does, as most calls are right and the look
costs more than many an op. A call that fails is looked at then: when one of its arguments is of a type that torch does
not take under that name, the error says so instead of what the code stumbled over ('list' object has no attribute …).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from .errors import type_name
from .tensor import Tensor

_NAMES = {
    "Tensor": "mask mat mat1 mat2 vec vec1 vec2 batch1 batch2 tensor tensor1 tensor2 bias target source x1 "
    "x2 A B L LU_data LU_pivots grid query key log_probs input1 input2 input3 anchor positive negative",
    "int": "dim start_dim end_dim n num_classes diagonal dim0 dim1 dim2 chunks groups steps start_index length",
    "bool": "keepdim descending largest inplace upper training ceil_mode unbiased hermitian",
    "tuple of ints": "size shape sizes dims shifts repeats kernel_size stride dilation output_size normalized_shape "
    "pad split_sizes output_padding",
    "Number": "alpha beta fill_value lambd threshold eps min max margin negative_slope",
    "tuple of Tensors": "tensors",
}
KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
"""What torch calls the type of the arguments that have the same meaning wherever they stand."""

OPERANDS = ("input", "self", "other", "src", "weight", "index")
"""Tensors for which many a function takes a number, as long as another one is a tensor."""


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose failures are blamed on an argument's type where that is the cause."""

    @functools.wraps(function)
    def calling(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if (problem := wrong_type(function, args, kwargs, error)) is not None:
                raise problem from None
            raise

    return calling


def wrong_type(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> TypeError | None:
    """torch's error for the first argument of a wrong type, if there is one; `error` is what the call failed with."""
    try:
        signature = inspect.signature(function)
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return None  # Python's own error says what is wrong with the call
    asked = error.obj if isinstance(error, AttributeError) and hasattr(Tensor, error.name or "") else signature
    kinds = KINDS | dict.fromkeys(OPERANDS, "Tensor" if _no_tensor_in(given) else "operand")
    for position, (name, parameter) in enumerate(signature.parameters.items(), 1):
        if name not in given or given[name] is parameter.default:
            continue
        kind = kinds.get(name, "anything")
        if given[name] is asked and kind in ("operand", "anything"):
            kind = "Tensor"
        if (text := _problem(kind, given[name])) is not None:
            place = f"{function.__name__}(): argument '{name}' (position {position})"
            kind = "Tensor" if kind == "operand" else kind
            return TypeError(text if text.startswith("expected") else f"{place} must be {kind}, {text}")
    return None


def _no_tensor_in(given: dict[str, Any]) -> bool:
    return not any(isinstance(value, Tensor) for value in given.values())


def _problem(kind: str, value: Any) -> str | None:
    """What torch says about a value that is none of the kind; None where it is one."""
    if kind == "anything":
        return None
    if kind == "tuple of Tensors":
        if not isinstance(value, tuple | list):
            return f"not {type_name(value)}"
        i = next((i for i, x in enumerate(value) if not isinstance(x, Tensor)), None)
        return None if i is None else f"expected Tensor as element {i} in argument 0, but got {type_name(value[i])}"
    if kind in ("Tensor", "operand"):
        if isinstance(value, Tensor) or (kind == "operand" and isinstance(value, Number | np.generic)):
            return None
        return f"not {type_name(value)}\n  hint: make it a tensor first: torch.tensor(…)"
    if kind == "Number":
        return None if isinstance(value, Number | Tensor | np.generic) else f"not {type_name(value)}"
    if kind == "tuple of ints" and isinstance(value, tuple) and len(value) == 1:
        (value,) = value  # f((2, 3)) and f(2, 3) mean the same
    if kind == "tuple of ints" and isinstance(value, tuple | list):
        wrong = [i for i, x in enumerate(value) if x is not None and not _is_whole(x)]
        return f"but found element of type {type_name(value[wrong[0]])} at pos {wrong[0]}" if wrong else None
    if kind == "int" and isinstance(value, tuple | list):
        return None if all(map(_is_whole, value)) else f"not {type_name(value)}"
    return None if value is None or isinstance(value, Tensor) or _is_whole(value) else f"not {type_name(value)}"


def _is_whole(value: Any) -> bool:
    return hasattr(value, "__index__") and (not isinstance(value, Tensor) or not value._data.ndim)
