"""The tests that need a GPU, on a stand-in for CuPy: in a process of their own, so that nothing else meets it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from .standin import BANNER

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(importlib.util.find_spec("cupy") is not None, reason="CuPy is here: pytest -m gpu runs these")
def test_what_needs_a_gpu_passes_on_the_standin():
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "--cuda-standin=few", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run([*command, "tests/cuda", "tests/ops/test_table.py"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert BANNER in ran.stdout


def test_the_standin_has_no_name_that_cupy_lacks():
    from .standin import array, machine, memory
    from .standin.facts_of import FACTS

    for kind, name in (
        (array.ndarray, "cupy.ndarray"), (machine.Device, "cupy.cuda.Device"), (machine.Stream, "cupy.cuda.Stream"),
        (machine.Event, "cupy.cuda.Event"), (machine.Graph, "cupy.cuda.Graph"),
        (memory.MemoryPool, "cupy.cuda.MemoryPool"), (memory.MemoryPointer, "cupy.cuda.MemoryPointer"),
        (memory.MemoryHook, "cupy.cuda.MemoryHook"),
    ):  # fmt: skip
        assert {n for n in vars(kind) if not n.startswith("_")} <= FACTS[name].keys(), name
