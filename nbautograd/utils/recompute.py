"""How a checkpoint forgets and finds again.

NOTE [Recomputing]
Inside a checkpoint, hooks for saved tensors put an empty place where each tensor would have been. When backward first
asks for one of them, the function runs again under other hooks, which fill the places in the same order; it is stopped
when the last is filled. What fills a place is taken out when it is asked for, so that it dies with the step that needed
it. The arguments are kept through the hooks round the checkpoint: those of a checkpoint inside another one are places
of the outer one.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from nbautograd.amp import autocast, get_autocast_dtype, is_autocast_cache_enabled, is_autocast_enabled
from nbautograd.autograd.graph import saved_tensors_hooks
from nbautograd.core import walk
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.kept import Kept
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.tensor import Tensor
from nbautograd.ops.random.generators import restore, states


class CheckpointError(RuntimeError):
    """The function did not do the same when it ran again."""


class _AllFilledError(Exception):
    """Ends a recomputation when everything that was asked for is there."""


class _Place:
    """Stands for the tensor that a region did not keep."""

    __slots__ = ("__weakref__", "index")

    def __init__(self, index: int) -> None:
        self.index = index


class _NoPass:
    """Stands for a backward pass where somebody asks for a saved tensor outside of one."""


def surroundings(preserve_rng_state: bool) -> Callable[[], Any]:
    """A context for later, in which random numbers and autocast are what they are now."""
    numbers = states() if preserve_rng_state else None
    casts = [(kind, get_autocast_dtype(kind), is_autocast_enabled(kind)) for kind in ("cpu", "cuda")]
    caching = is_autocast_cache_enabled()

    @contextlib.contextmanager
    def again() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for cast in casts:
                stack.enter_context(autocast(*cast, caching))
            if numbers is not None:
                stack.callback(restore, states())
                restore(numbers)
            yield

    return again


class Region:
    """One call of a function whose saved tensors are computed again when they are needed."""

    def __init__(
        self,
        function: Callable[..., Any],
        determinism_check: str,
        early_stop: bool,
        preserve_rng_state: bool,
        debug: bool,
    ) -> None:
        if determinism_check not in ("default", "none"):
            raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
        self.function = function
        self.compares = determinism_check == "default"
        self.early_stop = early_stop
        self.debug = debug
        self.again = surroundings(preserve_rng_state)
        self.places: list[weakref.ref[_Place]] = []
        self.facts: list[dict[str, Any]] = []
        self.complete = False
        self.filled: weakref.WeakKeyDictionary[Any, dict[int, Tensor]] = weakref.WeakKeyDictionary()

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any], first: Any, second: Any) -> Any:
        """The first time: nothing is kept but the arguments. `first` and `second` are contexts for both times."""
        if not is_grad_enabled():
            return self.function(*args, **kwargs)
        self.args = [Kept(x) if isinstance(x, Tensor) else x for x in args]
        self.kwargs = kwargs
        self.second = second
        with saved_tensors_hooks(self._pack, self._unpack), first:
            result = self.function(*args, **kwargs)
        self.complete = True
        return result

    def _pack(self, tensor: Tensor) -> _Place:
        place = _Place(len(self.places))
        self.places.append(weakref.ref(place))
        self.facts.append(_facts(tensor))
        return place

    def _unpack(self, place: _Place) -> Tensor:
        now = walk.current() or _NoPass()
        if now not in self.filled:
            self.filled[now] = self._recompute()
        if place.index not in self.filled[now]:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already unpacked once. If you "
                "are calling ctx.saved_tensors in backward, make sure to do so only once. Otherwise please open an "
                "issue with details on your use case."
            )
        return self.filled[now].pop(place.index)

    def _recompute(self) -> dict[int, Tensor]:
        """Run the function again, and return the tensors for the places that somebody still holds."""
        found: dict[int, Tensor] = {}
        facts: list[dict[str, Any]] = []

        def pack(tensor: Tensor) -> Tensor:
            tensor = tensor.detach()
            index = len(facts)
            facts.append(_facts(tensor))
            if index >= len(self.places):
                self._check_surplus(facts)
            elif self.places[index]() is not None:
                found[index] = tensor
            if self.early_stop and len(facts) == len(self.places):
                raise _AllFilledError
            return tensor

        args = [x.tensor("checkpoint") if isinstance(x, Kept) else x for x in self.args]
        hooks = saved_tensors_hooks(pack, lambda tensor: tensor)
        with hooks, enable_grad(), self.again(), contextlib.suppress(_AllFilledError), self.second:
            self.function(*args, **self.kwargs)
        self._check(facts, found)
        return found

    def _check_surplus(self, facts: list[dict[str, Any]]) -> None:
        if self.complete:  # else backward was called inside the function, before it had saved everything
            raise self._error(
                "trying to save more tensors during recomputation than during the original forward pass.", facts
            )

    def _check(self, facts: list[dict[str, Any]], found: dict[int, Tensor]) -> None:
        if len(facts) < len(self.places) or (self.complete and len(facts) != len(self.places)):
            raise self._error(
                "A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.places)}\n"
                f"Number of tensors saved during recomputation: {len(facts)}.",
                facts,
            )
        differing = [i for i in found if self.compares and self.facts[i] != facts[i]]
        if differing:
            rows = "\n".join(
                f"tensor at position {i}:\nsaved metadata: {self.facts[i]}\nrecomputed metadata: {facts[i]}"
                for i in differing
            )
            raise self._error(
                "Recomputed values for the following tensors have different metadata than during the forward pass.\n"
                f"{rows}\n.",
                facts,
            )

    def _error(self, text: str, facts: list[dict[str, Any]]) -> CheckpointError:
        lines = [f"torch.utils.checkpoint: {text}"]
        if self.debug:
            for when, seen in (("the original forward", self.facts), ("recomputation", facts)):
                lines += [f"saved during {when}:", *(f"  {i}: {fact}" for i, fact in enumerate(seen))]
        hint = "the function must do the same each time: no state that changes, no branch on anything but its arguments"
        return CheckpointError("\n".join([*lines, f"  hint: {hint}"]))


def _facts(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}
