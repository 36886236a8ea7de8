"""What a step returned, with variables in the place of tensors and of numbers that were read from them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Call, Grown, Item, Itself, RefusalError
from nbautograd.replay.recipe import Before
from nbautograd.replay.sharing import memory_of
from nbautograd.replay.tape import Tape

PLAIN = (bool, int, float, complex, str, bytes, type(None))


def symbolic(value: Any, tape: Tape, before: Before, grown: list[Grown]) -> Any:
    """The result of the noted run as a program can make it; that numbers are appended to lists becomes calls.

    Raises: RefusalError.
    """
    found = _Returned(tape, before)
    result = found.of(value)
    returned = found.numbers
    read = found.read
    if any(isinstance(n, int) and (returned[id(n)] > 1 or len(read) < len(tape.reads)) for n, *_ in tape.reads):
        raise RefusalError("it returns whole numbers that cannot be told apart")  # Python has one object for each
    for of_list in grown:
        for number in of_list.new:
            if not isinstance(number, float) or id(number) not in read or returned[id(number)]:
                raise RefusalError(
                    f"it appends to {of_list.name} what is no number that it reads once\n  hint: return it"
                )
            returned[id(number)] += 1
            tape.calls.append(Call(None, [of_list, found.item(number)], [], kind="append"))
    for number, _, at in tape.reads:
        if id(number) not in returned:
            raise RefusalError(f"Python reads numbers that the step does not return{at}")
    return result


class _Returned:
    """The parts of a result, one after the other."""

    def __init__(self, tape: Tape, before: Before) -> None:
        self.read = {id(number): v for number, v, _ in tape.reads}
        self.numbers: Counter[int] = Counter()
        self._tape = tape
        self._before = before
        lasting = {id(t): t for t in (*before.around.followed(), *tape.lasting.values(), *before.given.tensors)}
        held: list[Any] = [(t, (t, "")) for t in lasting.values()]
        held += [(t._grad, (t, "grad")) for t in lasting.values() if t._grad is not None]
        self._places = {id(t): place for t, place in held}
        self._memories = {memory_of(t) for t, _ in held}

    def of(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if id(value) in self.read:
            self.numbers[id(value)] += 1
            return self.item(value)
        if isinstance(value, PLAIN):
            return value
        if self._before.around.leads_to(value):
            return Itself(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self.of, value))
        if type(value) in (list, tuple) and not self._was_given(value):
            return type(value)(map(self.of, value))
        if type(value) is dict and not self._was_given(value):
            return {k: self.of(v) for k, v in value.items()}
        if isinstance(value, type) or type(value).__module__.startswith("nbautograd.core."):
            return value  # a dtype, a device
        raise RefusalError(
            f"it returns an object that is made in each call ({type(value).__name__})\n"
            "  hint: return its tensors in a tuple or a dictionary"
        )

    def item(self, number: Any) -> Item:
        v = self.read[id(number)]
        if id(v) in self._tape.stale:
            raise RefusalError("it returns a number that it reads before it changes the tensor")
        return Item(v)

    def _tensor(self, t: Tensor) -> Any:
        place = self._places.get(id(t))
        if place is not None:
            arguments = [id(each) for each in self._before.given.tensors]
            return Itself(*place, arguments.index(id(place[0])) if id(place[0]) in arguments else None)
        if t._node is not None and t.is_leaf:
            raise RefusalError("it returns a tensor made in it that requires grad\n  hint: return x.detach().clone()")
        if t._node is not None and id(t._node) not in self._tape.walked:
            raise RefusalError("it returns a tensor whose backward has not run\n  hint: return loss.detach()")
        memory = memory_of(t)
        if memory is not None and memory in self._memories:
            raise RefusalError("it returns a tensor that shares memory with another one\n  hint: return x.clone()")
        self._memories.add(memory)
        return self._tape.var(t)

    def _was_given(self, value: Any) -> bool:
        return any(value is each for each in self._before.given.containers)
