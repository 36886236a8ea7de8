"""The textbook: every differentiable function with its gradient rules, by theme."""

import importlib
import os
from collections.abc import Iterator


def _modules() -> Iterator[str]:
    """The files below this one; `pkgutil` would tell the same, in ten times the time."""
    root = os.path.dirname(__file__)
    for folder, _, files in os.walk(root):
        package = __name__ + folder.removeprefix(root).replace(os.sep, ".")
        yield from (f"{package}.{file[:-3]}" for file in files if file.endswith(".py") and file != "__init__.py")


for _module in sorted(_modules()):
    importlib.import_module(_module)

importlib.import_module(f"{__name__}.real_only").refuse_complex_numbers()
