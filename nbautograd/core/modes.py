"""What may be switched on around the engine: grad mode, the observer, and the one flag that tells the hot path to look.

NOTE [One flag]
An op call must cost well under a microsecond, so it asks a single question: is anything unusual going on anywhere in
this process? `state.special` counts the reasons (a thread has turned recording off, an observer is attached, anomaly
mode is on …). At zero, the op takes the short path and looks at nothing else. Otherwise it takes the general path,
which looks at the calling thread's own state.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .doors import THREADS
from .observer import Observer

if TYPE_CHECKING:
    from .pad import Pad

F = TypeVar("F", bound=Callable[..., Any])


class _State:
    """The process-wide switches; `special` is the number of reasons to leave the short path."""

    __slots__ = ("anomaly", "attached", "check_nan", "pad", "paused", "special")

    def __init__(self) -> None:
        self.anomaly = False
        self.check_nan = True
        self.special = 0
        self.paused = False
        self.attached: Observer | None = None
        """Whoever watches anything in this process."""
        self.pad: Pad | None = None
        """Takes down what ran in a short path, for an observer that wants no more told of that."""

    @property
    def observer(self) -> Observer | None:
        """Whoever watches what this thread does now."""
        found = self.attached
        if found is None or local.unwatched or (found.thread is not None and found.thread != threading.get_ident()):
            return None
        return found


state = _State()


def may_look(data: Any) -> bool:
    """Whether to check numbers: on a GPU, where that makes the program wait, in anomaly mode only."""
    return data.__class__.__module__ not in UNSEEN or state.anomaly


UNSEEN = ("cupy", "nbautograd.fast.cuda.symbols")
"""Where the arrays of a GPU have their class, and the symbols that stand for them."""


_lock = threading.RLock()  # a `__del__` that changes `special` may run while this thread holds it


class _Tally:
    """How many reasons to leave the short path one thread holds: they end when it does."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def __del__(self) -> None:
        if self.count:
            with _lock:
                state.special -= self.count


class Local(threading.local):
    """What is switched on in one thread."""

    def __init__(self) -> None:
        self.tally = _Tally()

    grad_enabled = True
    multithreading = True
    inference: Any = None
    """The mark of the block of `inference_mode` that this thread is in; see `core.inference`."""
    saved_hooks: tuple[tuple[Callable[[Any], Any], Callable[[Any], Any]], ...] = ()
    """The pairs of hooks for saved tensors, the innermost last; see `core.saved`."""
    saved_hooks_refused: str | None = None
    unwatched = False
    """Whether the observer is not to be told what happens; see `unwatched`."""
    walk: Any = None
    """The innermost backward pass under way; see `core.walk`."""
    running: Any = None
    """The node whose rules are running, in anomaly mode only."""
    levels: tuple[Any, ...] = ()
    """The levels of forward mode at which ops compute tangents, the outermost first; see `core.levels`."""
    cast: Callable[[str, tuple[Any, ...]], tuple[Any, ...]] | None = None
    """What autocast does to the inputs of the op of that name before it runs; see `nbautograd.amp`."""


local = Local()
THREADS.append(local)

REASONS: dict[str, Callable[[Any], int]] = {
    "grad_enabled": operator.not_,
    "saved_hooks": len,
    "levels": bool,
    "cast": lambda cast: cast is not None,
}
"""How many reasons to leave the short path something in a thread's state is."""


def special(by: int, mark: Any) -> None:
    """There is a reason more (1) or less (-1) to leave the short path, and `mark` knows that it is counted."""
    with _lock:  # no call in here: an interrupt comes before both or after both
        state.special += by
        mark.counted = by


def put_anomaly(mode: bool, check_nan: bool) -> None:
    """Switch anomaly mode, which holds for the whole process."""
    with _lock:
        state.special += mode - state.anomaly
        state.anomaly, state.check_nan = mode, check_nan


