"""Finds recurrent cells that share their weights and gives them to one object; see NOTE [Cells in one buffer]."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from nbautograd.replay.calls import Call, Var
from nbautograd.replay.cells import Cells, GruCells, LstmCells

KINDS: dict[str, type[Cells]] = {"lstm_cell": LstmCells, "gru_cell": GruCells}
FEWEST = 3
"""From so many steps on it is worth it."""


class _Family:
    """Calls of one kind of cell with the same weights, and the calls of their rules."""

    def __init__(self, steps: list[Call], rules: dict[int, Call]) -> None:
        kind = KINDS[steps[0].name]
        self.steps = steps
        self.rules = rules
        """By the place of the step that they belong to, in the order of the program."""
        self.last = list(rules.values())[-1] if rules else None
        self.states = kind.STATES
        x, h = steps[0].args[:2]
        self.cells = kind(len(steps), x.shape, h.shape, h.dtype)

    def shares(self, rule: Call) -> list[Var]:
        """What a step's rule gives for the weights."""
        return rule.outs[1 + self.states :]

    def _call(self, method: str, args: list[Any], outs: list[Any], like: Call, after: list[Var] | None = None) -> Call:
        place: dict[str, Any] = {"line": like.line, "module": like.module, "back": like.back}
        return Call(self.cells, args, outs, name=method, kind="cells", after=after or [], **place)

    def forth(self, t: int, call: Call) -> Iterator[Call]:
        """Step `t`."""
        for v, stem in zip(call.outs[: self.states], "hc", strict=False):
            v.stem = v.stem or stem
        if t == 0:
            yield self._call("begin", call.args[1 + self.states :], [], call)
        yield self._call("step", [t, *call.args[: 1 + self.states]], call.outs[: self.states], call)

    def back(self, t: int, call: Call, uses: Counter[int]) -> Iterator[Call]:
        """Back through step `t`."""
        given, outs = call.args[0], call.outs[1 : 1 + self.states]
        steps = [v for c in self.steps for v in c.outs[: self.states]]
        yield self._call("back", [t, *(given if isinstance(given, tuple) else [given])], outs, call, steps)
        if uses[id(call.outs[0])]:
            yield self._call("to_input", [t], call.outs[:1], call, outs)

    def totals(self, uses: Counter[int]) -> Call | None:
        """The gradients of the weights, if anybody asks for them."""
        if self.last is None or not any(uses[id(v)] for v in self.shares(self.last)):
            return None
        outs: list[Any] = list(self.shares(self.last))
        backs = [v for rule in self.rules.values() for v in rule.outs[1 : 1 + self.states]]
        return self._call("weights", [], outs, self.last, backs)


def in_families(calls: list[Call], uses: Counter[int]) -> list[Call]:
    """The calls, with the cells of each family run by its object."""
    consumers: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        for v in {id(v): v for v in call.reads()}.values():
            consumers[id(v)].append(call)
    for family in _families(calls, consumers):
        joins = _joins(family, consumers, uses) if family.rules else (set[int](), [])
        if joins is not None:
            calls = _rewritten(calls, family, *joins, uses)
    return calls


def _families(calls: list[Call], consumers: dict[int, list[Call]]) -> list[_Family]:
    place = {id(call): i for i, call in enumerate(calls)}
    alike: dict[Any, list[Call]] = defaultdict(list)
    for call in calls:
        if call.kind == "op" and call.name in KINDS and _suits(call):
            x, h, weights = call.args[0], call.args[1], call.args[1 + KINDS[call.name].STATES :]
            alike[call.name, x.shape, h.shape, tuple(map(id, weights))].append(call)
    found: list[_Family] = []
    for steps in alike.values():
        rules = {t: _rule(step, consumers) for t, step in enumerate(steps)}
        if len(steps) < FEWEST or any(rule is False for rule in rules.values()):
            continue
        own = sorted(((place[id(r)], t, r) for t, r in rules.items() if isinstance(r, Call)))
        if not own or (len(own) == len(steps) and own[0][0] > place[id(steps[-1])]):
            found.append(_Family(steps, {t: rule for _, t, rule in own}))
    return found


