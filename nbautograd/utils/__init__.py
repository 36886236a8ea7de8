"""Helpers beside the engine, under torch's paths."""

from . import checkpoint, data

__all__ = ["checkpoint", "data"]
