"""Losses: how far a prediction is from its target, in one number."""

from __future__ import annotations

from nbautograd.ops.loss.reduction import legacy_reduction, reduced

__all__ = ["legacy_reduction", "reduced"]
