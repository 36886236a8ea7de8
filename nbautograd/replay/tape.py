"""Notes a step as it runs: which function of which arrays gave which array, forward, backward and in between.

NOTE [What is noted]
The tape is an observer of the engine. An op becomes a call of its `forward`; a gradient that flows along an edge
becomes a call of that input's rule, with the values that the rule's parameters name; where two gradients meet, a sum.
Arrays are told apart by identity, so what is noted is the flow of data, whatever Python did to steer it. Whatever would
make a replay differ from the step (numbers that Python reads, tensors from nowhere, hooks) ends in `problem`, and the
step is left to run as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import compact
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import RefusalError
from nbautograd.replay.gradients import Gradients
from nbautograd.replay.notes import UNREPEATABLE
from nbautograd.replay.reading import handed_on


class Tape(Gradients):
    """The observer that notes one run of a step.

    `arguments` are the tensors handed to the step. `met` holds what an earlier run has met that came from outside: what
    is neither one of those nor made by an op or a creating function came from nowhere.
    """

    def read(self, tensor: Any, how: str, value: Any) -> None:
        """Python got to see numbers."""
        self._guarded(self._told, tensor, how, value)

    def _told(self, tensor: Any, how: str, value: Any) -> None:
        v = self.var(tensor)
        if how == "bool":
            self._note(None, [v, value], [], kind="check")
        elif how == "item":
            lists = handed_on(self._place.code, self._place(self._called))
            if lists is None or not self._place.hands_over():
                raise RefusalError(
                    "Python reads numbers, and may do more with them than return them\n"
                    "  hint: compute with tensors; only return what .item() and float() give, or append it to a list"
                )
            self.lists |= lists
            self.reads.append((value, v, self.at()))
        else:
            raise RefusalError(
                f"Python reads a tensor's numbers by {how}()\n  hint: return the tensor, and do that after the step"
            )

    def made(self, tensor: Any) -> None:
        """A tensor was made of numbers from outside."""
        self._guarded(self._made_of, tensor)

    def _made_of(self, tensor: Any) -> None:
        if self._drawn.pop(id(tensor._data), None) is not None or self._is_number_drawn(tensor._data):
            return
        if self._drawn or self._raw_draws:
            raise RefusalError(UNREPEATABLE)
        self._made.add(id(tensor))
        self._kept.append(tensor)
        if self._known(tensor._data) is None:
            v = self._new(tensor._data)
            self._note(None, [compact(tensor._data.copy())], [v], kind="seed")

    def _is_number_drawn(self, number: Any) -> bool:
        """Whether that is the number in an array of no dimension that was drawn last; it is taken out of that then."""
        array = next(reversed(self._drawn.values()), None)
        if array is None or not isinstance(number, np.generic) or array.shape != ():
            return False
        if array.dtype != number.dtype or array.tobytes() != number.tobytes():
            return False
        del self._drawn[id(array)]
        self._note(number_in, [self._known(array)], [self._new(number)], kind="fit", name="number_in")
        return True

    def inside(self, function: Any, args: tuple[Any, ...], ctx: Any) -> Any:
        """What a custom Function does is noted op by op."""
        if ctx is not None and self._symbolic:
            self._guarded(self._enter, ctx, args[1:])
        return function(*args)

    def _enter(self, ctx: Any, given: tuple[Any, ...]) -> None:
        """What a custom Function's backward is given are the gradients of its outputs."""
        ran = self._of_context.get(id(ctx))
        if ran is None:
            raise RefusalError("its graph has a custom Function from before the step")
        for i, g in enumerate(given):
            v = self._gradients.get(id(ran.slots[i])) if ran.slots[i] is not None else None
            if g is not None and v is None:
                self._made_of(g)
            elif g is not None:
                self._by_tensor[id(g)], self._vars[id(g._data)] = (v, g._data), v
                self._kept.append(g)

    def drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        """Random numbers were drawn."""
        self._guarded(self._drew, function, args, array)

    def _drew(self, function: Any, args: tuple[Any, ...], array: Any) -> None:
        if function is None:
            self._raw_draws += 1
            return
        if self._raw_draws != 1:  # each draw asks for its generator once; more than that seeds it
            raise RefusalError(UNREPEATABLE)
        self._raw_draws = 0
        self._drawn[id(array)] = array
        self._kept.append(array)
        given = [self.var(a) if isinstance(a, Tensor) else a for a in args]
        self._note(function, given, [self._new(array)], kind="draw", name=function.__name__.strip("_"))

    def finish(self) -> None:
        """The step is over."""
        if self.problem is None and (self._drawn or self._raw_draws):
            self.problem = UNREPEATABLE


def number_in(array: Any) -> Any:
    """The only element of an array of no dimension."""
    return array[()]
