"""A batch normalisation that has learnt joins the layer before it: one layer less to run."""

from __future__ import annotations

import copy
from typing import Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.nn.parameter import Parameter

Layer = Any


def fuse_conv_bn_eval(conv: Layer, bn: Layer, transpose: bool = False) -> Layer:
    """A convolution that does what `conv` and then `bn` do, both in eval mode (`transpose`: for transposed ones).

    Raises: AssertionError for layers in training, or without running means.
    """
    fused = _copied(conv, bn)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_eval(linear: Layer, bn: Layer) -> Layer:
    """A linear layer that does what `linear` and then `bn` do, both in eval mode.

    Raises: AssertionError for layers in training, without running means, or of sizes that do not fit.
    """
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got linear.out_features="
            f"{linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = _copied(linear, bn)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def _copied(layer: Layer, bn: Layer) -> Layer:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    return copy.deepcopy(layer)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution that normalises as well."""
    scale = (bn_rv + bn_eps).rsqrt() * (FUNCTIONS["ones_like"](bn_rm) if bn_w is None else bn_w)
    moved = -bn_rm if conv_b is None else conv_b - bn_rm
    bias = moved * scale + (0 if bn_b is None else bn_b)
    shape = (1, -1) if transpose else (-1, 1)
    weight = conv_w * scale.reshape(*shape, *(1,) * (conv_w.ndim - 2))
    kind = conv_w.dtype if conv_b is None else conv_b.dtype
    return (
        Parameter(weight.detach().to(conv_w.dtype), conv_w.requires_grad),
        Parameter(bias.detach().to(kind), conv_b is not None and conv_b.requires_grad),
    )


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer that normalises as well."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
