"""The libraries that are compared, by the names the table gives them."""

import importlib
import importlib.util
import os
from functools import cache
from types import ModuleType

REFERENCE = "torch"
SUBJECT = "nbautograd"
CAPTURED = "captured"
FAST = "with numba"
LIBRARIES = {
    "nbautograd": "nbautograd",
    "torch": "torch",
    "with numba": "nbautograd",
    "captured": "nbautograd",
    "mygrad": "mygrad",
    "HIPS autograd": "autograd",
    "micrograd": "micrograd.engine",
    "NumPy": "numpy",
}


@cache
def installed() -> dict[str, ModuleType]:
    """Those that can be imported here, in the table's order."""
    found = {}
    os.environ["NBAUTOGRAD_FAST"] = "0"  # kernels run on their own side only
    for name, module in LIBRARIES.items():
        try:
            found[name] = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module.partition(".")[0]:  # the library is there, and broken
                raise
    if importlib.util.find_spec("numba") is None:
        found.pop(FAST, None)
    if "torch" in found:
        found["torch"].set_num_threads(1)
    return found
