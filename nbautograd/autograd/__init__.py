"""Differentiation under torch's names: backward and grad, functions of one's own, whole derivatives, and checks."""

from nbautograd.core.absent import refuse_in
from nbautograd.core.anomaly import detect_anomaly, set_detect_anomaly
from nbautograd.core.backward import backward, grad
from nbautograd.core.grad_mode import (
    enable_grad,
    is_multithreading_enabled,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from nbautograd.core.inference import inference_mode

from . import anomaly_mode, forward_ad, functional, grad_mode, graph
from .function import Function, once_differentiable
from .gradcheck import GradcheckError, gradcheck, gradgradcheck
from .variable import Variable

__getattr__ = refuse_in("autograd")

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_multithreading_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]
