"""Capturing a step: run once or twice, written down as a program, replayed.

@nb.capture
def step(x, y):
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss

step(x, y)              # as always; from the third call on, the program
print(step.source())    # forward and backward as one readable function
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.modes import is_grad_enabled, is_usual, observe
from nbautograd.core.node import OP, Hooked
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Call, Grown, Item, RefusalError
from nbautograd.replay.graphs import GraphProgram
from nbautograd.replay.naming import Names
from nbautograd.replay.place import Place, argument_names
from nbautograd.replay.program import GIVEN_UP, BusyError, FailedError, Program
from nbautograd.replay.sameness import random_states, signature
from nbautograd.replay.surroundings import Surroundings
from nbautograd.replay.tape import Tape
from nbautograd.words import Words

__all__ = ["Captured", "capture"]

MOST = 8
"""So many programs of one step are kept: for other shapes, other numbers, other branches."""


def capture(step: Callable[..., Any]) -> Captured:
    """Write a step down as a program when it has run twice, and replay that from then on.

    The step is run as it is for what the program does not fit: other shapes, dtypes, numbers, modes or branches; hooks;
    while somebody watches. On a GPU the program is a CUDA graph. `explain()` says what happened and why. Tensors that
    the step returns have no history.

    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor(3.0, requires_grad=True)
        >>> @torch.capture
        ... def step(x):
        ...     w.grad = None
        ...     (w * x).backward()
        >>> for x in (1.0, 2.0, 4.0):
        ...     step(torch.tensor(x))
        >>> w.grad
        tensor(4.)
    """
    return Captured(step)


class _Recipe:
    """A program and what has to hold for it."""

    def __init__(self, key: Any, program: Program | GraphProgram, surroundings: Surroundings, tape: Tape) -> None:
        self.key = key
        self.program = program
        self.stale = False
        """Whether it did not fit when it was last looked at."""
        self._surroundings = surroundings
        self._leaves = list(tape.leaves.values())
        touched = {id(c.args[0][0]) for c in tape.calls if c.kind in ("clear", "accumulate")}
        optimized = [p for c in tape.calls if c.kind == "step" for g in c.args[0].param_groups for p in g["params"]]
        around = [t for t in (*surroundings.tensors(), *optimized) if t._grad is None and id(t) not in touched]
        self._idle = list({id(t): t for t in around}.values())
        """Without a gradient, so that the step had none to clear or to use."""

    def unfit(self) -> str | None:
        """Why the program cannot be replayed now, or None."""
        changed = self._surroundings.change() or self.program.change()
        if changed is not None:
            return f"{changed} has changed"
        for leaf in self._leaves:
            if leaf._node is None or leaf._node[OP].__class__ is Hooked:
                return "a leaf has a hook, or requires no grad any more"
        if any(t._grad is not None for t in self._idle):
            return "a tensor that had no gradient has one"
        return None


class Captured:
    """A step that is replayed where it can be; see `capture`."""

    def __init__(self, step: Callable[..., Any]) -> None:
        functools.update_wrapper(self, step, updated=())
        self._step = step
        self._recipes: list[_Recipe] = []
        self._met: dict[Any, dict[int, Any]] = {}
        self._runs: dict[Any, tuple[Any, int]] = {}
        self._refused: dict[Any, str] = {}
        self._vain: dict[Any, int] = {}
        """How many programs were made since one was replayed."""
        self._counts = {"replayed": 0, "run": 0}
        self._last = "it has not been called yet"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tensors: list[Tensor] = []
        key = (_form((args, kwargs), tensors), is_grad_enabled(), get_default_dtype())
        if not is_usual() or any(t._inference is not None for t in tensors):
            return self._run("something watches, or another mode is on", args, kwargs)
        for recipe in self._recipes:
            if recipe.key == key:
                why = recipe.unfit()
                if why is not None and not recipe.stale:  # what was met there may be gone
                    recipe.stale = True
                    self._met.pop(key, None)
                    self._runs.pop(key, None)
                elif why is None:
                    try:
                        result = recipe.program.replay(tensors)
                    except GIVEN_UP as error:
                        why = str(error)
                    except BusyError as error:
                        return self._run(str(error), args, kwargs)
                    except FailedError as error:
                        raise error.__cause__ or error from None
                    else:
                        self._counts["replayed"] += 1
                        self._vain.clear()
                        recipe.stale = False
                        return result
                self._last = why
        if key in self._refused:
            return self._run(self._refused[key], args, kwargs)
        return self._note(key, tensors, args, kwargs)

    def _run(self, why: str, args: Any, kwargs: Any) -> Any:
        self._last = why
        self._counts["run"] += 1
        return self._step(*args, **kwargs)

    def _note(self, key: Any, tensors: list[Tensor], args: Any, kwargs: Any) -> Any:
        """Run the step while a tape notes it; from the second time on, make a program of that."""
        self._last = "it was run to be written down"
        self._counts["run"] += 1
        tape = Tape(tensors, self._met.get(key), Place(self._step))
        surroundings, before = Surroundings(self._step), random_states()
        observe(tape)
        try:
            result = self._step(*args, **kwargs)
        finally:
            observe(None)
        tape.finish()
        grown = surroundings.grown(set() if tape.on_gpu else tape.lists)
        if tape.problem is None:
            changed = surroundings.change()
            if changed is not None:
                tape.problem = f"it changes {changed}, which is no tensor"
            elif (scheduled := surroundings.scheduled()) is not None:
                tape.problem = f"it calls {scheduled}.step()\n  hint: call that after the step"
            elif (drawn := surroundings.drawn()) is not None or random_states() != before:
                tape.problem = f"it draws random numbers from {drawn or 'Python or NumPy, not from nbautograd'}"
        returned = None
        if tape.problem is None:
            try:
                returned = _symbolic(result, tape, grown)
            except RefusalError as refused:
                tape.problem = str(refused)
        if tape.problem is not None:
            self._refused[key] = self._last = tape.problem
        elif self._is_new(key, signature(tape.calls, returned)):
            self._met[key] = tape.outside
        elif key not in self._refused:
            self._make(key, tape, argument_names(self._step, args, kwargs), returned, surroundings)
        return result

    def _is_new(self, key: Any, now: Any) -> bool:
        """Whether the last run that was noted did something else: other calls, or the same with other numbers."""
        before, runs = self._runs.get(key, (None, 0))
        self._runs[key] = (now, 0 if now == before else runs + 1)
        if now != before and runs == MOST:
            self._refused[key] = self._last = "it does something else in every run, or the same with other numbers"
        return now != before

    def _make(self, key: Any, tape: Tape, arguments: dict[int, str], returned: Any, around: Surroundings) -> None:
        names = Names(arguments, around.names, around.modules)
        try:
            on_gpu = tape.on_gpu
            program = GraphProgram(tape, arguments, returned) if on_gpu else Program(tape, arguments, returned, names)
        except RefusalError as refused:
            self._refused[key] = self._last = str(refused)
            return
        self._vain[key] = self._vain.get(key, 0) + 1
        if self._vain[key] > MOST:
            self._refused[key] = self._last = "what it depends on changes before every call"
            return
        self._recipes.insert(0, _Recipe(key, program, around, tape))
        del self._recipes[MOST:]

    def source(self) -> str:
        """The program, as Python that can be read: forward, backward and what is changed in the end.

        Raises: RuntimeError when there is none (yet).
        """
        if not self._recipes:
            raise RuntimeError(f"there is no program of this step: {self._last}\n  hint: call it twice first")
        return Words(self._recipes[0].program.source)

    def explain(self) -> str:
        """What was replayed, what was run, and why."""
        lines = [f"{self._counts['replayed']} calls replayed, {self._counts['run']} run as they are"]
        for recipe in self._recipes:
            lines.append(f"program of {recipe.program.length} calls for {_words(recipe.key[0])}")
            if isinstance(recipe.program, GraphProgram):
                lines.append(f"  call by call: {recipe.program.why}" if recipe.program.why else "  as a CUDA graph")
        for key, why in self._refused.items():
            lines.append(f"no program for {_words(key[0])}: {why}")
        if self._counts["run"]:
            lines.append(f"a call was last run as it is because {self._last}")
        return Words("\n".join(lines))


def _form(value: Any, tensors: list[Tensor]) -> Any:
    """What a program depends on of an argument: a tensor's shape and dtype, a number's value; collects the tensors."""
    if isinstance(value, Tensor):
        first = next((i for i, t in enumerate(tensors) if t is value), len(tensors))
        if first == len(tensors):
            tensors.append(value)
        data = value._data
        return ("tensor", data.shape, data.dtype.str, value.requires_grad, str(value.device), first)
    if isinstance(value, list | tuple):
        return (type(value).__name__, *[_form(v, tensors) for v in value])
    if isinstance(value, dict):
        return ("dict", *[(k, _form(v, tensors)) for k, v in value.items()])
    if isinstance(value, int | float | complex | str | bytes | None):
        return (type(value).__name__, value)
    return ("object", id(value))


def _symbolic(value: Any, tape: Tape, grown: list[Grown]) -> Any:
    """What the step returned, with variables in the place of tensors and of the numbers read from them.

    That such numbers are appended to lists becomes calls of the program.
    """
    read = {id(number): v for number, v, _ in tape.reads}
    returned: Counter[int] = Counter()

    def of(value: Any) -> Any:
        if isinstance(value, Tensor):
            if value._node is not None and not value.is_leaf and id(value._node) not in tape.walked:
                raise RefusalError("it returns a tensor whose backward has not run")
            return tape.var(value)
        if id(value) in read:
            returned[id(value)] += 1
            return Item(read[id(value)])
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(of, value))
        if isinstance(value, list | tuple):
            return type(value)(map(of, value))
        if isinstance(value, dict):
            return {k: of(v) for k, v in value.items()}
        return value

    found = of(value)
    if any(isinstance(n, int) and (returned[id(n)] > 1 or len(read) < len(tape.reads)) for n, *_ in tape.reads):
        raise RefusalError("it returns whole numbers that cannot be told apart")  # Python has one object for each
    for of_list in grown:
        for number in of_list.new:
            if not isinstance(number, float) or id(number) not in read or returned[id(number)]:
                raise RefusalError(f"it appends to {of_list.name} what is no number that it reads once")
            returned[id(number)] += 1
            tape.calls.append(Call(None, [of_list, Item(read[id(number)])], [], kind="append"))
    for number, _, at in tape.reads:
        if id(number) not in returned:
            raise RefusalError(f"Python reads numbers that the step does not return{at}")
    return found


def _words(form: Any) -> str:
    """An argument's form as a person would say it."""
    if form[0] == "tensor":
        return f"{form[2].lstrip('<>|=')}{list(form[1])}"
    if form[0] in ("tuple", "list"):
        return ", ".join(_words(part) for part in form[1:] if part != ("dict",)) or "no arguments"
    if form[0] == "dict":
        return ", ".join(f"{name}={_words(part)}" for name, part in form[1:])
    return str(form[-1])
