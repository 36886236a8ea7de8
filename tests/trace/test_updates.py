"""What optimizers do stands in a trace's source, as Python."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nbautograd as nb

OPTIMIZERS: dict[str, Any] = {
    "SGD": lambda p: nb.optim.SGD(p, lr=0.1),
    "momentum": lambda p: nb.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: nb.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    "Adam": lambda p: nb.optim.Adam(p, lr=0.1, betas=(0.8, 0.99), weight_decay=0.1),
    "AdamW": lambda p: nb.optim.AdamW(p, lr=0.1, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_written_out_and_compute_what_the_optimizer_did(name: str) -> None:
    w = nb.tensor([1.0, -2.0, 0.5], dtype=nb.float64, requires_grad=True)
    start, optimizer = w.detach().clone().numpy(), OPTIMIZERS[name]([w])
    with nb.trace() as trace:
        for _ in range(3):
            optimizer.zero_grad()
            (w**3).sum().backward()
            optimizer.step()
    lines = [line for line in trace.source().split("\n") if re.match(r"(w|\w+_w) [-+*]?= ", line) and "d_w" not in line]
    lines = lines[: len(lines) // 3]
    names: dict[str, Any] = {"np": np, "w": start.view(_WithGrad), "b_w": 0.0, "m_w": 0.0, "v_w": 0.0, "top_w": 0.0}
    for step in range(1, 4):
        names["w"].grad = 3 * np.asarray(names["w"]) ** 2
        exec("\n".join(lines).replace("** 1)", f"** {step})"), names)
    np.testing.assert_allclose(np.asarray(names["w"]), w.detach().numpy(), rtol=1e-6)
    source = trace.source()
    assert source.index("backward pass 2 of 3") < source.rindex("w -= ") > source.index("backward pass 3 of 3")
    assert "not written out" not in source


class _WithGrad(np.ndarray):
    grad: Any = None


def test_updates_that_nobody_has_written_out_are_named() -> None:
    w = nb.ones(2, requires_grad=True)
    with nb.trace() as trace:
        w.sum().backward()
        nb.optim.RMSprop([w]).step()
    assert "# updates of leaves are not written out: RMSprop.step" in trace.source()
