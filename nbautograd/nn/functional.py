"""`torch.nn.functional`: the ops floor's functions for networks, and those composed of them."""

from __future__ import annotations

from typing import Any

import nbautograd.ops  # noqa: F401  (fills the registries)
from nbautograd.core.absent import absent
from nbautograd.core.public import FUNCTIONAL
from nbautograd.ops.loss.reduction import legacy_reduction

from . import composed_losses as _composed_losses  # noqa: F401  (fills the compositions)
from . import linear_cross_entropy as _linear_cross_entropy  # noqa: F401
from .compositions import COMPOSED

globals().update(COMPOSED)


def __getattr__(name: str) -> Any:
    if name not in FUNCTIONAL:
        raise absent("nn.functional", name)
    found = globals()[name] = FUNCTIONAL[name]
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *FUNCTIONAL})


__all__ = ["legacy_reduction", *COMPOSED, *FUNCTIONAL]
