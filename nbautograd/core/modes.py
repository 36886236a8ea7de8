"""What may be switched on around the engine: grad mode, the observer, and the one flag that tells the hot path to look.

NOTE [One flag]
An op call must cost well under a microsecond, so it asks a single question: is anything unusual going on anywhere in
this process? `state.special` counts the reasons (a thread has turned recording off, an observer is attached, anomaly
mode is on …). At zero, the op takes the short path and looks at nothing else. Otherwise it takes the general path,
which looks at the calling thread's own state.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator
from typing import Any, Protocol


class Observer(Protocol):
    """What the engine tells whoever watches it; see `nbautograd.trace.record` for the one that ships."""

    thread: int | None
    """The one thread whose ops are told, or None for all of them."""
    detailed: bool
    """Whether backward passes are told edge by edge."""

    def op(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], outputs: tuple[Any, ...], in_place: bool
    ) -> None:
        """`op` ran forward. `inputs` are tensors or numbers; `in_place` says that it put its result into one itself."""

    def backward_begin(
        self, roots: list[Any], seeds: list[Any], kind: str, retain_graph: bool, create_graph: bool
    ) -> None:
        """A pass starts from the tensors `roots` with the gradients (arrays) `seeds`; `kind` is backward or grad."""

    def flow(self, node: Any, index: int, upstream: Any, contribution: Any, before: Any, after: Any) -> None:
        """`node` sent `contribution` to its input `index`, which held `before` (or None) and now holds `after`."""

    def accumulate(self, tensor: Any, contribution: Any, before: Any, after: Any) -> None:
        """The leaf `tensor` added `contribution` to its `.grad`, which was `before` (or None) and is now `after`."""

    def freed(self, node: Any) -> None:
        """`node` let go of what it had saved for backward."""

    def backward_end(self, error: BaseException | None) -> None:
        """The pass is over."""

    def in_place(self, target: Any, result: Any) -> None:
        """`result`, of the op told last, goes into `target`; that `target` is changed is told next."""

    def mutated(self, tensor: Any) -> None:
        """The values of `tensor` were changed in place (also through `.data` or an optimizer)."""

    def grad_set(self, tensor: Any, value: Any) -> None:
        """`.grad` of `tensor` was set to `value` (a tensor or None); zeroing it in place is `mutated(tensor.grad)`."""

    def extra(self, values: tuple[Any, ...]) -> None:
        """What the op told last has returned behind its results: its `aux`, as tensors where they are arrays."""

    def read(self, tensor: Any, how: str, value: Any) -> None:
        """Python got to see the numbers of `tensor`: `value`, by `item`, `bool`, `tolist`, `numpy`, `repr` …"""

    def made(self, tensor: Any) -> None:
        """`tensor` was made of numbers from outside: `zeros`, `arange`, `tensor([1.0])` …"""

    def drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        """`function(*args)` drew the random numbers `array`; `function` is None where it cannot be called again."""

    def found(self, tensor: Any, gradient: Any) -> None:
        """`autograd.grad` has found `gradient` (a tensor) for its input `tensor`."""

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """A scope was entered: a call of the module `owner`, an optimizer step, or step `index` of a loop."""

    def scope_end(self, kind: str) -> None:
        """The innermost scope was left."""


class _State:
    """The process-wide switches; `special` is the number of reasons to leave the short path."""

    __slots__ = ("anomaly", "attached", "check_nan", "paused", "special")

    def __init__(self) -> None:
        self.anomaly = False
        self.check_nan = True
        self.special = 0
        self.paused = False
        self.attached: Observer | None = None
        """Whoever watches anything in this process."""

    @property
    def observer(self) -> Observer | None:
        """Whoever watches what this thread does now."""
        found = self.attached
        if found is None or local.unwatched or (found.thread is not None and found.thread != threading.get_ident()):
            return None
        return found


state = _State()
_lock = threading.RLock()  # a `__del__` that changes `special` may run while this thread holds it


class Local(threading.local):
    """What is switched on in one thread."""

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


def special(by: int) -> None:
    """There is a reason more (1) or less (-1) to leave the short path."""
    with _lock:
        state.special += by


def put(name: str, value: Any, by: int) -> None:
    """Set `name` of this thread's state, for which there are `by` reasons more to leave the short path."""
    with _lock:  # no call between the two: an interrupt comes before both or after both
        state.special += by
        setattr(local, name, value)


