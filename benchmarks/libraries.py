"""The libraries that are compared, by the names the table gives them."""

import importlib
from functools import cache
from types import ModuleType

REFERENCE = "torch"
SUBJECT = "nbautograd"
CAPTURED = "captured"
LIBRARIES = {
    "nbautograd": "nbautograd",
    "torch": "torch",
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
    for name, module in LIBRARIES.items():
        try:
            found[name] = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module.partition(".")[0]:  # the library is there, and broken
                raise
    if "torch" in found:
        found["torch"].set_num_threads(1)
    return found
