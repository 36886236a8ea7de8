"""Names under the paths where torch has them too: `torch.nn.modules.conv.Conv2d` beside `torch.nn.Conv2d`.

Files here are cut by theme, and need not be cut as torch's are; what programs look up by torch's files is one table
for each package.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def stand_under(package: str, homes: Mapping[str, str], names: Mapping[str, Any]) -> None:
    """Make the modules `homes` below `package`, each with the names that the table gives it, out of `names`."""
    for path, held in homes.items():
        module = ModuleType(f"{package}.{path}", f"Names that torch has under this path, from {package}.")
        vars(module).update({name: names[name] for name in held.split()})
        parent, _, last = module.__name__.rpartition(".")
        setattr(sys.modules[parent], last, module)
        sys.modules[module.__name__] = module  # so that `from nbautograd.nn.modules.conv import Conv2d` finds it
