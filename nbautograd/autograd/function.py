"""torch.autograd.function: functions with a backward of one's own."""

from .context import FunctionCtx
from .custom import Function, InplaceFunction
from .once import once_differentiable

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]
