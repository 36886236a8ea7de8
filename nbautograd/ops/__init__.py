"""The textbook: every differentiable function with its gradient rules, by theme.

`python -m tests.ops.catalogue` enters what a new file gives; see NOTE [Files are read when they are asked for].
"""

import importlib

from nbautograd.core.op import TABLE
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS, expect_methods
from nbautograd.ops import catalogue

EVERYDAY = """
    elementwise.operators elementwise.comparison elementwise.logic elementwise.signs elementwise.rounding
    elementwise.choice index.subscript shape.splitting shape.orders shape.views shape.facts convert.casts
    convert.facts create.numbers create.exchange create.old_types complex.parts linalg.products reduce.sums seam
"""
"""The files that are read at once: they give Python's operators and tensors' properties, or most programs use them."""


def homes(entries: str) -> dict[str, str]:
    """The module of every name, from lines as the catalogue has them."""
    lines = (line.split(": ") for line in entries.split("\n") if line)
    return {name: f"{__name__}.{file}" for file, names in lines for name in names.split()}


TABLE.expect(homes(catalogue.OPS))
FUNCTIONS.expect(homes(catalogue.FUNCTIONS))
FUNCTIONAL.expect(homes(catalogue.FUNCTIONAL))
expect_methods(homes(catalogue.METHODS))

for _file in EVERYDAY.split():
    importlib.import_module(f"{__name__}.{_file}")
