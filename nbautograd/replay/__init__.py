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
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, overload

from nbautograd.core.dtype import get_default_dtype
from nbautograd.core.modes import is_grad_enabled, observe, what_is_on
from nbautograd.core.node import has_hooks
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import RefusalError
from nbautograd.replay.checking import check
from nbautograd.replay.forms import Given, in_words
from nbautograd.replay.graphs import GraphProgram
from nbautograd.replay.hearing import Hearing
from nbautograd.replay.naming import Names
from nbautograd.replay.place import Place
from nbautograd.replay.program import BusyError, FailedError, GivenUpError, Program
from nbautograd.replay.reading import is_known
from nbautograd.replay.recipe import Before, Recipe
from nbautograd.replay.returning import symbolic
from nbautograd.replay.sameness import random_states, signature
from nbautograd.replay.tape import Tape
from nbautograd.words import Words

__all__ = ["Captured", "capture"]

TRIES = 2
"""So often a step is refused until it is left alone: what is made when it is first used is made once."""
MOST = 8
"""So many programs of one step are kept: for other shapes, other numbers, other branches."""
OFTEN = 100
"""So often a step is run to be written down, in a row, until it is left alone."""


@overload
def capture(step: Callable[..., Any], *, excess_precision: bool = False) -> Captured: ...
@overload
def capture(*, excess_precision: bool = False) -> Callable[[Callable[..., Any]], Captured]: ...
def capture(step: Callable[..., Any] | None = None, *, excess_precision: bool = False) -> Any:
    """Write a step down as a program when it has run twice, and replay that from then on.

    The step is run as it is for what the program does not fit: other shapes, dtypes, numbers, modes or branches; hooks;
    while somebody watches. On a GPU the program is a CUDA graph. `explain()` says what happened and why. Tensors that
    the step returns have no history.

    `excess_precision`: a step that computes with single numbers does so in double precision, whatever their dtype, and
    rounds what comes out: twice as fast, with other last digits than the step itself.

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
    if step is None:
        return functools.partial(Captured, excess_precision=excess_precision)
    return Captured(step, excess_precision)


class Captured:
    """A step that is replayed where it can be; see `capture`."""

    def __init__(self, step: Callable[..., Any], excess_precision: bool) -> None:
        functools.update_wrapper(self, step, updated=())
        self._step = step
        self._excess_precision = excess_precision
        self._recipes: list[Recipe] = []
        self._met: dict[Any, dict[int, Any]] = {}
        self._runs: dict[Any, tuple[Any, int]] = {}
        self._refused: dict[Any, str] = {}
        self._hooked: dict[Any, list[Any]] = {}
        """The nodes with hooks that a refused run met: when those are gone, it may go better."""
        self._failures: Counter[Any] = Counter()
        """How often a run was refused."""
        self._vain: dict[Any, int] = {}
        """How many programs were made since one was replayed."""
        self._noted = 0
        """How often it was run to be written down since one was replayed."""
        self._counts = {"replayed": 0, "run": 0}
        self._last = "it has not been called yet"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else functools.partial(self, owner)

    def __reduce__(self) -> Any:
        """A copy captures anew; what stands in a module is copied and pickled as functions are: by its name."""
        path: str = getattr(self, "__qualname__", "")  # a partial function has none
        found = functools.reduce(
            lambda at, name: getattr(at, name, None), path.split("."), sys.modules.get(self.__module__)
        )
        return path if found is self else (Captured, (self._step, self._excess_precision))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = what_is_on()
        if mode is not None:
            return self._run(mode, args, kwargs)
        given = Given(args, kwargs)
        unusual = given.unusual()
        if unusual is not None:
            return self._run(unusual, args, kwargs)
        key = (given.form, is_grad_enabled(), get_default_dtype())
        why = None
        for recipe in self._recipes:
            if recipe.key == key:
                why = recipe.unfit(given.tensors)
                if why is not None and not recipe.stale:  # what was met there may be gone
                    recipe.stale = True
                    self._met.pop(key, None)
                    self._runs.pop(key, None)
                elif why is None:
                    try:
                        result = recipe.program.replay(given.tensors)
                    except GivenUpError as error:
                        why = str(error)
                    except BusyError as error:
                        return self._run(str(error), args, kwargs)
                    except FailedError as error:
                        raise error.__cause__ or error from None
                    else:
                        self._counts["replayed"] += 1
                        self._vain.clear()
                        self._noted = 0
                        recipe.stale = False
                        return result
        if (left := self._left_alone(key)) is not None:
            return self._run(left, args, kwargs)
        known = [recipe.key for recipe in self._recipes] or [*self._runs]
        return self._note(key, given, why or _what_is_new(key, known))

    def _left_alone(self, key: Any) -> str | None:
        """Why a call is not even run to be written down, or None."""
        if self._failures[key] >= TRIES and not self._is_free_of_hooks(key):
            return self._refused[key]
        if self._noted >= OFTEN:
            return "it was given something else in nearly every call\n  hint: give it tensors in the place of numbers"
        return "something else listens to the functions that run (sys.setprofile)" if sys.getprofile() else None

    def _run(self, why: str, args: Any, kwargs: Any) -> Any:
        self._last = why
        self._counts["run"] += 1
        return self._step(*args, **kwargs)

    def _note(self, key: Any, given: Given, why: str | None) -> Any:
        """Run the step while a tape notes it; from the second time on, make a program of that."""
        self._last = f"it was run to be written down{f': {why}' if why else ''}"
        self._counts["run"] += 1
        self._noted += 1
        try:
            before, randomness = Before(self._step, given), random_states()
        except Exception as error:  # of some object that is only looked at
            self._refused[key], self._hooked[key] = f"what it uses cannot be compared: {error!r}", []
            self._failures[key] = TRIES
            return self._step(*given.args, **given.kwargs)
        place = Place(self._step, self._note.__code__)
        tape = Tape(given.tensors, self._met.get(key), place, before.around.leads_to, before.owners, before.known)
        observe(tape)
        try:
            with Hearing(before.around.leads_to) as heard:
                result = self._step(*given.args, **given.kwargs)
        finally:
            observe(None)
        tape.finish()
        before.around.settle()
        lists = {name for name in tape.lists if not is_known(name, place.code, heard.ran)}
        grown = before.around.grown(set() if tape.on_gpu else lists)
        try:
            check(tape, before, heard.problem, randomness, key)
            returned = symbolic(result, tape, before, grown)
            if self._is_new(key, signature(tape.calls, returned)):
                self._met[key] = tape.outside
            else:
                self._make(key, tape, before, returned)
        except RefusalError as refused:
            self._refuse(key, str(refused), tape)
        except Exception as error:  # the step has run: whatever is wrong here is none of its caller's business
            self._refuse(key, f"it could not be written down: {error!r}", tape)
        return result

    def _refuse(self, key: Any, why: str, tape: Tape) -> None:
        self._refused[key] = self._last = why
        self._failures[key] += 1
        nodes = [t._node for t in tape.outside.values() if isinstance(t, Tensor) and t._node is not None]
        self._hooked[key] = [node for node in nodes if has_hooks(node)]

    def _is_free_of_hooks(self, key: Any) -> bool:
        """Whether the hooks that a refused run met have been removed; it is not refused any more then."""
        nodes = self._hooked[key]
        if not nodes or any(map(has_hooks, nodes)):
            return False
        del self._refused[key], self._hooked[key], self._failures[key]
        return True

    def _is_new(self, key: Any, now: Any) -> bool:
        """Whether the last run that was noted did something else: other calls, or the same with other numbers.

        Raises: RefusalError when that never ends.
        """
        before, runs = self._runs.get(key, (None, 0))
        self._runs[key] = (now, 0 if now == before else runs + 1)
        if now != before and runs == MOST:
            raise RefusalError(
                "it does something else in every run, or the same with other numbers\n"
                "  hint: numbers that change are to be tensors"
            )
        return now != before

    def _make(self, key: Any, tape: Tape, before: Before, returned: Any) -> None:
        """Make a program.

        Raises: RefusalError.
        """
        arguments = {id(t): before.names[id(t)] for t in before.given.tensors}
        if tape.on_gpu:
            program: Any = GraphProgram(tape, arguments, returned)
        else:
            names = Names(arguments, before.around.names, before.around.modules)
            program = Program(tape, arguments, returned, names, before.around.leads_to, self._excess_precision)
        self._vain[key] = self._vain.get(key, 0) + 1
        if self._vain[key] > MOST:
            raise RefusalError(
                "what it depends on changes before every call\n"
                "  hint: give it to the step as a tensor, or change a tensor in place"
            )
        recipe = Recipe(key, program, before, tape)
        if not recipe.apart:
            raise RefusalError("it changes a tensor that shares memory with another one that it uses")
        self._recipes.insert(0, recipe)
        del self._recipes[MOST:]
        self._refused.pop(key, None)
        self._failures.pop(key, None)

    def source(self) -> str:
        """The program, as Python that can be read: forward, backward and what is changed in the end.

        Raises: RuntimeError when there is none (yet).
        """
        if not self._recipes:
            hint = "" if self._refused else "\n  hint: call it twice first, where nothing else is on"
            raise RuntimeError(f"there is no program of this step: {self._last}{hint}")
        return Words(self._recipes[0].program.source)

    def explain(self) -> str:
        """What was replayed, what was run, and why."""
        lines = [f"{_counted(self._counts['replayed'], 'call')} replayed, {self._counts['run']} run as written"]
        for recipe in self._recipes:
            lines.append(f"program of {_counted(recipe.program.length, 'operation')} for {in_words(recipe.key[0])}")
            if isinstance(recipe.program, GraphProgram):
                lines.append(f"  one by one: {recipe.program.why}" if recipe.program.why else "  as a CUDA graph")
        for key, why in self._refused.items():
            lines.append(f"no program for {in_words(key[0])}: {why}")
        if self._counts["run"]:
            lines.append(f"the last call that was run as written: {self._last.splitlines()[0]}")
        return Words("\n".join(lines))


def _what_is_new(key: Any, known: list[Any]) -> str | None:
    """In words, what no program was made for; None before there is any."""
    if not known or key in known:
        return None
    for form, records, dtype in known:
        if form == key[0]:
            mode = "gradients are recorded now" if key[1] else "no gradients are recorded now"
            return mode if records != key[1] else f"the default dtype is {key[2]} now, and was {dtype}"
    words = in_words(key[0])
    alike = any(in_words(form) == words for form, *_ in known)
    return f"there is no program for {words}{' that lies so in memory, or requires grad so,' if alike else ''} yet"


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
