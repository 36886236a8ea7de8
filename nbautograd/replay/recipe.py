"""A program of a step, and what has to hold for it to do what the step would do."""

from __future__ import annotations

from typing import Any

from nbautograd.core.node import OP, Leaf, has_hooks
from nbautograd.core.tensor import Tensor
from nbautograd.replay.forms import Given
from nbautograd.replay.graphs import GraphProgram
from nbautograd.replay.place import argument_names
from nbautograd.replay.program import Program
from nbautograd.replay.sharing import Alone
from nbautograd.replay.surroundings import Surroundings
from nbautograd.replay.tape import Tape


class Before:
    """What is looked at before a step runs to be written down."""

    def __init__(self, step: Any, given: Given) -> None:
        self.given = given
        self.names = argument_names(step, given.args, given.kwargs)
        """By the id of each argument what the step calls it."""
        self.around = Surroundings(step, [(self.names.get(id(value), "argument"), value) for value in given.objects])
        self.known = [*{id(t): t for t in (*self.around.followed(), *given.tensors)}.values()]
        """The tensors with names, and arguments."""
        self.gradients = [(t, t._grad is not None) for t in self.known if t._node or t._grad is not None]
        """The tensors that require grad, or have one, and whether they have."""
        self.roles = [t if self.around.leads_to(t) else None for t in given.tensors]
        """The arguments that go by other names too."""
        self.owners = {id(t._grad): t for t, had in self.gradients if had}
        """By the id of each gradient whose it is."""
        self.held = {id(t): t._grad for t, had in self.gradients if had}
        """By the id of each tensor its gradient."""

    def renamed(self) -> list[tuple[Tensor, Any]]:
        """The gradients that go by other names too, or are arguments: whose they are, and they or which arguments."""
        places = {id(t): i for i, t in enumerate(self.given.tensors)}
        found = [(self.owners[id(g)], g) for g in self.held.values() if id(g) in places or self.around.leads_to(g)]
        return [(t, places.get(id(g), g)) for t, g in found]


class Recipe:
    """A program and what has to hold for it."""

    def __init__(self, key: Any, program: Program | GraphProgram, before: Before, tape: Tape) -> None:
        self.key = key
        self.program = program
        self.stale = False
        """Whether it did not fit when it was last looked at."""
        self._around = before.around
        self._roles = before.roles
        places = {id(t): i for i, t in enumerate(before.given.tensors)}
        self._leaves = [t for t in tape.leaves.values() if id(t) not in places]
        cleared = _cleared_first(tape)
        present = [(t, had) for t, had in before.gradients if id(t) not in cleared]
        self._with = [t for t, had in present if had and id(t) not in places]
        self._without = [t for t, had in present if not had and id(t) not in places]
        self._arguments = [(places[id(t)], had) for t, had in present if id(t) in places]
        self._renamed = before.renamed()
        changed = {id(t): t for t in tape.changes()}
        grown = {id(t) for t in tape.changed_gradients()} - cleared
        self._growing = [t for t in self._with if id(t) in grown]
        outside = [t for t in tape.outside.values() if isinstance(t, Tensor)]
        lasting = [t for t in changed.values() if id(t) not in places]
        changed_places, grown_places = ({places[i] for i in ids if i in places} for ids in (changed, grown))
        self._alone = Alone(lasting, outside, changed_places, grown_places)
        self.apart = self._alone.holds(before.given.tensors, [before.held[id(t)] for t in self._growing])
        """Whether it changes nothing that shares memory with another tensor that it uses."""

    def unfit(self, tensors: list[Tensor]) -> str | None:
        """Why the program cannot be replayed with these arguments now, or None."""
        changed = self._around.change() or self.program.change()
        if changed is not None:
            return f"{changed} has changed"
        for leaf in self._leaves:
            node = leaf._node
            if node is None or (node[OP] is not Leaf and has_hooks(node)):
                return "a leaf has a hook, or requires no grad any more"
        for t in self._without:
            if t._grad is not None:
                return "a tensor that had no gradient has one"
        for t in self._with:
            if t._grad is None:
                return "a tensor that had a gradient has none"
        if any((tensors[i]._grad is not None) is not had for i, had in self._arguments):
            return "an argument has a gradient where the one before had none, or the other way round"
        for t, role in zip(tensors, self._roles, strict=True):
            if t is not role and (role is not None or self._around.leads_to(t)):
                return "an argument is a tensor that the step knows by another name too"
        for t, g in self._renamed:
            if t._grad is not (tensors[g] if isinstance(g, int) else g):
                return "a gradient that the step knows by another name too"
        apart = self._alone.holds(tensors, [t._grad for t in self._growing])
        return None if apart else "a tensor that is changed shares memory with another one"


def _cleared_first(tape: Tape) -> set[int]:
    """The tensors whose gradients are cleared before anything else is done with them."""
    first: dict[int, bool] = {}
    for call in tape.calls:
        if call.kind in ("clear", "accumulate") or (call.kind in ("read", "write") and call.args[0][1]):
            first.setdefault(id(call.args[0][0]), call.kind == "clear")
        elif call.kind == "step":
            for p in call.stepped():
                first.setdefault(id(p), False)
    return {t for t, cleared in first.items() if cleared}
