"""`torch.nn.functional`: the ops floor's functions for networks, and those composed of them."""

from __future__ import annotations

import nbautograd.ops  # noqa: F401  (fills the tables)
from nbautograd.core.absent import refuse_in
from nbautograd.core.public import FUNCTIONAL
from nbautograd.ops.loss.reduction import legacy_reduction

from . import composed_losses as _composed_losses  # noqa: F401  (fills the compositions)
from . import linear_cross_entropy as _linear_cross_entropy  # noqa: F401
from .compositions import COMPOSED

FUNCTIONS = {**COMPOSED, **FUNCTIONAL}
globals().update(FUNCTIONS)


__getattr__ = refuse_in("nn.functional")

__all__ = ["legacy_reduction", *FUNCTIONS]
