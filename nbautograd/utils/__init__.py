"""Helpers beside the engine, under torch's paths."""

from . import checkpoint, data, dlpack

__all__ = ["checkpoint", "data", "dlpack"]
