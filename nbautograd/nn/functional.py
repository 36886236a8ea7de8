"""`torch.nn.functional`: the ops floor's functions for networks, and those composed of them."""

from __future__ import annotations

from typing import Any

import nbautograd.ops  # noqa: F401  (fills the tables)
from nbautograd.core.public import FUNCTIONAL
from nbautograd.ops.loss.reduction import legacy_reduction

from .compositions import COMPOSED

FUNCTIONS = {**COMPOSED, **FUNCTIONAL}
globals().update(FUNCTIONS)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"nbautograd has no torch.nn.functional.{name}")


__all__ = ["legacy_reduction", *FUNCTIONS]
