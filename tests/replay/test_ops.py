"""Every function of the op table in a step: a replay gives the same for other numbers, in the same dtype and layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.ops.samples import Make
from tests.ops.table import OURS, SAMPLED, has_gradient, name_of

CALLS = 4
ids = [name_of(op) or op.name for op in SAMPLED]


def sample(op: Any, seed: int) -> Any:
    """One of the larger samples, with other numbers for each seed."""
    cases = list(op.samples(Make(np.float32, seed)))
    return cases[len(cases) * 2 // 3]


def is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad and value.is_floating_point()


def step_of(op: Any) -> Any:
    """The op, and the gradients of what it gives."""
    function = OURS.function(name_of(op)) or op.call

    def step(args: Any, settings: Any, leaves: Any) -> Any:
        result = function(*args, **settings)
        outputs = result if isinstance(result, list | tuple) else [result]
        ends = [o for o in outputs if is_float(o)]
        found: Any = []
        if ends and leaves:
            loss = sum((o * (o.detach() + 0.5)).sum() for o in ends)
            found = torch.autograd.grad(loss, leaves, allow_unused=True)
        return [o.detach() if isinstance(o, torch.Tensor) else o for o in outputs], found

    return step


def layout(t: Any) -> Any:
    """How a tensor lies in memory, as far as that can be told."""
    return t.dtype, t.shape, [s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1] if t.numel() else []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", SAMPLED, ids=ids)
def test_a_replayed_op_computes_the_same_of_other_numbers(op: Any) -> None:
    step = step_of(op)
    captured = torch.capture(step)
    for call in range(CALLS):
        case = sample(op, max(0, call - 1))
        *inputs, settings = case if isinstance(case[-1], dict) else (*case, {})
        found: list[Any] = []
        for each in (step, captured):
            torch.manual_seed(call)
            leaves: list[Any] = []
            args = OURS.value(inputs, leaves, has_gradient(op))
            given = {k: OURS.value(v, leaves, has_gradient(op)) for k, v in settings.items()}
            try:
                outputs, gradients = each(args, given, leaves)
            except Exception as error:
                found.append(type(error))
            else:
                found.append([*outputs, *gradients])
        if not isinstance(found[0], list):
            assert found[0] is found[1]
            continue
        for expected, got in zip(*found, strict=True):
            assert type(expected) is type(got)
            if isinstance(expected, torch.Tensor):
                assert layout(got) == layout(expected)
                a, b = np.asarray(got._data), np.asarray(expected._data)
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * float(np.nanmax(abs(b), initial=0)))
