"""Writes down every public name of torch's namespaces, so that nobody needs torch to compare with them.

python -m tests.names.collect
"""

from __future__ import annotations

import importlib
import json
import types
import warnings
from pathlib import Path
from typing import Any

NAMES = Path(__file__).with_name("torch.json")

SPACES = (
    "torch",
    "torch.Tensor",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.utils",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.rnn",
    "torch.autograd",
    "torch.autograd.forward_ad",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.utils.data",
    "torch.utils.checkpoint",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.func",
    "torch.amp",
    "torch.cuda",
    "torch.accelerator",
    "torch.random",
    "torch.serialization",
    "torch.distributions",
)


def space(path: str, root: str) -> Any:
    """The module or class that `path` names, below the package `root` instead of torch."""
    if path == "torch.Tensor":
        return importlib.import_module(root).Tensor
    return importlib.import_module(root + path.removeprefix("torch"))


def public(owner: Any) -> list[str]:
    """The names that `owner` offers: no private ones, and none that it only imports from elsewhere."""
    return [name for name in dir(owner) if not name.startswith("_") and _own(owner, name)]


KEPT = {"Event", "Generator", "OutOfMemoryError", "Size", "Stream", "device", "dtype", "finfo", "iinfo", "layout"}
"""What torch's compiled half is home to and people use; the rest of it are the parts of its compiler."""


def _own(owner: Any, name: str) -> bool:
    if isinstance(owner, type):
        return True
    value = getattr(owner, name, None)
    listed = getattr(owner, "__all__", ())
    if isinstance(value, types.ModuleType):
        below = value.__name__ == f"{owner.__name__}.{name}"
        return below and (hasattr(value, "__path__") or owner.__name__ == "torch" or name in listed)
    if listed and owner.__name__ != "torch":
        return name in listed
    home = getattr(value, "__module__", None) or type(value).__module__
    compiled = home == "torch._C" or type(value).__name__ == "pybind11_type"
    if isinstance(value, type) and compiled and name not in KEPT:
        return False
    return home.startswith("torch") or isinstance(value, types.BuiltinFunctionType | float | None)


def main() -> None:
    import torch

    warnings.simplefilter("ignore")
    found = {path: public(space(path, "torch")) for path in SPACES}
    NAMES.write_text(json.dumps({"version": torch.__version__.partition("+")[0], "names": found}, indent=0) + "\n")
    print(f"{sum(map(len, found.values()))} names in {NAMES}")


if __name__ == "__main__":
    main()