def _suits(call: Call) -> bool:
    """Whether all are matrices of one floating dtype, as a cell has them."""
    x = call.args[0]
    return all(isinstance(a, Var) and a.dtype == x.dtype and a.dtype.kind == "f" for a in call.args) and x.size > 0


def _rule(step: Call, consumers: dict[int, list[Call]]) -> Call | bool | None:
    """The call of the step's rule; None where no gradient came; False where what it keeps is asked for otherwise."""
    states = KINDS[step.name].STATES
    asking = {id(c): c for aux in step.outs[states:] for c in consumers[id(aux)]}
    if not asking:
        return None
    rule = next(iter(asking.values()))
    return rule if len(asking) == 1 and rule.kind == "rule" and rule.name == f"{step.name}_dxs" else False


Stops = list[tuple[int, Call, Var]]
"""Where the last step's shares join: which share, the sum, and the share itself."""


def _joins(family: _Family, consumers: dict[int, list[Call]], uses: Counter[int]) -> tuple[set[int], Stops] | None:
    """The ids of the shares that the last one makes up for, and where that joins; None where shares do not only meet.

    Each share has to be added, and what it is added to only be added on, until the last step's share joins.
    """
    *before, last = map(family.shares, family.rules.values())
    shares: set[int] = set()
    stops: Stops = []
    twice: list[Any] = []  # both biases of an LSTM get the same array, which goes by one name
    for slot, ends in enumerate(last):
        if not uses[id(ends)] and twice:
            stops.append((slot, *twice.pop()))
            continue
        joining = consumers[id(ends)]
        if before and (any(c.kind != "sum" for c in joining) or uses[id(ends)] != len(joining)):
            return None
        if before and joining:
            stops.append((slot, joining[0], ends))
            twice = [(c, ends) for c in joining[1:]]
        for share in [each[slot] for each in before]:
            reached = {_reached(c, joining, consumers, uses) for c in consumers[id(share)]}
            if uses[id(share)] != len(joining) or reached != {id(c) for c in joining}:
                return None
            shares.add(id(share))
    if twice:
        return None
    return shares, stops


def _reached(call: Call, stops: list[Call], consumers: dict[int, list[Call]], uses: Counter[int]) -> int | None:
    """Which of `stops` a share comes to by sums that nobody else asks for."""
    while call.kind == "sum":
        if call in stops:
            return id(call)
        out = id(call.outs[0])
        if uses[out] != 1 or not consumers[out]:
            return None
        call = consumers[out][0]
    return None


def _rewritten(calls: list[Call], family: _Family, shares: set[int], stops: Stops, uses: Counter[int]) -> list[Call]:
    steps = {id(c): t for t, c in enumerate(family.steps)}
    rules = {id(r): t for t, r in family.rules.items()}
    joins = {id(c): (slot, ends) for slot, c, ends in stops}
    totals = family.totals(uses)
    gone = set(shares)
    instead: dict[int, Any] = {}
    found: list[Call] = []
    for call in calls:
        if id(call) in steps:
            found += family.forth(steps[id(call)], call)
        elif id(call) in rules:
            found += family.back(rules[id(call)], call, uses)
            if call is family.last and totals is not None:
                found.append(totals)
        elif call.kind == "sum":
            slot, ends = joins.get(id(call), (None, None))
            rest = [instead.get(id(a), a) for a in call.args if id(a) not in gone and a is not ends]
            if slot is not None and totals is not None:
                call.args = [*rest, totals.outs[slot]]
                if rest:
                    found.append(call)
                else:
                    totals.outs[slot] = call.outs[0]
            elif len(rest) == 2:
                call.args = rest
                found.append(call)
            elif rest:
                instead[id(call.outs[0])] = rest[0]
            else:
                gone.add(id(call.outs[0]))
        else:
            found.append(call)
    return found
