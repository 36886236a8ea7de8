"""Anomaly mode: nodes remember where they were made, and backward stops at the first gradient that is NaN."""

from __future__ import annotations

import warnings
from typing import Any

from . import errors
from .doors import Door, Switch
from .modes import put_anomaly, state
from .node import Hooked, Node, hooked, op_of

FRAMES = "traceback_"
"""Where in its metadata a node keeps the lines that made it; `PARENT` holds the node whose backward they ran in."""
PARENT = "parent_"


class set_detect_anomaly(Switch):
    """Let ops remember the lines that called them, and let backward stop at the first gradient that is NaN.

    Raises: RuntimeError from backward, as in `Function 'SqrtBackward0' returned nan values in its 0th output.`
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__((bool(mode), check_nan))

    def read(self) -> tuple[bool, bool]:
        return state.anomaly, state.check_nan

    def put(self, value: tuple[bool, bool]) -> None:
        put_anomaly(*value)


class detect_anomaly(Door):
    """`set_detect_anomaly(True)` for a `with` block."""

    read, put = set_detect_anomaly.read, set_detect_anomaly.put

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__()
        self._check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def inside(self, before: tuple[bool, bool]) -> tuple[bool, bool]:
        return True, self._check_nan


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return state.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode, when it is on, looks for NaN."""
    return state.check_nan


def remember(node: Node, running: Node | None) -> None:
    """Note on `node` the lines that are making it, and the node `running` backward meanwhile."""
    import traceback

    metadata = hooked(node).metadata
    metadata[FRAMES] = traceback.format_stack(errors.user_frame())
    if running is not None:
        metadata[PARENT] = running


def tell(node: Node) -> None:
    """Warn where `node`, whose backward failed, was made, and where the nodes were whose backward made it."""
    name = op_of(node).node_name
    lines = lines_of(node)
    if lines is None:
        text = "No forward pass information available. Enable detect anomaly during forward pass for more information."
    else:
        text = f"Traceback of forward call that caused the error:\n{''.join(lines)}"
    warnings.warn(f"Error detected in {name}. {text}", UserWarning, stacklevel=errors.user_depth())
    while (parent := _metadata(node).get(PARENT)) is not None:
        node = parent
        lines = lines_of(node)
        text = (
            "No forward pass information available."
            if lines is None
            else f"Traceback of forward call that induced the previous calculation:\n{''.join(lines)}"
        )
        warnings.warn(
            f"\n\nPrevious calculation was induced by {op_of(node).node_name}. {text}",
            UserWarning,
            stacklevel=errors.user_depth(),
        )


def lines_of(node: Node) -> list[str] | None:
    """The lines that made `node`, as `traceback.format_stack` writes them, if anomaly mode was on then."""
    return _metadata(node).get(FRAMES)


def _metadata(node: Node) -> dict[Any, Any]:
    return node[1].metadata if node[1].__class__ is Hooked else {}
