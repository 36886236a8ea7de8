"""A stand-in for CuPy, for tests on machines without a GPU: NumPy computes, under CuPy's names and CuPy's rules.

It is stricter than NumPy wherever CuPy is: arrays of the host are refused, results of one element stay on the device,
what CuPy lacks is missing, and memory that nobody wrote to holds rubbish. It counts how often a program would have
waited for the device. It says nothing about speed, nor about how a GPU rounds.
"""

from __future__ import annotations

import importlib.util

BANNER = "CUDA IS A STAND-IN: NumPy pretends to be CuPy, and no GPU takes part in this run"


def install() -> None:
    """Let `import cupy` find the stand-in.

    Raises: RuntimeError where the real CuPy is installed.
    """
    if importlib.util.find_spec("cupy") is not None:
        raise RuntimeError("CuPy is installed here: run the tests on the GPU, with pytest -m gpu")
    from .library import install

    install()
