"""torch.utils.hooks: what registering a hook returns."""

from nbautograd.core.node import RemovableHandle

__all__ = ["RemovableHandle"]
