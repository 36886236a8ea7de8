"""Frames that have ended.

NOTE [Frames]
Whoever follows running code holds its frames, to know each again, and a frame holds what its function computed: after
a training step all of the step's graph, until the recorder is told of the next. Then the garbage collector would go
through that graph as through something that lives. So when it comes, frames that have ended are let go.
"""

from __future__ import annotations

import dis
import gc
import inspect
import weakref
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
"""Whose frames may be called by others from one time to the next."""


def has_ended(frame: Any) -> bool:
    """Whether `frame` is one of a function that has returned; of one that has raised it is not known."""
    if frame.__class__ is not FrameType or frame.f_code.co_flags & RESUMED:
        return False
    return frame.f_lasti in _returns(frame.f_code)


@lru_cache(maxsize=1024)
def _returns(code: CodeType) -> frozenset[int]:
    return frozenset([i.offset for i in dis.get_instructions(code) if i.opname in ("RETURN_VALUE", "RETURN_CONST")])


def before_collections(let_go: Any) -> None:
    """Call the method `let_go` whenever the garbage collector comes, as long as its object lives."""
    method = weakref.WeakMethod(let_go)

    def comes(phase: str, _: dict[str, int]) -> None:
        found = method()
        if found is not None and phase == "start":
            found()

    gc.callbacks.append(comes)
    weakref.finalize(let_go.__self__, gc.callbacks.remove, comes)  # in `comes` it would make the next one be skipped
