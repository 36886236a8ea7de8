"""nbautograd: PyTorch's autograd on NumPy and CuPy, with notebooks that draw what really ran.

import nbautograd as torch      # tutorial code runs unchanged
import nbautograd as nb         # nb.trace(), and `%load_ext nbautograd` in a notebook
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from nbautograd import ops as _ops  # noqa: F401  (fills the op table and the public names)
from nbautograd.core import dtype as _dtypes
from nbautograd.core.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
from nbautograd.core.array import Size, device
from nbautograd.core.dtype import dtype, get_default_dtype, set_default_dtype
from nbautograd.core.inference import inference_mode, is_inference_mode_enabled
from nbautograd.core.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from nbautograd.core.printing import set_printoptions
from nbautograd.core.public import FUNCTIONS as _FUNCTIONS
from nbautograd.core.tensor import Tensor

__version__ = "0.1.0"

inf, nan, pi, e = float("inf"), float("nan"), 3.141592653589793, 2.718281828459045
newaxis = None

globals().update({name: function for name, function in _FUNCTIONS.items() if name != "trace"})
globals().update({d.name: d for d in _dtypes.ALL})
half, float, double, short, int, long = (
    _dtypes.half,
    _dtypes.float,
    _dtypes.double,
    _dtypes.short,
    _dtypes.int,
    _dtypes.long,
)
cfloat, cdouble = _dtypes.cfloat, _dtypes.cdouble

_SUBMODULES = {
    "amp",
    "autograd",
    "core",
    "cuda",
    "export",
    "fft",
    "func",
    "linalg",
    "lint",
    "nn",
    "notebook",
    "ops",
    "optim",
    "special",
    "trace",
    "utils",
}

_LATER = {
    "accumulate": "nbautograd.trace.session",
    "check": "nbautograd.notebook.exercises",
    "hint": "nbautograd.notebook.exercises",
    "quiz": "nbautograd.notebook.quiz",
    "reveal": "nbautograd.notebook.exercises",
    "load_ipython_extension": "nbautograd.notebook.extension",
    "unload_ipython_extension": "nbautograd.notebook.extension",
}
"""Names that are imported when first used, so that `import nbautograd` needs NumPy only."""


def is_tensor(obj: object) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def is_inference(input: Tensor) -> bool:  # noqa: A002  (torch's name)
    """Whether `input` was made in `inference_mode`."""
    return input.is_inference()


def typename(obj: object) -> str:
    """The name of an object's type, such as `torch.FloatTensor`."""
    return obj.type() if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__name__}"


def __getattr__(name: str) -> Any:
    if name in _LATER:
        found = getattr(importlib.import_module(_LATER[name]), name)
    elif name in _SUBMODULES and importlib.util.find_spec(f"nbautograd.{name}") is not None:
        found = importlib.import_module(f"nbautograd.{name}")
    else:
        raise AttributeError(f"module 'nbautograd' has no attribute '{name}'")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *_SUBMODULES})


__all__ = [
    "Size",
    "Tensor",
    "device",
    "dtype",
    "enable_grad",
    "get_default_dtype",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference",
    "is_inference_mode_enabled",
    "is_tensor",
    "no_grad",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    *_FUNCTIONS,
    *(d.name for d in _dtypes.ALL),
]
