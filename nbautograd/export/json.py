"""A trace as JSON, as the front end and `nbautograd.trace.codec.loads` read it."""

from __future__ import annotations

from nbautograd.trace import codec
from nbautograd.trace.model import Trace


def to_json(trace: Trace) -> str:
    """The trace as one line of JSON."""
    return codec.dumps(trace)
