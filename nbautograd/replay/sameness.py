"""Whether two runs of a step did the same: what differs from run to run cannot be written down."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy, ndarray
from nbautograd.core.device import device
from nbautograd.core.dtype import dtype
from nbautograd.replay.calls import Call, Itself, Var


def signature(calls: list[Call], returned: Any) -> list[Any]:
    """What was called and returned, in which order and with which numbers: those from outside are constants."""
    told = [c for c in calls if c.kind != "clear"]  # gradients that are None are not cleared
    found: list[Any] = [(c.kind, c.name, len(c.outs), _constants(c.args), _constants(c.settings)) for c in told]
    return [*found, _constants(returned)]


def _constants(value: Any) -> Any:
    if isinstance(value, Var):
        return Var
    if isinstance(value, tuple | list):
        return tuple(map(_constants, value))
    if isinstance(value, dict):
        return tuple([(key, _constants(part)) for key, part in value.items()])
    if isinstance(value, slice):
        return (slice, _constants(value.start), _constants(value.stop), _constants(value.step))
    if isinstance(value, ndarray | np.generic):
        return (value.dtype.str, value.shape, hash(value.tobytes()))
    if isinstance(value, bool | int | float | complex | str | type | np.dtype | dtype | device | None):
        return repr(value)
    if isinstance(value, Itself):
        return (Itself, id(value.value) if value.place is None else value.place, value.of)
    return (type(value).__name__, 0 if is_cupy(value) else id(type(value)))


def random_states() -> Any:
    """The states of Python's and NumPy's own generators: a step that uses them cannot be replayed."""
    name, keys, *rest = np.random.get_state()
    return random.getstate(), name, np.asarray(keys).tobytes(), rest
