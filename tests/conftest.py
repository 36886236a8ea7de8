"""What all tests share: a test that needs what this machine lacks is skipped, and says what it needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import cache

import pytest

from nbautograd.core.modes import state


@cache
def missing_gpu() -> str | None:
    """Why the tests on a GPU cannot run here."""
    if importlib.util.find_spec("cupy") is None:
        return "needs CuPy: pip install nbautograd[cuda12] or nbautograd[cuda13]"
    import cupy

    try:
        return None if cupy.cuda.runtime.getDeviceCount() else "needs a CUDA device"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"needs a CUDA device: {error}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and (reason := missing_gpu()):
        pytest.skip(reason)


_explained = [0]
"""What `state.special` has been found to be rightly: to look for marks takes a look at every object there is."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """A test that leaves something switched on fails itself, not those after it."""
    yield
    if state.special == _explained[0]:
        return
    from tests.interrupts import alive_marks

    assert state.special == alive_marks(), "left switched on, or counted wrongly"
    _explained[0] = state.special
