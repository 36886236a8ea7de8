"""Chains of elementwise ops as one compiled loop: what a captured step otherwise does block by block."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import WORTH, running

HEAD = '''"""A chain of a captured step, element by element."""

import math

import numpy as np

from nbautograd.fast.kernels.compiled import kernel
from nbautograd.fast.kernels.numbers import exp, tanh

F = np.{dtype}


@kernel({types})
def chain({parameters}):
    for i in range({first}.size):
'''


class Chain:
    """A loop over flat arrays, compiled by a thread when kernels are at work and it has been worth it.

    `lines` compute from the elements `x_i` of the arrays and from the numbers, and end with what goes into the results.
    """

    def __init__(self, dtype: str, arrays: list[str], numbers: list[str], results: list[str], lines: list[str]) -> None:
        several = f'"{dtype}[::1]"'
        types = [several] * len(arrays) + [f'"{dtype}"'] * len(numbers) + [several] * len(results)
        parameters = ", ".join([*arrays, *numbers, *results])
        head = HEAD.format(dtype=dtype, types=", ".join(types), parameters=parameters, first=results[0])
        body = [*(f"{name}_i = {name}[i]" for name in arrays), *lines]
        self.source = head + "".join(f"        {line}\n" for line in body)
        self._seen = 0
        self._kernel: Callable[..., None] | None = None
        self._thread: threading.Thread | None = None

    def __call__(self, *given: Any) -> bool:
        """Compute the results, if it is compiled and the arrays lie as it takes them; else the caller has to."""
        if not running:
            return False
        if self._kernel is None:
            self._count(given[-1].size)
            return False
        if not all(x.flags.c_contiguous for x in given):
            return False
        self._kernel(*given)
        return True

    def _count(self, size: int) -> None:
        self._seen += size
        if self._seen >= WORTH and self._thread is None:
            self._thread = threading.Thread(target=self._try, name="nbautograd.fast", daemon=True)
            self._thread.start()

    def _try(self) -> None:
        with contextlib.suppress(Exception):  # the caller goes on as it does now
            self.build()

    def build(self) -> None:
        """Compile the loop, or take it from the cache."""
        from . import cache

        name = f"nbautograd_chain_{hashlib.sha256(self.source.encode()).hexdigest()[:16]}"
        place = cache.folder() / f"{name}.py"
        if not place.exists():
            _write(place, self.source)
        spec: Any = importlib.util.spec_from_file_location(name, place)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # where what is cached looks for it
        spec.loader.exec_module(module)
        found: Any = module.chain
        found.compile(found.wanted[0])
        self._kernel = found


def _write(place: Path, text: str) -> None:
    """All of it or nothing: another process may be writing the same."""
    own = place.with_suffix(f".{os.getpid()}")
    own.write_text(text)
    own.replace(place)
