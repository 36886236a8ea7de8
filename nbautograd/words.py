"""Answers in words: text that a shell and a notebook show as it reads, without quotes and `\\n`."""

from __future__ import annotations


class Words(str):
    """A text whose repr is the text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
