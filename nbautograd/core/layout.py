"""torch's words for how a tensor lies in memory."""

from __future__ import annotations


class _Word:
    """A word that prints as torch prints it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout(_Word):
    """How the elements are stored; here always `torch.strided`."""


class memory_format(_Word):
    """The order in which dimensions lie in memory."""


strided = layout("strided")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
