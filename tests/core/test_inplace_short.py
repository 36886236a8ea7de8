"""The short way to change a tensor in place does what the general one does, whole or block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.core import inplace_short
from nbautograd.core.op import TABLE
from tests.ops.table import array, name_of, samples_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


def method_of(op: Any) -> Any:
    return getattr(nb.Tensor, f"{name_of(op).rstrip('_')}_", None)


CHANGING = [op for op in TABLE.values() if op.elementwise and op.samples and name_of(op) and method_of(op)]
SHORT = [
    "add",
    "add_scaled",
    "sub",
    "mul",
    "div",
    "neg",
    "exp",
    "clamp",
    "lerp_number",
    "addcdiv",
    "masked_fill",
    "copy_from",
    "fill_number",
]
"""Some that are to go the short way."""


def tensor(value: Any, dtype: Any) -> Any:
    if not isinstance(value, np.ndarray | np.generic):
        return value
    return nb.tensor(value.astype(dtype) if value.dtype.kind == "f" else value)


def changed(op: Any, case: tuple[Any, ...], dtype: Any) -> Any:
    """The tensor changed, how often it was, and what else shows its memory; or what was raised."""
    *inputs, settings = case if isinstance(case[-1], dict) else (*case, {})
    target, *others = [tensor(value, dtype) for value in inputs]
    view = target.view_as(target)
    nb.manual_seed(3)
    try:
        assert method_of(op)(target, *others, **settings) is target
    except Exception as error:
        return type(error), str(error)
    return array(target).tobytes(), target.dtype, target._version, array(view).tobytes()


@pytest.mark.parametrize("op", CHANGING, ids=lambda op: op.name)
@pytest.mark.parametrize("recording", [True, False])
def test_a_change_in_short(op: Any, recording: bool, monkeypatch: pytest.MonkeyPatch):
    taken: list[bool] = []
    change = inplace_short.change

    def short(*call: Any) -> bool:
        taken.append(change(*call))
        return taken[-1]

    with nb.set_grad_enabled(recording):
        for dtype in ("float32", "float64", "int64"):
            for strided in (False, True):
                for case in (case for case in samples_of(op, np.float64, strided) if hasattr(case[0], "dtype")):
                    found: list[Any] = []
                    for way, block in ((lambda *_: False, 1), (short, 1 << 16), (short, 2)):
                        monkeypatch.setattr(inplace_short, "change", way)
                        monkeypatch.setattr(inplace_short, "BLOCK", block)
                        found.append(changed(op, case, dtype))
                    assert found[1:] == found[:1] * 2, case
    assert any(taken) or op.name not in SHORT


PARTS: tuple[Any, ...] = (
    0, -1, (1, 2), slice(1, 3), (slice(None), 1), Ellipsis, (Ellipsis, 0), None, slice(None), 7, (0, 0, 0),
    (Ellipsis, 9), "mask", "rows", [0, 2], (0, [1, 2]), (slice(None), "columns"),
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    2,
    -1.5,
    True,
    300,
    "zeros",
    "row",
    "wide",
    "itself",
    "part",
    "0-d",
    "requires grad",
    1j,
    [1.0, 2, 3, 4],
)


def assigned(kind: str, part: Any, value: Any, strided: bool) -> Any:
    """What `x[part] = value` makes of a matrix, how often it was changed, and its gradient; or what is raised."""
    dtype = getattr(nb, kind)
    x = nb.arange(24).reshape(4, 6).to(dtype)
    x = x[:, ::2] if strided else x[:, :3].contiguous()
    x = x.expand(4, 3) if kind == "float64" and strided else x
    masks = {"mask": x.real > 3, "rows": nb.tensor([True, False, True, False]), "columns": nb.tensor([0, 2])}
    part = tuple(masks.get(p, p) if isinstance(p, str) else p for p in (part if isinstance(part, tuple) else (part,)))
    given: dict[Any, Any] = {
        "zeros": nb.zeros(3),
        "row": nb.ones(3).to(dtype),
        "wide": nb.ones(1, 1, 3).to(dtype),
        "itself": x[1],
        "0-d": nb.tensor(5.0),
        "requires grad": nb.ones(3, requires_grad=True),
    }
    value = given.get(value, value) if isinstance(value, str) else value
    try:
        if isinstance(value, str):
            value = x[part].mul_(2)
        x[part if len(part) > 1 else part[0]] = value
        if x.requires_grad:
            x.sum().backward()
    except Exception as error:
        return type(error), str(error)
    return x.tolist(), x._version, x.dtype, x.grad_fn is None, getattr(getattr(value, "grad", None), "tolist", list)()


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool", "complex64"])
@pytest.mark.parametrize("recording", [True, False])
def test_a_part_is_set_in_short(kind: str, recording: bool, monkeypatch: pytest.MonkeyPatch):
    cases = [(part, value, strided) for part in PARTS for value in VALUES for strided in (False, True)]
    with nb.set_grad_enabled(recording):
        short = [assigned(kind, *case) for case in cases]
        monkeypatch.setattr(inplace_short, "assign", lambda *_: False)
        for case, found in zip(cases, short, strict=True):
            assert repr(found) == repr(assigned(kind, *case)), case
