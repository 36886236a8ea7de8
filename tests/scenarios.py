"""Small programs as functions of the library they run on: what they return, warn and raise must be PyTorch's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import nbautograd

Scenario = Callable[[Any], Any]


def plain(value: Any) -> Any:
    """A result as plain Python: tensors as numbers with dtype and node's name, dtypes and devices as text."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "grad_fn"):
        node = None if value.grad_fn is None else value.grad_fn.name()
        return [value.tolist(), str(value.dtype), node]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def outcome(scenario: Scenario, library: Any) -> dict[str, Any]:
    """What `scenario(library)` returned, or its error's class and first line; and what it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = {"result": plain(scenario(library))}
        except Exception as error:
            text = str(error).splitlines()[0].split(" Hint: ")[0] if str(error) else ""
            result = {"raised": type(error).__name__, "text": re.sub(r", which is output \d+ of \w+,", "", text)}
    ours = [w for w in caught if not issubclass(w.category, RuntimeWarning)]
    return {**result, "warned": [(w.category.__name__, _first(str(w.message))) for w in ours]}


def _first(text: str) -> str:
    return text.splitlines()[0].split(" (Triggered")[0]


def close(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two plain values are the same but for the last digits of floats."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[k], b[k], tolerance) for k in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(close(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return a == pytest.approx(b, rel=tolerance, abs=tolerance, nan_ok=True)
    return bool(a == b) and type(a) is type(b)


def same(scenario: Scenario, tolerance: float = 1e-5, raises: bool = False) -> None:
    """Run `scenario` on both libraries and compare; an error is expected only if `raises`."""
    torch = pytest.importorskip("torch")
    found, wanted = outcome(scenario, nbautograd), outcome(scenario, torch)
    assert close(found, wanted, tolerance), f"found\n{found}\nbut PyTorch says\n{wanted}"
    assert ("raised" in found) is raises, found


def named(scenarios: list[Scenario]) -> Any:
    """Parametrise a test over scenarios, by their names."""
    return pytest.mark.parametrize("scenario", scenarios, ids=lambda s: s.__name__)
