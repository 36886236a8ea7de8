"""What torch calls what our ops save."""

from __future__ import annotations

from functools import cache
from typing import Any

_NAMES = {"x": "self", "y": "other", "w": "weight", "out": "result", "x_shape": "self_sym_sizes"}
"""What torch calls them; below, where it has other names."""
_NAMES_OF_NODES: dict[str, dict[str, str]] = {
    "AddcdivBackward0": {"y": "tensor1", "z": "tensor2"},
    "AddcmulBackward0": {"y": "tensor1", "z": "tensor2"},
    "AddmmBackward0": {"x": "mat1", "y": "mat2"},
    "Atan2Backward0": {"y": "self", "x": "other"},
    "BinaryCrossEntropyBackward0": {"y": "target"},
    "BmmBackward0": {"y": "mat2"},
    "ConvolutionBackward0": {"x": "input"},
    "DotBackward0": {"y": "tensor"},
    "LerpBackward1": {"y": "end"},
    "LinalgInvExBackward0": {"out": "inverse"},
    "MmBackward0": {"y": "mat2"},
    "MseLossBackward0": {"y": "target"},
    "MvBackward0": {"y": "vec"},
    "NativeBatchNormBackward0": {"x": "input"},
    "NativeGroupNormBackward0": {"x": "input"},
    "NativeLayerNormBackward0": {"x": "input"},
    "PowBackward0": {"y": "exponent"},
    "PowBackward1": {"y": "exponent"},
}


@cache
def names_in_torch(op: Any) -> tuple[str, ...]:
    """torch's name of each value that `op` saves."""
    saves: tuple[str, ...] = op.saves
    known = {**_NAMES, **_NAMES_OF_NODES.get(op.node_name, {})}
    return tuple([known.get(name, name) for name in saves])


@cache
def in_torchs_order(op: Any) -> tuple[int, ...]:
    """Which values that `op` saves torch looks at first: its names go by the alphabet, results come last."""
    names, kinds = names_in_torch(op), [kind for kind, _, _ in op.plan]
    return tuple(sorted(range(len(names)), key=lambda i: (kinds[i] in ("out", "aux"), names[i])))
