"""Names under the paths where torch has them too: `torch.nn.modules.conv.Conv2d` beside `torch.nn.Conv2d`.

Files here are cut by theme, and need not be cut as torch's are; what programs look up by torch's files is one table
for each package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .absent import absent


def stand_under(package: str, homes: Mapping[str, str], names: Mapping[str, Any]) -> None:
    """Make the modules `homes` below `package`, each with the names that the table gives it, out of `names`."""
    for path, held in homes.items():
        module = ModuleType(f"{package}.{path}", f"Names that torch has under this path, from {package}.")
        vars(module).update({name: names[name] for name in held.split()})
        parent, _, last = module.__name__.rpartition(".")
        setattr(sys.modules[parent], last, module)
        sys.modules[module.__name__] = module  # so that `from nbautograd.nn.modules.conv import Conv2d` finds it


def refuse_at_use(package: str, paths: str) -> None:
    """Let programs import what is not here at their top: what they then ask of it is refused, with the reason.

    `import torch.onnx` runs in many a program that exports only when told to. The modules are not attributes of
    their parents, so that `torch.onnx` and `hasattr` say no as before.
    """
    for path in paths.split():
        module = ModuleType(f"{package}.{path}", f"torch.{path} is not here, and says so when it is used.")
        vars(module)["__getattr__"] = _refusing(*path.rpartition(".")[::2])
        sys.modules[module.__name__] = module


def _refusing(space: str, last: str) -> Callable[[str], Any]:
    def missing(name: str) -> Any:
        raise absent(space, last)

    return missing
