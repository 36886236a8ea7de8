"""Helpers beside the engine, under torch's paths."""

from . import data

__all__ = ["data"]
