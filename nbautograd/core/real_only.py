"""Which ops refuse complex numbers, or whole ones, as torch's kernels do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dtype import of_numpy

KERNELS = {
    "digamma": "digamma",
    "xlogy_cpu": "xlogy xlogy_of_number xlogy_by_number",
    "airy_ai_cpu": "airy_ai",
    "spherical_bessel_j0_cpu": "spherical_bessel_j0",
    "xlog1py_cpu": "xlog1py",
    "logit_cpu": "logit",
    "erf_vml_cpu": "erf",
    "erfc_vml_cpu": "erfc",
    "erfcx_cpu": "erfcx",
    "log_ndtr_cpu": "log_ndtr",
    "maximum_cpu": "clamp_min_tensor",
    "minimum_cpu": "clamp_max_tensor",
    "leaky_relu_cpu": "leaky_relu",
    "elu_cpu": "elu selu celu",
    "prelu_cpu": "prelu_kernel",
    "GeluKernelImpl": "gelu gelu_tanh",
    "hardsigmoid_cpu": "hardsigmoid",
    "hardswish_cpu": "hardswish",
    "softshrink_check": "softshrink",
    "hardshrink_cpu": "hardshrink",
    "threshold_cpu": "threshold",
    "softplus_cpu": "softplus",
    "mish_cpu": "mish",
    "log_sigmoid_cpu": "logsigmoid bce_with_logits",
    "glu_cpu": "glu",
    "lt_cpu": "lt",
    "le_cpu": "le",
    "gt_cpu": "gt",
    "ge_cpu": "ge",
    "round_vml_cpu": "round",
    "round_cpu": "round_decimals",
    "binary_cross_entropy": "bce",
    "nll_loss2d_forward_out_frame": "nll_loss nll_loss2d",
    "log_softmax_kernel_impl": "cross_entropy",
    "mse_cpu": "mse_loss",
    "huber_cpu": "huber",
    "smooth_l1_cpu": "smooth_l1",
    "GroupNormKernelImpl": "group_norm",
    "LayerNormKernelImpl": "layer_norm",
    "batch_norm": "batch_norm batch_norm_applied",
    "ctc_loss_cpu": "ctc_loss",
    "max_pool2d": "max_pool2d",
    "max_pool3d": "max_pool3d",
    "fractional_max_pool2d_out_frame": "fractional_max_pool2d",
    "fractional_max_pool3d_out_frame": "fractional_max_pool3d",
    "adaptive_max_pool2d": "adaptive_max_pool2d",
    "adaptive_max_pool3d_cpu": "adaptive_max_pool3d",
    "avg_pool2d": "avg_pool2d",
    "avg_pool3d_out_frame": "avg_pool3d",
    "adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "adaptive_avg_pool3d_cpu": "adaptive_avg_pool3d",
    "cummax_cpu": "cummax",
    "cummin_cpu": "cummin",
    "max_values_cpu": "amax",
    "min_values_cpu": "amin",
    "max_all": "max",
    "min_all": "min",
    "median_out": "median_dim nanmedian_dim",
    "kthvalue_cpu": "kthvalue",
    "mode_cpu": "mode",
    "median_cpu": "median nanmedian",
    "compute_indices_weights_linear": "upsample_linear1d upsample_trilinear3d",
    "upsample_bilinear2d_channels_last": "upsample_bilinear2d",
    "compute_index_ranges_weights": "upsample_bilinear2daa upsample_bicubic2daa",
    "compute_indices_weights_cubic": "upsample_bicubic2d",
    "compute_indices_weights_nearest": "upsample_nearest1d upsample_nearest3d "
    "upsample_nearestexact1d upsample_nearestexact3d",
    "upsample_nearest2d_channels_last": "upsample_nearest2d upsample_nearestexact2d",
}
"""Names of torch's kernels, as its errors show them, and the ops that run on them."""

SENTENCES = (
    (RuntimeError, "nansum on CPU does not support complex inputs", "nansum"),
    (
        NotImplementedError,
        "clamp is not supported for complex types",
        "clamp clamp_min clamp_max clamp_tensor relu hardtanh",
    ),
    (
        NotImplementedError,
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
        "sign",
    ),
    (RuntimeError, "maximum not implemented for complex tensors.", "maximum"),
    (RuntimeError, "minimum not implemented for complex tensors.", "minimum"),
    (RuntimeError, "fmax not implemented for complex tensors.", "fmax"),
    (RuntimeError, "fmin not implemented for complex tensors.", "fmin"),
    (RuntimeError, "heaviside is not yet implemented for complex tensors.", "heaviside"),
    (RuntimeError, "isposinf does not support complex inputs.", "isposinf"),
    (RuntimeError, "isneginf does not support complex inputs.", "isneginf"),
    (NotImplementedError, "signbit is not implemented for complex tensors.", "signbit"),
    (RuntimeError, "deg2rad is not supported for complex tensors.", "deg2rad"),
    (RuntimeError, "rad2deg is not supported for complex tensors.", "rad2deg"),
    (RuntimeError, "max(): does not support complex input", "max_dim"),
    (RuntimeError, "min(): does not support complex input", "min_dim"),
    (RuntimeError, " Sort does not support complex dtypes on CPU", "sort"),
    (RuntimeError, " topk does not support complex dtypes on CPU", "topk"),
)
"""Other errors of torch, and the ops that raise them."""


FRACTIONS = {
    "leaky_relu_cpu": "leaky_relu",
    "elu_cpu": "elu selu celu",
    "GeluKernelImpl": "gelu gelu_tanh",
    "silu_cpu": "silu",
    "softplus_cpu": "softplus",
    "hardswish_cpu": "hardswish",
    "hardsigmoid_cpu": "hardsigmoid",
    "hardshrink_cpu": "hardshrink",
    "softshrink_check": "softshrink",
    "log_sigmoid_cpu": "logsigmoid",
    "mish_cpu": "mish",
    "glu_cpu": "glu",
    "hypot_cpu": "hypot",
    "logaddexp_cpu": "logaddexp",
    "logaddexp2_cpu": "logaddexp2",
    "lerp_kernel_scalar": "lerp_number",
}
"""Names of torch's kernels for numbers with fractions only, and the ops that run on them."""


def refuse_other_numbers(op: Any) -> None:
    """Let the table entry raise torch's errors, if it has any, before it computes what nobody meant."""
    if op.name in _KERNEL_FOR_FRACTIONS:
        op.check = staticmethod(_no_whole_numbers(_KERNEL_FOR_FRACTIONS[op.name]))
    if op.name in _REFUSALS:
        op.real_only = _REFUSALS[op.name]


def _no_whole_numbers(kernel: str) -> Callable[..., Exception | None]:
    def check(*operands: Any) -> Exception | None:
        if any(getattr(x, "ndim", None) is not None and x.dtype.kind in "fcV" for x in operands):
            return None
        kinds = [of_numpy(x.dtype).tensor_type for x in operands if getattr(x, "dtype", None) is not None]
        return NotImplementedError(f"\"{kernel}\" not implemented for '{kinds[0]}'") if kinds else None

    return check


_KERNEL_FOR_FRACTIONS = {name: kernel for kernel, names in FRACTIONS.items() for name in names.split()}
_REFUSALS: dict[str, tuple[type[Exception], str]] = {
    **{
        name: (NotImplementedError, f"\"{kernel}\" not implemented for '{{dtype}}'")
        for kernel, names in KERNELS.items()
        for name in names.split()
    },
    **{name: (error, text) for error, text, names in SENTENCES for name in names.split()},
}
