"""The libraries that are compared, by the names the table gives them."""

import importlib
import importlib.util
from types import ModuleType

REFERENCE = "torch"
SUBJECT = "nbautograd"
CAPTURED = "captured"
FAST = "with numba"
RECORDED = "recorded"
VARIANTS = (FAST, CAPTURED, RECORDED)  # of ours
LIBRARIES = {
    "nbautograd": "nbautograd",
    "torch": "torch",
    "with numba": "nbautograd",
    "captured": "nbautograd",
    "recorded": "nbautograd",
    "mygrad": "mygrad",
    "HIPS autograd": "autograd",
    "micrograd": "micrograd.engine",
    "JAX": "jax",
    "tinygrad": "tinygrad",
    "NumPy": "numpy",
}


def installed() -> list[str]:
    """Those that can be imported here, in the table's order."""
    needs = {name: {module.partition(".")[0]} for name, module in LIBRARIES.items()}
    needs[FAST].add("numba")
    return [name for name in LIBRARIES if all(importlib.util.find_spec(module) for module in needs[name])]


def load(name: str) -> ModuleType:
    """Import a library, alone: what runs in this process is one library's."""
    return importlib.import_module(LIBRARIES[name])
