"""The benchmark's rows for a GPU run there, and give what they give on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from benchmarks.rows import cuda

SMALL = [row for row in cuda.ROWS if "of 8" in row.name or "transformer" in row.name]


@pytest.mark.gpu
@pytest.mark.parametrize("row", SMALL, ids=lambda row: row.name)
@pytest.mark.parametrize("library", ["nbautograd", "captured"])
def test_a_row_gives_on_the_gpu_what_it_gives_on_the_cpu(row: Any, library: str):
    there, here = row.side(library), row.sides["nbautograd"](nb, "cpu")
    for _ in range(4):
        there.step()
        here.step()
    there.wait()
    for got, expected in zip(there.read(), here.read(), strict=True):
        np.testing.assert_allclose(got, expected, rtol=row.rtol, atol=1e-5)
