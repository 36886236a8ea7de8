"""The textbook: every differentiable function with its gradient rules, by theme."""

import importlib
import pkgutil

for _module in sorted(module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.")):
    importlib.import_module(_module)

importlib.import_module(f"{__name__}.real_only").refuse_complex_numbers()
