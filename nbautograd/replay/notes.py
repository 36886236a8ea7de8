"""Notes of the arrays of a run: they are told apart by identity, each is a variable of the program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from threading import get_ident
from typing import Any

import numpy as np

from nbautograd.core.array import is_cupy, ndarray
from nbautograd.core.op import TABLE
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Call, Ran, RefusalError, Var
from nbautograd.replay.place import Place

UNREPEATABLE = (
    "it draws random numbers in a way that cannot be repeated\n"
    "  hint: draw them before the step, and give them to it, or draw by torch.rand, torch.randn, dropout"
)
FROM_ELSEWHERE = (
    "that it was not given, did not compute, and that none of its variables holds\n"
    "  hint: give it to the step: what comes from NumPy as torch.from_numpy(array)"
)


class Notes:
    """The variables and calls of one run of a step, as far as it went forward; see `Tape`."""

    detailed = True
    fresh: list[tuple[Any, Any]] | None = None

    def __init__(
        self,
        arguments: list[Tensor],
        met: dict[int, Any] | None,
        place: Place,
        leads_to: Callable[[Any], bool],
        owners: dict[int, Tensor],
        known: list[Tensor],
    ) -> None:
        self.thread: int | None = get_ident()
        self.calls: list[Call] = []
        self.problem: str | None = None
        self.on_gpu = False
        self.met = met
        self.outside: dict[int, Any] = {}
        self.leaves: dict[int, Tensor] = {}
        self.reads: list[tuple[Any, Var, str]] = []
        """The numbers that Python was given, of which variable, and where."""
        self.lists: set[str] = set()
        """What lists are called to which such numbers are appended."""
        self.walked: set[int] = set()
        """The ids of the nodes through which a gradient went."""
        self._place = place
        self._modules: list[Any] = []
        self._vars: dict[int, Var] = {}
        self._ran: dict[int, Ran] = {}
        self._of_context: dict[int, Ran] = {}
        """By the `ctx` of custom Functions."""
        self._gradients: dict[int, Any] = {}
        self._leads_to = leads_to
        self._gradient_of = owners
        self._holders: dict[int, list[Tensor]] = defaultdict(list)
        """Tensors that are there before, by the ids of their arrays."""
        for t in known:
            self._holders[id(t._data)].append(t)
        self._made: set[int] = set()
        self._drawn: dict[int, Any] = {}
        self._raw_draws = 0
        self._steps = 0
        self.lasting: dict[int, Tensor] = {}
        """What is there before the step and after it."""
        self.stale: set[int] = set()
        """The ids of variables whose numbers were overwritten."""
        self._by_tensor: dict[int, tuple[Var, Any]] = {}
        self._views: dict[int, Tensor] = {}
        """By the ids of their arrays."""
        self._writing: tuple[Any, Any] | None = None
        self._symbolic = True
        self._in_pass = False
        self._kept: list[Any] = [*arguments, *[t._grad for t in owners.values()]]
        """What must not go, for its id would be another's."""
        for t in arguments:
            self._read(t)

    # --- variables ---

    def _new(self, array: Any) -> Var:
        v = Var(array)
        self._vars[id(array)] = v
        return v

    def _known(self, array: Any) -> Var | None:
        if array.__class__ is np.bool_:  # there are only two of these objects: they tell nothing apart
            return None
        v = self._vars.get(id(array))
        return v if v is not None and v.array is array else None

    def _result(self, t: Tensor) -> Var:
        """The variable of a tensor that an op has made."""
        if t._data.__class__ is np.bool_:
            t._data = np.asarray(t._data)  # there are only two of them; arrays are told apart
        v = self._known(t._data) or self._new(t._data)
        self._by_tensor[id(t)] = (v, t._data)
        if t._base is not None:
            self._views[id(t._data)] = t
            self._kept.append(t)
        return v

    def _view_of(self, t: Tensor) -> Tensor:
        """The view that shows the numbers of `t`, which may be that view or `view.detach()`."""
        view = self._views.get(id(t._data))
        return t if t._base is not None or view is None or view._data is not t._data else view

    def _note(self, function: Any, args: list[Any], outs: list[Any], settings: Any = None, **more: Any) -> None:
        line = more.pop("line", None) or self._place(self._called)
        module = more.pop("module", self._modules[-1] if self._modules else None)
        self.calls.append(
            Call(function, args, outs, settings or {}, line=line, module=module, back=self._in_pass, **more)
        )

    def _called(self, t: Tensor, name: str) -> None:
        """The learner calls a tensor by that name."""
        v, _ = self._by_tensor.get(id(t), (None, None))
        if v is not None and v.stem is None and id(t) not in self.lasting:
            v.stem = name

    def _read(self, t: Tensor) -> Var:
        """The variable for a tensor from outside, which is read here."""
        owner = self._gradient_of.get(id(t))
        v = self._new(t._data)
        v.uniform = v.uniform and owner is None  # what else is put there may be laid out otherwise
        self._note(None, [(owner, "grad") if owner is not None else (t, "")], [v], kind="read")
        self._kept.append(t)
        self._by_tensor[id(t)] = (v, t._data)
        if owner is None and id(t) not in self._made:
            self.lasting[id(t)] = t
            if t._node is not None:
                self.leaves[id(t)] = t
        return v

    def var(self, t: Tensor) -> Var:
        """The variable that stands for what the tensor `t` holds now."""
        v, data = self._by_tensor.get(id(t), (None, None))
        same = data is t._data or (isinstance(data, np.generic) and isinstance(t._data, ndarray))  # see `array_of`
        found = v if v is not None and same else None if self._is_outside(t) else self._shown(t)
        if found is not None:
            return self._seen_anew(t) if id(found) in self.stale else found
        if id(t) in self._made or id(t) in self._gradient_of:
            return self._read(t)
        if (shown := self._shown_by(t)) is not None:
            return self.var(shown)
        if t._node is not None and not t.is_leaf:
            raise RefusalError("it uses a tensor that was computed before the step\n  hint: x.detach()")
        if not self._leads_to(t):
            if self._drawn or self._raw_draws:
                raise RefusalError(UNREPEATABLE)
            raise RefusalError(f"it uses a tensor {FROM_ELSEWHERE}")
        self.outside[id(t)] = t
        return self._read(t)

    def _seen_anew(self, t: Tensor) -> Var:
        """The variable for a view of what was changed in place.

        Raises: RefusalError where it is not known what it is a view of.
        """
        view = self._view_of(t)
        if view._base is None or view._base._data is t._data:
            raise RefusalError("it uses what shares memory with a tensor that it has changed")
        op, v = TABLE["as_strided"], Var(t._data)
        self._note(op.forward, [self.var(view._base)], [v], {"path": constant_path(view._path)}, name=op.name)
        self._vars[id(t._data)] = v
        self._by_tensor[id(t)] = (v, t._data)
        return v

    def _shown(self, t: Tensor) -> Var | None:
        """The variable for a tensor that shows the numbers of another one.

        Raises: RefusalError where there are several, whose `.data` is the same: it may be another one's tomorrow.
        """
        if sum(other._data is t._data for other in self._holders.get(id(t._data), ())) > 1:
            raise RefusalError("it uses numbers that are those of several tensors\n  hint: b.data = a.data.clone()")
        return self._known(t._data)

    def _shown_by(self, t: Tensor) -> Tensor | None:
        """What lasts and shows the same numbers: `t` is `w.detach()`, say, which no op tells of."""
        if self._leads_to(t):
            return None
        owners = [o for g, o in self._gradient_of.items() if o._grad is not None and id(o._grad) == g]
        known: Any = [*self.lasting.values(), *[o._grad for o in owners], *self._holders.get(id(t._data), ())]
        return next((other for other in known if other is not t and other._data is t._data), None)

    def _is_outside(self, t: Tensor) -> bool:
        """Whether it was there before, and has not been read."""
        return id(t) not in self._by_tensor and self._leads_to(t)

    def _setting(self, value: Any) -> Any:
        if value.__class__ is np.bool_:
            raise RefusalError("a single truth value chooses")
        if isinstance(value, ndarray | np.generic) or is_cupy(value):
            self._drawn.pop(id(value), None)
            found = self._known(value)
            if found is not None:
                return found
            if not (isinstance(value, np.generic) or self.met is None or id(value) in self.met):
                raise RefusalError("an op was given numbers that were computed from tensors in Python")
            self.outside[id(value)] = value
            return value
        if isinstance(value, tuple):
            return tuple([self._setting(v) for v in value])
        if isinstance(value, list):
            return [self._setting(v) for v in value]
        if isinstance(value, slice):
            return slice(*[self._setting(v) for v in (value.start, value.stop, value.step)])
        return value

    def at(self) -> str:
        """Where the step is, in words."""
        line = self._place(self._called)
        return "" if line is None else f" (line {line[1]}{f' in {line[2]}' if line[2] else ''})"

    def _guarded(self, note: Callable[..., None], *args: Any) -> None:
        if self.problem is None and not self._steps:
            try:
                note(*args)
            except RefusalError as refused:
                what, *hint = str(refused).split("\n", 1)
                self.problem = "\n".join([f"{what}{self.at()}", *hint])
            except Exception as error:
                self.problem = f"it could not be followed: {error!r}"


def constant_path(path: Any) -> Any:
    """The way from a base to a view, without what differs from run to run."""
    return tuple([(op, settings, nr, False, 0) for op, settings, nr, *_ in path])
