"""nbautograd: PyTorch's autograd on NumPy and CuPy, with notebooks that draw what really ran.

import nbautograd as torch      # tutorial code runs unchanged
import nbautograd as nb         # nb.trace(), and `%load_ext nbautograd` in a notebook
"""

from __future__ import annotations

import importlib
import importlib.util
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import Any

from nbautograd import ops as _ops  # noqa: F401  (fills the op table and the public names)
from nbautograd.core import dtype as _dtypes
from nbautograd.core.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
from nbautograd.core.array import Size
from nbautograd.core.device import device, get_default_device, set_default_device
from nbautograd.core.dtype import dtype, get_default_dtype, set_default_dtype
from nbautograd.core.grad_mode import enable_grad, no_grad, set_grad_enabled
from nbautograd.core.inference import inference_mode, is_inference_mode_enabled
from nbautograd.core.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from nbautograd.core.limits import finfo, iinfo
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.paths import refuse_at_use as _refuse_at_use
from nbautograd.core.printing import set_printoptions
from nbautograd.core.public import FUNCTIONS as _FUNCTIONS
from nbautograd.core.tensor import Tensor

__version__ = "0.1.0"

newaxis = None

globals().update({name: function for name, function in _FUNCTIONS.found.items() if name != "trace"})
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

_MODULES = (
    "accelerator amp autograd backends compiler core cuda distributed distributions export fft func functional jit "
    "linalg lint mps nn notebook ops optim random replay serialization settings signal special testing trace utils "
    "version xpu"
)
_SUBMODULES = frozenset(_MODULES.split())

_BY_HOME = {
    "nbautograd.compiler": "compile",
    "nbautograd.func": "vmap",
    "nbautograd.nn.functional": "bilinear celu_ pairwise_distance rms_norm rrelu_ selu_ threshold_",
    "nbautograd.notebook.exercises": "check hint reveal",
    "nbautograd.notebook.extension": "load_ipython_extension unload_ipython_extension",
    "nbautograd.notebook.quiz": "quiz",
    "nbautograd.serialization": "load save",
    "nbautograd.settings": (
        "are_deterministic_algorithms_enabled get_deterministic_debug_mode get_float32_matmul_precision "
        "get_num_interop_threads get_num_threads is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled "
        "keep_memory set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal "
        "set_num_interop_threads set_num_threads set_warn_always use_deterministic_algorithms"
    ),
    "nbautograd.cuda": "Event OutOfMemoryError Stream",
    "nbautograd.amp": (
        "GradScaler autocast autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache "
        "get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype is_autocast_cache_enabled "
        "is_autocast_cpu_enabled is_autocast_enabled set_autocast_cache_enabled set_autocast_cpu_dtype "
        "set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype"
    ),
    "nbautograd.replay": "capture",
    "nbautograd.trace.memory": "memory",
    "nbautograd.trace.session": "accumulate",
}
_LATER = {name: home for home, names in _BY_HOME.items() for name in names.split()}
"""Names that are imported when first used, so that `import nbautograd` needs NumPy only."""


_refuse_at_use(
    __name__,
    "fx hub library masked multiprocessing nested onnx overrides profiler sparse autograd.profiler utils.benchmark "
    "utils.cpp_extension utils.data.distributed utils.flop_counter utils.model_zoo utils.tensorboard "
    "distributed.checkpoint distributed.fsdp distributed.optim distributed.rpc",
)


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
    if name in _LATER and importlib.util.find_spec(_LATER[name]) is not None:
        found = getattr(importlib.import_module(_LATER[name]), name)
    elif name in _SUBMODULES and importlib.util.find_spec(f"nbautograd.{name}") is not None:
        found = importlib.import_module(f"nbautograd.{name}")
    elif name in _FUNCTIONS:
        found = _FUNCTIONS[name]
    else:
        raise importlib.import_module("nbautograd.core.absent").absent("", name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, *_SUBMODULES, *_FUNCTIONS})


__all__ = [
    "Size",
    "Tensor",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "device",
    "dtype",
    "enable_grad",
    "finfo",
    "get_default_device",
    "get_default_dtype",
    "iinfo",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference",
    "is_inference_mode_enabled",
    "is_tensor",
    "layout",
    "memory_format",
    "no_grad",
    "preserve_format",
    "set_default_device",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "strided",
    *_FUNCTIONS,
    *(d.name for d in _dtypes.ALL),
]
