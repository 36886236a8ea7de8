"""Between the engine's one observer slot and the recorders: whoever runs code tells its own recorder, and no other.

NOTE [Whose op is it]
The recorder at work stands in a context variable, which is what "this cell" means to threads and to asynchronous code:
another thread has another context, and so has a task that was made before the cell began. A context may outlive the
trace (a task that the cell left behind), so what it holds is an `Attachment`, emptied when the trace ends.

The hot path must not pay for recorders that look away: `state.paused` lets ops take the short path while all do.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from nbautograd.core.modes import observe, pause, state, unwatched
from nbautograd.core.pad import Pad

_lock = threading.RLock()
_recorders: list[Attachment] = []


class Attachment:
    """A recorder at work: `watching` says whether it wants to hear of single ops."""

    __slots__ = ("failure", "outer", "pad", "recorder", "watching")

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.watching = True
        self.pad: Pad | None = None
        """What takes down ops that took their short path, if its method does not."""
        self.outer: Attachment | None = None
        self.failure: str | None = None

    def attach(self) -> None:
        """From here on, what runs in this context is told to the recorder."""
        with _lock:
            self.outer = attached.get()
            attached.set(self)
            _recorders.append(self)
            _settle()

    def detach(self) -> None:
        """The trace has ended; doing it twice does nothing."""
        with _lock:
            self.recorder = None
            if attached.get() is self:
                attached.set(self.outer)
            if self in _recorders:
                _recorders.remove(self)
            _settle()

    def give_up(self, error: Exception) -> None:
        """The recorder failed. What the user runs must not: it goes on, without being recorded."""
        self.failure = repr(error)
        self.detach()
        warnings.warn(f"nbautograd stopped recording after an error of its own: {error!r}", stacklevel=4)

    def watch(self, watching: bool) -> None:
        """Whether to tell of single ops from here on."""
        with _lock:
            self.watching = watching
            _settle()


attached: ContextVar[Attachment | None] = ContextVar("nbautograd recorder", default=None)


def current() -> Any:
    """The recorder at work in this context, or None."""
    attachment = attached.get()
    return None if attachment is None else attachment.recorder


def noted() -> Callable[[], None]:
    """Note who is told in this context; to call what comes back is to stop whoever was attached since."""
    before = attached.get()

    def put_back() -> None:
        while (attachment := attached.get()) is not None and attachment is not before:
            attachment.detach()
        for attachment in [a for a in _recorders if a.recorder is None]:  # interrupted while they stopped
            attachment.detach()
        _settle()

    return put_back


def _settle() -> None:
    """Bring the engine's switches in line with who is attached."""
    installed = state.attached is _seam
    if bool(_recorders) is not installed:
        observe(_seam if _recorders else None)
    pad = _recorders[0].pad if len(_recorders) == 1 else None
    pause(bool(_recorders) and not any(a.watching for a in _recorders), pad)


def _handed_on(name: str) -> Any:
    def tell(self: Any, *args: Any) -> Any:
        attachment = attached.get()
        if attachment is None or attachment.recorder is None:
            return None
        try:
            return getattr(attachment.recorder, name)(*args)
        except Exception as error:
            attachment.give_up(error)

    tell.__name__ = name
    return tell


class _Seam:
    """The observer that hands everything on to the recorder of the context in which it happens."""

    thread = None

    @property
    def detailed(self) -> bool:
        recorder = current()
        return recorder is not None and recorder.detailed

    @property
    def fresh(self) -> list[tuple[Any, Any]] | None:
        recorder = current()
        return None if recorder is None else recorder.leaves.fresh

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        attachment = attached.get()
        if attachment is not None and attachment.watching and attachment.recorder is not None:
            try:
                attachment.recorder.op(op, inputs, params, outputs, in_place)
            except Exception as error:
                attachment.give_up(error)

    def extra(self, values: tuple[Any, ...]) -> None:
        """What an op keeps for its rules is its own affair."""

    def read(self, tensor: Any, how: str, value: Any) -> None:
        """Reading numbers is no part of the graph."""

    def made(self, tensor: Any) -> None:
        """A leaf is met when it is used."""

    def drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        """Random numbers are met when they are used."""

    def called(self, function: Any, args: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """What it changes is told as it does so."""
        return function(*args, **settings)

    def inside(self, function: Callable[..., Any], args: tuple[Any, ...], ctx: Any) -> Any:
        """It is one op."""
        return unwatched(function, *args)

    def found(self, tensor: Any, gradient: Any) -> None:
        """The flow into an input has been told."""

    backward_begin = _handed_on("backward_begin")
    flow = _handed_on("flow")
    accumulate = _handed_on("accumulate")
    freed = _handed_on("freed")
    backward_end = _handed_on("backward_end")
    in_place = _handed_on("in_place")
    renumbered = _handed_on("renumbered")
    mutated = _handed_on("mutated")
    grad_set = _handed_on("grad_set")
    scope_begin = _handed_on("scope_begin")
    scope_end = _handed_on("scope_end")
    where = _handed_on("where")
    where_node = _handed_on("where_node")


_seam: Any = _Seam()
