"""torch.utils.dlpack: memory shared with other libraries."""

from nbautograd.core.public import FUNCTIONS
from nbautograd.ops.create.exchange import DLDeviceType

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]

from_dlpack, to_dlpack = FUNCTIONS["from_dlpack"], FUNCTIONS["to_dlpack"]
