"""Notes of what is changed in place: variables stand for other numbers from there on, and what lasts is written to."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from nbautograd.core.array import compact
from nbautograd.core.inplace import sharers
from nbautograd.core.op import TABLE
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import RefusalError, Var
from nbautograd.replay.forward import Forward
from nbautograd.replay.notes import FROM_ELSEWHERE, constant_path
from nbautograd.replay.sharing import memory_of, owner_of

PUT_DATA: Any = Tensor.data.fset.__code__  # type: ignore[union-attr]


def copied(x: Any) -> Any:
    """The same numbers in a place of their own."""
    return compact(np.array(x))


class Changes(Forward):
    """Notes of changes in place, by ops, by optimizers and by functions that do it by themselves; see `Tape`."""

    def in_place(self, target: Any, result: Any) -> None:
        """The result of the last op goes into `target`."""
        self._writing = (target, result)

    def renumbered(self, before: int, now: int) -> None:
        """Nodes are told apart by what they are, not by their numbers."""

    def mutated(self, tensor: Any) -> None:
        """Values were changed in place."""
        by_data = sys._getframe(1).f_code is PUT_DATA
        self._guarded(self._put if by_data else self._mutated, tensor)

    def _put(self, tensor: Any) -> None:
        """`.data` was set."""
        _, seen = self._by_tensor.get(id(tensor), (None, None))
        if seen is tensor._data:
            return  # as by `w.data -= x`, which has changed it in place
        v = self._known(tensor._data)
        if v is None or id(tensor) not in self.lasting or id(v) in self.stale:
            raise RefusalError("it sets .data of a tensor that does not last, or to numbers from elsewhere")
        self._note(None, [(tensor, ""), v], [], kind="put")
        self._by_tensor[id(tensor)] = (v, tensor._data)

    def _mutated(self, tensor: Any) -> None:
        writing, self._writing = self._writing, None
        if self._in_pass and writing is None:
            return  # backward adds to a gradient, which is told apart
        if writing is None or writing[0] is not tensor:
            raise RefusalError("a tensor is changed by other means than an op")
        v = self.var(writing[1])
        if v.dtype != tensor._data.dtype:
            raise RefusalError("a tensor is changed in place by numbers of another dtype")
        if all(v is not out for out in self.calls[-1].outs):  # another tensor's own numbers, which may change
            v, given = Var(v.array), v
            self._note(copied, [given], [v], kind="fit", name="copied")
        self._write(tensor, v)

    def _write(self, tensor: Any, v: Var, unnoticed: bool = False) -> None:
        """`tensor` is `v` from here on, and so is whatever shows all of its numbers."""
        data, view = tensor._data, self._view_of(tensor)
        base = view._base
        if base is not None and base._data is not data:
            self._write_part(view, base, v, unnoticed or tensor._untracked)
            return
        owners = self._lasting_with(tensor)
        if not owners and id(tensor) not in self._by_tensor and self._known(data) is None:
            raise RefusalError(f"it changes a tensor {FROM_ELSEWHERE}")
        for owner, of in owners:
            place = owner._grad if of else owner
            if place._data is not data:
                raise RefusalError("a part of a tensor that lasts is changed in place")
            if id(place) in self._by_tensor:
                self.stale.add(id(self._by_tensor[id(place)][0]))
            self._note(None, [(owner, of), v], [], kind="write")
        shown = {key for key, (_, seen) in self._by_tensor.items() if seen is data} | {id(t) for t in sharers(tensor)}
        self._overwritten({owner_of(data)}, shown)
        if unnoticed or tensor._untracked:  # through `.data`: what has saved the old numbers has the new ones now
            self.stale |= {id(seen[0]) for key in shown if (seen := self._by_tensor.get(key)) is not None}
        self._vars[id(data)] = v
        v.array = data
        self._by_tensor |= dict.fromkeys((*shown, id(tensor)), (v, data))

    def _write_part(self, view: Any, base: Any, v: Var, unnoticed: bool) -> None:
        """A part of `base` is `v` from here on."""
        whole, op = Var(base._data), TABLE["view_scatter"]
        path = {"path": constant_path(view._path)}
        self._note(op.forward, [self.var(base), v], [whole], path, name=op.name)
        self._write(base, whole, unnoticed)
        self._vars[id(view._data)] = v
        v.array = view._data
        self._by_tensor[id(view)] = (v, view._data)

    def _lasting_with(self, tensor: Any) -> list[tuple[Any, str]]:
        """What lasts, and the gradients of what lasts, with numbers in the memory of `tensor`."""
        owners = {g: t for g, t in self._gradient_of.items() if id(t) not in self._made and id(t._grad) == g}
        if isinstance(tensor._data, np.generic):
            members = {id(t) for t in sharers(tensor)}
            found = [(t, "") for key, t in self.lasting.items() if key in members]
            return found + [(t, "grad") for g, t in owners.items() if g in members]
        memory = memory_of(tensor)
        found = [(t, "") for t in self.lasting.values() if memory_of(t) == memory]
        return found + [(t, "grad") for t in owners.values() if memory_of(t._grad) == memory]

    def _overwritten(self, memories: set[int], but: set[int]) -> None:
        """What stood in these places is not there any more, `but` for tensors that are told anew."""
        for key, (v, seen) in self._by_tensor.items():
            if key not in but and not isinstance(seen, np.generic) and owner_of(seen) in memories:
                self.stale.add(id(v))

    def _forget(self, tensors: list[Any]) -> None:
        """What `tensors` hold now is read anew."""
        self._overwritten({owner_of(t._data) for t in tensors}, set())
        for t in tensors:
            v, _ = self._by_tensor.pop(id(t), (None, None))
            if v is not None:
                self.stale.add(id(v))
            self._vars.pop(id(t._data), None)

    def changes(self) -> list[Tensor]:
        """The tensors whose numbers the step changes, of those that last."""
        written = [c.args[0][0] for c in self.calls if c.kind == "write" and not c.args[0][1]]
        return [*written, *[p for c in self.calls if c.kind == "step" for p in c.stepped()]]

    def changed_gradients(self) -> list[Tensor]:
        """The tensors whose gradients the step changes in place."""
        added = [c.args[0][0] for c in self.calls if c.kind == "accumulate" or (c.kind == "write" and c.args[0][1])]
        return [*added, *[t for c in self.calls if c.kind == "call" for t in c.args[0]]]

    # --- optimizers ---

    def scope_begin(self, kind: str, name: str, owner: Any, index: int | None) -> None:
        """An optimizer's step is one line of the program."""
        if kind == "module":
            self._modules.append(owner)
        if kind == "optimizer":
            if not self._steps:
                self._guarded(self._step, owner)
            self._steps += 1

    def _step(self, owner: Any) -> None:
        given = sys._getframe(3).f_locals  # of what calls `scope_begin`, with the arguments of `step`
        if given.get("args") or given.get("kwargs"):
            raise RefusalError("it gives a closure, or something else, to an optimizer's step")
        self._note(None, [owner], [], kind="step")

    def scope_end(self, kind: str) -> None:
        """What the optimizer has changed is read anew from here on."""
        if kind == "module":
            self._modules.pop()
        if kind == "optimizer":
            self._steps -= 1
            last = self.calls[-1] if self.calls else None
            if not self._steps and last is not None and last.kind == "step":
                others = [*self.lasting.values(), *[t._grad for t in self._gradient_of.values() if t._grad is not None]]
                self._forget(last.stepped() if last.is_ours() else [*last.stepped(), *others])
