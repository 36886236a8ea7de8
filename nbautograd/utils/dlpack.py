"""torch.utils.dlpack: memory shared with other libraries."""

from nbautograd.ops.create.exchange import DLDeviceType, from_dlpack, to_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]
