"""Helpers for parameters and gradients, under torch's names."""

from nbautograd.core.absent import refuse_in

from . import rnn
from .convert import parameters_to_vector, vector_to_parameters
from .gradients import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

__getattr__ = refuse_in("nn.utils")

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
