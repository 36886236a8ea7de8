"""torch's old place for `torch.func.functional_call`."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def functional_call(module: Any, parameters_and_buffers: Any, args: Any = None, kwargs: Any = None, **how: Any) -> Any:
    """Call `module` with other parameters and buffers; see `torch.func.functional_call`."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future "
        "version of PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    func = importlib.import_module("nbautograd.func")
    return func.functional_call(module, parameters_and_buffers, args, kwargs, **how)
