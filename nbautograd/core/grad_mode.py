"""Grad mode as users switch it, for a block, a function or from here on: `no_grad`, `enable_grad` and others."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any

from .doors import Door, Switch
from .modes import local, set_grad_mode


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


class _GradMode(Door):
    """A context manager that is a decorator too and holds while one thread is inside it."""

    mode = True

    def __init__(self, function: Callable[..., Any] | None = None) -> None:  # pyright: ignore[reportMissingSuperCall]
        self._before = []

    def read(self) -> bool:
        return local.grad_enabled

    def put(self, value: bool) -> None:
        set_grad_mode(value)

    def inside(self, before: bool) -> bool:
        return self.mode

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return decorated(function, self.clone)

    def clone(self) -> _GradMode:
        return type(self)()

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = object.__new__(cls)
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


class set_grad_enabled(Switch, _GradMode):
    """Turn recording on or off from here on, or for a `with` block."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        super().__init__(self.mode)

    def clone(self) -> no_grad | enable_grad:
        return enable_grad() if self.mode else no_grad()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        set_grad_mode(self._first)
        return super().__call__(function)


class set_multithreading_enabled(Switch):
    """Allow backward to use several threads, or forbid it. The engine walks in the calling thread either way."""

    def read(self) -> bool:
        return local.multithreading

    def put(self, value: bool) -> None:
        local.multithreading = value

    def clone(self) -> set_multithreading_enabled:
        return set_multithreading_enabled(self._value)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        self.put(self._first)
        return decorated(function, self.clone)


def is_multithreading_enabled() -> bool:
    """Whether backward may use several threads."""
    return local.multithreading
