"""Notes of functions of this package that work without ops: some change tensors, others look at numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core.array import compact
from nbautograd.core.call import wrap
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import RefusalError, Var
from nbautograd.replay.changes import Changes

SIZED_BY_NUMBERS = ("nonzero", "argwhere", "unique", "unique_consecutive", "bincount", "one_hot")
"""Functions whose results have as many elements as the numbers want."""


class Calling(Changes):
    """Notes of functions that tell of themselves by `core.modes.told`; see `Tape`."""

    def called(self, function: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """A function does something by itself: `zero_`, `clip_grad_norm_`, `argmax` …"""
        name = function.__name__
        if not (name in ("zero_", "clear_gradients") or name.startswith("clip_")):
            return self._look_with(function, args, settings)
        first, *rest = args
        tensors = [first] if isinstance(first, Tensor) else list(first)
        args = (first if isinstance(first, Tensor) else tensors, *rest)
        if name == "clear_gradients" and rest[0]:
            return function(*args)
        result = self._unseen(function, args, settings)
        changed = [t for t in tensors if name == "zero_" or t._grad is not None]
        if name == "clear_gradients":
            changed = [t._grad for t in changed]
        note = self._called_by_name if name.startswith("clip") else self._zeroed
        self._guarded(note, changed, function, [tensors, *rest], settings, result)
        return result

    def _unseen(self, function: Any, args: Any, settings: Any) -> Any:
        self._steps += 1
        try:
            return function(*args, **settings)
        finally:
            self._steps -= 1

    def _look_with(self, function: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        given: list[Any] = []
        self._guarded(lambda: given.append([self._argument(a) for a in args]))  # before what it gives is there
        result = self._unseen(function, args, settings)
        self._guarded(self._looked, function, given, settings, result)
        return result

    def _argument(self, value: Any) -> Any:
        return self.var(value) if isinstance(value, Tensor) else self._setting(value)

    def _looked(self, function: Any, given: list[Any], settings: dict[str, Any], result: Any) -> None:
        if any(isinstance(value, Tensor) for value in settings.values()):
            raise RefusalError(f"it gives a tensor to {function.__name__} by name")
        several = isinstance(result, tuple)
        results: Any = result if several else (result,)
        outs = [self._result(t) if isinstance(t, Tensor) else Var(np.bool_(t)) for t in results]
        places = tuple([i for i, a in enumerate(given[0]) if isinstance(a, Var)])
        call = on_arrays(function, places)
        self._note(call, given[0], outs, settings, name=function.__name__, several=several)
        self._kept.append(results)
        for v, t in zip(outs, results, strict=True):
            if not isinstance(t, Tensor):
                self._note(None, [v, t], [], kind="check")
            elif function.__name__ in SIZED_BY_NUMBERS:
                self._sized(v)

    def _sized(self, v: Var) -> None:
        """That many elements are what the rest of the step is for."""
        self._note(None, [v, v.shape], [], kind="shape")

    def _zeroed(self, changed: list[Any], *_: Any) -> None:
        for t in changed:
            zeros = compact(np.zeros(t._data.shape, t._data.dtype))
            v = Var(zeros)
            self._note(None, [zeros], [v], kind="seed")
            self._write(t, v)

    def _called_by_name(self, changed: list[Any], function: Any, args: list[Any], settings: Any, result: Any) -> None:
        if any(isinstance(a, Tensor) for a in (*args[1:], *settings.values())):
            raise RefusalError(f"it gives a tensor to {function.__name__} as a bound")
        for t in changed:
            if id(t) in self._made or not (id(t) in self.lasting or self._leads_to(t)):
                raise RefusalError(f"it uses {function.__name__} on tensors that do not last")
            self._gradient_of[id(t._grad)] = t
            self._kept.append(t._grad)
        outs = [self._result(result)] if isinstance(result, Tensor) else []
        self._note(function, args, outs, settings, kind="call", name=function.__name__)
        self._forget([t._grad for t in changed])
        self._kept.append(result)


@functools.cache
def on_arrays(function: Callable[..., Any], places: tuple[int, ...]) -> Callable[..., Any]:
    """A function of tensors as one of arrays, which stand at these places among its arguments."""

    @functools.wraps(function)
    def of_arrays(*args: Any, **settings: Any) -> Any:
        found = function(*[wrap(a) if i in places else a for i, a in enumerate(args)], **settings)
        if isinstance(found, tuple):
            return tuple([t._data for t in found])
        return found._data if isinstance(found, Tensor) else found

    return of_arrays
