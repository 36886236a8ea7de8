"""Differentiation under torch's names: backward and grad, functions of one's own, whole derivatives, and checks."""

from nbautograd.core.modes import detect_anomaly, enable_grad, no_grad, set_detect_anomaly, set_grad_enabled
from nbautograd.core.walk import backward, grad

from . import functional, graph
from .function import Function, once_differentiable
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]