def put(name: str, value: Any) -> None:
    """Set `name` of this thread's state."""
    reasons = REASONS[name]
    more, tally = int(reasons(value)) - int(reasons(getattr(local, name))), local.tally
    with _lock:  # no call before the last: an interrupt comes before all or after all
        state.special += more
        tally.count += more
        setattr(local, name, value)


def noted() -> Callable[[], None]:
    """Note what this thread has switched on now; to call what comes back is to have it so again."""
    threads = [(of, _copy(vars(of))) for of in THREADS]
    anomaly, observer = (state.anomaly, state.check_nan), state.attached

    def put_back() -> None:
        switches = dict(threads)[local]
        for name in REASONS:
            put(name, switches.get(name, getattr(Local, name)))
        for of, values in threads:
            vars(of).update(_copy(values))
            for name in vars(of).keys() - values.keys():
                delattr(of, name)
        put_anomaly(*anomaly)
        observe(observer)

    return put_back


def _copy(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.copy() if isinstance(value, list | dict) else value for name, value in values.items()}


def observe(observer: Observer | None) -> Observer | None:
    """Put `observer` into the engine's one observer slot and return the one that was there."""
    with _lock:
        before = state.attached
        state.special += (observer is not None) - (before is not None)
        state.attached, state.pad = observer, None
    return before


def unwatched(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, of which the observer is told nothing."""
    before = local.unwatched
    try:
        local.unwatched = True
        return function(*args)
    finally:  # no call in here, so that an interrupt comes before or after it
        local.unwatched = before


def inside(function: Callable[..., Any], args: tuple[Any, ...], ctx: Any = None) -> Any:
    """`function(*args)`, which the observer may look into: a custom function's forward, or its backward with `ctx`."""
    observer = state.observer
    return unwatched(function, *args) if observer is None else observer.inside(function, args, ctx)


def told(function: F) -> F:
    """`function`, which changes tensors without ops; the observer calls it."""

    @functools.wraps(function)
    def announced(*args: Any, **settings: Any) -> Any:
        observer = state.observer
        return function(*args, **settings) if observer is None else observer.called(function, args, settings)

    return announced  # type: ignore[return-value]  # it takes and returns the same


def pause(paused: bool, pad: Pad | None = None) -> None:
    """Let ops take the short path although an observer is attached, or end that; everything else is still told.

    Where that has ended, what ran in a short path is taken down by `pad` instead of being told.
    """
    with _lock:
        before = state.paused
        state.special += before - paused
        state.paused = paused
        state.pad = None if paused else pad


def is_grad_enabled() -> bool:
    """Whether ops record a graph in this thread.

    Example:
        >>> import nbautograd as torch
        >>> with torch.no_grad():
        ...     torch.is_grad_enabled()
        False
    """
    return local.grad_enabled


def what_is_on() -> str | None:
    """What is switched on, besides grad mode, for what this thread computes, in words; None where nothing is."""
    if state.attached is None and not state.anomaly and local.cast is None and local.inference is None:
        if not local.levels:
            return "hooks for saved tensors are on" if local.saved_hooks else None
        return "a gradient is computed forward, or by torch.func"
    if state.attached is not None:
        return "it is recorded, as in a cell with `%%autograd`"
    if state.anomaly:
        return "anomaly detection is on"
    return "inference mode is on" if local.cast is None else "autocast is on"


def is_recording() -> bool:
    """Whether ops record a graph here: `is_grad_enabled()`, and not inside `inference_mode`, which it cannot undo."""
    return local.grad_enabled and local.inference is None


def set_grad_mode(mode: bool) -> bool:
    """Turn recording on or off in this thread; returns whether it was on."""
    before = local.grad_enabled
    if before is not mode:
        more, tally = 1 if before else -1, local.tally
        with _lock:  # no call in here: an interrupt comes before all or after all
            state.special += more
            tally.count += more
            local.grad_enabled = mode
    return before


def set_cast(cast: Callable[[str, tuple[Any, ...]], tuple[Any, ...]] | None) -> None:
    """Let `cast` change the inputs of this thread's ops, or None: nobody."""
    put("cast", cast)
