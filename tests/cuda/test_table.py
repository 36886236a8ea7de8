"""Every op of the table on a GPU: one kernel for each function and rule, and no wait, but for what `exceptions` lists.

The arrays lie in one piece: what does not may be put in order first, which is one more kernel. An op that is new here
has to keep both promises or be written into a table there, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.fast.cuda import Fused
from tests.ops.table import SAMPLED, Library, has_gradient, run, samples_of

from .exceptions import SEVERAL, WAITS
from .test_kernels import launches

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore")]

CUDA = Library(nb, "cuda")
MAY_BE_SEVERAL = {name for names in SEVERAL.values() for name in names.split()}
MAY_WAIT = {name for names in WAITS.values() for name in names.split()}


def test_no_exception_is_told_twice():
    assert len(MAY_BE_SEVERAL) == sum(len(names.split()) for names in SEVERAL.values())
    assert len(MAY_WAIT) == sum(len(names.split()) for names in WAITS.values())


class Launched(NamedTuple):
    """A function or rule of the op table, and the kernels that a call of it took."""

    name: str
    kernels: int


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Launched]:
    """The functions and rules that have run; what they call among themselves belongs to them."""
    found: list[Launched] = []
    call, within = Fused.__call__, []

    def counted(self: Fused, *args: Any, **settings: Any) -> Any:
        if within or any(getattr(a, "size", 1) == 0 for a in args):
            return call(self, *args, **settings)
        within.append(self)
        try:
            result, kernels = launches(lambda: call(self, *args, **settings))
        finally:
            within.pop()
        found.append(Launched(self.__name__, kernels))
        return result

    monkeypatch.setattr(Fused, "__call__", counted)
    return found


def plain_cases(op: Any) -> Iterator[Any]:
    """Samples in float32 of more than single numbers, of which nothing is empty and everything lies in one piece."""
    for case in samples_of(op, np.float32):
        arrays = arrays_in(case)
        if all(a.size and a.flags.c_contiguous for a in arrays) and any(a.ndim for a in arrays):
            yield case


def arrays_in(value: Any) -> list[Any]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [value] if isinstance(value, np.ndarray) else [a for v in values for a in arrays_in(v)]


def both_ways(op: Any, case: Any) -> None:
    """Forward and backward."""
    ran = run(op, case, CUDA, gradient=has_gradient(op))
    outputs = ran.differentiable() if has_gradient(op) else []
    if outputs:
        starts = [nb.ones_like(o) for o in outputs]
        nb.autograd.grad(outputs, ran.leaves, starts, allow_unused=True)


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in SAMPLED])
def test_one_kernel_for_each_rule_and_no_wait(op: Any, launched: list[Launched]):
    launches(lambda: None)  # skips on a GPU
    from .standin.machine import counts

    waits, seen = 0, dict[str, int]()
    for case in plain_cases(op):
        try:
            both_ways(op, case)  # the first time a function may be found to be no arithmetic
            launched.clear()
            before = counts.syncs
            both_ways(op, case)
        except RuntimeError:  # samples that are refused, as on the CPU
            continue
        waits += counts.syncs - before
        for name, kernels in launched:
            seen[name] = max(seen.get(name, 0), kernels)
    several = {name for name, kernels in seen.items() if kernels > 1}
    assert several <= MAY_BE_SEVERAL, "several kernels: make it one, or tell why not in tests/cuda/exceptions.py"
    own = {f"{op.name}_{part}" for part in ("forward", *[f"d{name}" for name in getattr(op, "inputs", ())])}
    needless = {name for name in own & MAY_BE_SEVERAL if seen.get(name) == 1}
    assert not needless, "one kernel by now: no exception any more"
    assert bool(waits) == (op.name in MAY_WAIT), f"{waits} waits: see WAITS in tests/cuda/exceptions.py"
