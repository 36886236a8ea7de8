"""Where NaN and infinity come from: the gradients are PyTorch's, and anomaly mode names the op and the line."""

from __future__ import annotations

import itertools
import linecache
import warnings
from typing import Any

import numpy as np
import pytest

import nbautograd

FAULTS = {  # a line whose derivative is NaN, or infinite and then met by 0 or another infinity
    "sqrt at 0": "z = (y * 0).sqrt() * 0",
    "a norm of zeros": "z = ((y * 0) ** 2).sum().sqrt()",
    "log at 0": "z = (y * 0).log()",
    "a root of what is less than 0": "z = (-y) ** 0.5",
    "0 / 0": "z = (y * 0) / (y * 0)",
    "a where after the fact": "z = torch.where(y > 0, y, (-y).sqrt())",
    "∞ − ∞": "z = (y * 1e38 * 1e38) - (y * 1e38 * 1e38)",
    "a power at 0": "z = (y * 0) ** 0.5 * 0",
    "acos at 1": "z = (y * 0 + 1).acos() * 0",
    "asin at 1": "z = (y * 0 + 1).asin() * 0",
    "atanh at 1": "z = (y * 0 + 1).atanh() * 0",
    "acosh at 1": "z = (y * 0 + 1).acosh() * 0",
    "rsqrt at 0": "z = (y * 0).rsqrt() * 0",
    "reciprocal of 0": "z = (y * 0).reciprocal() * 0",
    "a softmax of infinities": "z = torch.softmax(y * 1e38 * 1e38, 0)",
    "logsumexp of infinities": "z = torch.logsumexp(y * 1e38 * 1e38, 0)",
    "an entropy": "p = (y * 0).clamp(min=0); z = p * p.log()",
    "binary cross entropy by hand": "p = (y * 100).sigmoid(); z = (1 - p) * (1 - p).log()",
    "a spread of equals": "z = (y * 0).var().sqrt()",
    "a cosine of zeros": "u = y * 0; z = (u * u).sum() / ((u * u).sum().sqrt() * 2)",
}
BEFORE = {
    "a leaf": "y = x * 1",
    "a product": "y = (x * 2).tanh() + 1.5",
    "a view": "y = x.view(-1, 1).expand(4, 1).reshape(-1)",
    "a part": "y = torch.cat([x[:2], x[2:]]) * 2",
    "a change in place": "y = x * 1; y.add_(1.0)",
}
AFTER = {"sum": "loss = z.sum()", "weights": "loss = (z * 3.0).sum() + (x * x).sum()"}
CASES = list(itertools.product(FAULTS, BEFORE, AFTER))


def code(fault: str, before: str, after: str) -> str:
    lines = ["x = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)", BEFORE[before], FAULTS[fault], AFTER[after]]
    return "\n".join([*lines, "loss.backward()"]) + "\n"


def run(library: Any, source: str, anomaly: bool) -> tuple[Any, str]:
    """The gradient of `x`, and what was raised."""
    filename = "<a cell with a fault>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    names: dict[str, Any] = {"torch": library}
    error = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with library.autograd.set_detect_anomaly(anomaly):
                exec(compile(source, filename, "exec"), names)
        except RuntimeError as raised:
            error = str(raised)
    grad = names["x"].grad
    return None if grad is None else np.asarray(grad.tolist()), error


def test_two_hundred_gradients_with_nan_and_infinity_are_pytorchs_and_their_origin_is_named() -> None:
    torch = pytest.importorskip("torch")
    missed: list[str] = []
    for case in CASES:
        source = code(*case)
        (found, _), (wanted, _) = run(nbautograd, source, False), run(torch, source, False)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6, err_msg=f"{case}")
        (_, text), (_, torchs) = run(nbautograd, source, True), run(torch, source, True)
        assert text.partition("\n")[0] == torchs.partition("\n")[0], case
        assert torchs, case
        if not any(origin in text for origin in (FAULTS[case[0]], "∞ − ∞")):
            missed.append(f"{case}: {text}")
    assert len(CASES) >= 200
    assert len(missed) <= 0.05 * len(CASES), "\n".join(missed)


def test_infinities_that_cancel_are_named_and_nothing_else_is_blamed_on_them() -> None:
    for case in CASES:
        _, text = run(nbautograd, code(*case), True)
        assert ("∞ − ∞" in text) is (case[0] == "∞ − ∞"), text
