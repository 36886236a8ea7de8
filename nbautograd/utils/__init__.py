"""Helpers beside the engine, under torch's paths."""

from nbautograd.core.absent import refuse_in

from . import _pytree, checkpoint, data, dlpack, hooks

__getattr__ = refuse_in("utils")

__all__ = ["_pytree", "checkpoint", "data", "dlpack", "hooks"]
