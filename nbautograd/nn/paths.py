"""torch.nn's names under the files where torch has them: `torch.nn.modules.batchnorm._BatchNorm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from typing import Any

from nbautograd.core.paths import stand_under

from .conv import _Conv
from .instance_norm import _InstanceNorm
from .loss import _Loss
from .normalization import _BatchNorm, _NormBase

HOMES = {
    "modules.activation": (
        "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish "
        "MultiheadAttention PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink "
        "Softsign Tanh Tanhshrink Threshold"
    ),
    "modules.adaptive": "AdaptiveLogSoftmaxWithLoss",
    "modules.batchnorm": (
        "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d _NormBase _BatchNorm"
    ),
    "modules.channelshuffle": "ChannelShuffle",
    "modules.container": "Container ModuleDict ModuleList ParameterDict ParameterList Sequential",
    "modules.conv": (
        "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d LazyConv2d LazyConv3d "
        "LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d _ConvNd"
    ),
    "modules.distance": "CosineSimilarity PairwiseDistance",
    "modules.dropout": "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout",
    "modules.flatten": "Flatten Unflatten",
    "modules.fold": "Fold Unfold",
    "modules.instancenorm": (
        "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d "
        "_InstanceNorm"
    ),
    "modules.linear": "Bilinear Identity LazyLinear Linear",
    "modules.loss": (
        "BCELoss BCEWithLogitsLoss CTCLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
        "HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
        "MultiMarginLoss NLLLoss PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss "
        "TripletMarginWithDistanceLoss _Loss"
    ),
    "modules.module": "Module",
    "modules.normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
    "modules.padding": (
        "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d "
        "ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d ZeroPad2d "
        "ZeroPad3d"
    ),
    "modules.pixelshuffle": "PixelShuffle PixelUnshuffle",
    "modules.pooling": (
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d "
        "AvgPool1d AvgPool2d AvgPool3d FractionalMaxPool2d FractionalMaxPool3d LPPool1d LPPool2d LPPool3d MaxPool1d "
        "MaxPool2d MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d"
    ),
    "modules.rnn": "GRU GRUCell LSTM LSTMCell RNN RNNBase RNNCell RNNCellBase",
    "modules.sparse": "Embedding EmbeddingBag",
    "modules.transformer": (
        "Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer"
    ),
    "modules.upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    "modules.utils": "_single _pair _triple _quadruple",
}


def _as_tuple(count: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function that gives a number `count` times, and a sequence as a tuple."""
    return lambda value: tuple(value if isinstance(value, Iterable) else repeat(value, count))


def stand(package: str, names: Mapping[str, Any]) -> None:
    """Make `torch.nn.modules` and what is below it, of the package's public `names`."""
    sizes = {"_single": _as_tuple(1), "_pair": _as_tuple(2), "_triple": _as_tuple(3), "_quadruple": _as_tuple(4)}
    bases = {base.__name__: base for base in (_BatchNorm, _InstanceNorm, _Loss, _NormBase)} | {"_ConvNd": _Conv}
    layers = [name for name, value in names.items() if isinstance(value, type) and not name.startswith("_")]
    stand_under(package, {"modules": " ".join(layers), **HOMES}, {**names, **sizes, **bases})