def observe(observer: Observer | None) -> Observer | None:
    """Put `observer` into the engine's one observer slot and return the one that was there."""
    with _lock:
        before = state.attached
        state.special += (observer is not None) - (before is not None)
        state.attached = observer
    return before


def unwatched(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, of which the observer is told nothing."""
    before = local.unwatched
    try:
        local.unwatched = True
        return function(*args)
    finally:  # no call in here, so that an interrupt comes before or after it
        local.unwatched = before


def pause(paused: bool) -> None:
    """Let ops take the short path although an observer is attached, or end that; everything else is still told."""
    with _lock:
        before = state.paused
        state.special += before - paused
        state.paused = paused


def is_grad_enabled() -> bool:
    """Whether ops record a graph in this thread.

    Example:
        >>> import nbautograd as torch
        >>> with torch.no_grad():
        ...     torch.is_grad_enabled()
        False
    """
    return local.grad_enabled


def is_recording() -> bool:
    """Whether ops record a graph here: `is_grad_enabled()`, and not inside `inference_mode`, which it cannot undo."""
    return local.grad_enabled and local.inference is None


def _set(mode: bool) -> bool:
    before = local.grad_enabled
    if before is not mode:
        with _lock:  # no call between the two: an interrupt comes before both or after both
            state.special += 1 if before else -1
            local.grad_enabled = mode
    return before


def decorated(function: Callable[..., Any], enter: Callable[[], Any]) -> Callable[..., Any]:
    """`function` with each call, and each step of a generator, inside a fresh `with enter():`."""
    import inspect

    if inspect.isgeneratorfunction(function):
        return functools.wraps(function)(lambda *args, **kwargs: _stepwise(function(*args, **kwargs), enter))

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with enter():
            return function(*args, **kwargs)

    return wrapped


def _stepwise(generator: Generator[Any, Any, Any], enter: Callable[[], Any]) -> Generator[Any, Any, Any]:
    resume: Callable[[Any], Any] = generator.send
    argument: Any = None
    while True:
        try:
            with enter():
                value = resume(argument)
        except StopIteration as done:
            return done.value
        try:
            resume, argument = generator.send, (yield value)
        except GeneratorExit:
            with enter():
                generator.close()
            raise
        except BaseException as error:
            resume, argument = generator.throw, error


class _GradMode:
    """A context manager that is a decorator too and holds while one thread is inside it."""

    mode = True

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        before = is_grad_enabled()
        self._before.append(before)
        try:
            _set(self.mode)
        except BaseException:
            _set(before)
            raise

    def __exit__(self, *exc: object) -> None:
        before = self._before[-1]
        try:
            _set(before)
        finally:  # an interrupt may have come in the middle
            _set(before)
        self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return decorated(function, self.clone)

    def clone(self) -> _GradMode:
        return type(self)()

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)  # @no_grad without brackets


class no_grad(_GradMode):
    """Nothing inside is recorded: results do not require grad. Use it for evaluation and for updates by hand.

    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> with torch.no_grad():
        ...     (x * 2).requires_grad
        False
    """

    mode = False


class enable_grad(_GradMode):
    """Recording is on again inside, also within `no_grad`."""


class set_grad_enabled(_GradMode):
    """Turn recording on or off from here on, or for a `with` block."""

    def __new__(cls, mode: bool) -> Any:
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.mode = mode
        self._before = [_set(mode)]

    def __enter__(self) -> None:
        _set(self.mode)

    def clone(self) -> no_grad | enable_grad:
        return enable_grad() if self.mode else no_grad()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _set(self._before.pop())
        return super().__call__(function)


def set_cast(cast: Callable[[str, tuple[Any, ...]], tuple[Any, ...]] | None) -> None:
    """Let `cast` change the inputs of this thread's ops, or None: nobody."""
    put("cast", cast, (cast is not None) - (local.cast is not None))


class set_multithreading_enabled:
    """Allow backward to use several threads, or forbid it. The engine walks in the calling thread either way."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = local.multithreading
        local.multithreading = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        local.multithreading = self._before

    def clone(self) -> set_multithreading_enabled:
        return set_multithreading_enabled(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        local.multithreading = self._before
        return decorated(function, self.clone)


def is_multithreading_enabled() -> bool:
    """Whether backward may use several threads."""
    return local.multithreading
