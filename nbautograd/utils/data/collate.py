"""Samples put together to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """A batch from samples: tensors and arrays are stacked, numbers become a tensor, and tuples, lists and dicts stay.

    Raises: RuntimeError for sequences of different lengths, TypeError for what cannot be put together.
    Example:
        >>> from nbautograd.utils.data import default_collate
        >>> default_collate([(1, 2.0), (3, 4.0)])
        [tensor([1, 3]), tensor([2., 4.], dtype=torch.float64)]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return FUNCTIONS["stack"](list(batch))
    if isinstance(first, np.ndarray | np.generic):
        return FUNCTIONS["as_tensor"](np.stack([np.asarray(x) for x in batch]))
    if isinstance(first, float):
        return FUNCTIONS["as_tensor"](np.array(batch, np.float64))
    if isinstance(first, int):
        return FUNCTIONS["tensor"](list(batch))
    if isinstance(first, str | bytes):
        return batch
    return _collate_container(first, batch)


def _collate_container(first: Any, batch: Sequence[Any]) -> Any:
    if isinstance(first, Mapping):
        found = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return found if type(first) is dict else _rebuilt(first, found)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(column) for column in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple | list) else _rebuilt(first, columns)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "
        f"{type(first)}\n  hint: give the DataLoader a collate_fn of your own"
    )


def _rebuilt(like: Any, content: Any) -> Any:
    """`content` in the type of `like`, where that can be made from it."""
    try:
        return type(like)(content)
    except TypeError:
        return content


def default_convert(data: Any) -> Any:
    """Arrays in `data` as tensors; for loaders that make no batches."""
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind not in "SUO":
        return FUNCTIONS["as_tensor"](data)
    if isinstance(data, Mapping):
        found = {key: default_convert(value) for key, value in data.items()}
        return found if type(data) is dict else _rebuilt(data, found)
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [default_convert(value) for value in data]
    return data
