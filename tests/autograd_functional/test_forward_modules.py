"""Modules in forward mode: their tangents are those of two backward passes, and both orders of two modes agree."""

import numpy as np
import pytest

import nbautograd
from nbautograd import func, nn
from nbautograd.autograd import functional

DRAW = np.random.default_rng(0)
ROWS, IMAGES = DRAW.standard_normal((2, 3, 4)), DRAW.standard_normal((2, 3, 6, 6))

MODULES = {
    "Linear": (lambda: nn.Linear(4, 5), ROWS),
    "Bilinear": (lambda: nn.Bilinear(4, 4, 3), ROWS),
    "Conv1d": (lambda: nn.Conv1d(3, 4, 2), ROWS),
    "Conv2d": (lambda: nn.Conv2d(3, 4, 3), IMAGES),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(3, 4, 3), IMAGES),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), IMAGES),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), IMAGES),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d(2), IMAGES),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3), IMAGES),
    "BatchNorm2d without a batch": (lambda: nn.BatchNorm2d(3).eval(), IMAGES),
    "LayerNorm": (lambda: nn.LayerNorm(4), ROWS),
    "GroupNorm": (lambda: nn.GroupNorm(3, 3), IMAGES),
    "LSTM": (lambda: nn.LSTM(4, 5), ROWS),
    "GRU": (lambda: nn.GRU(4, 5), ROWS),
    "RNN": (lambda: nn.RNN(4, 5), ROWS),
    "LSTMCell": (lambda: nn.LSTMCell(4, 5), ROWS[0]),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2), ROWS),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0), ROWS),
    "PReLU": (lambda: nn.PReLU(), ROWS),
    "LogSoftmax": (lambda: nn.LogSoftmax(1), ROWS),
    "Upsample": (lambda: nn.Upsample(scale_factor=2), IMAGES),
}
INPUTS = {"Bilinear": 2, "MultiheadAttention": 3}


def first(result):
    while isinstance(result, tuple):
        result = result[0]
    return result


@pytest.mark.parametrize("name", MODULES)
def test_a_module_moves_with_its_input_and_its_parameters(name):
    nbautograd.manual_seed(0)
    make, data = MODULES[name]
    module = make().double()
    x, v = nbautograd.from_numpy(data.copy()), nbautograd.from_numpy(np.cos(data))
    names, values = (
        zip(*[(k, p.detach()) for k, p in module.named_parameters()], strict=True)
        if any(True for _ in module.parameters())
        else ((), ())
    )

    def call(x, *values):
        given = dict(zip(names, values, strict=True))
        return first(func.functional_call(module, given, (x,) * INPUTS.get(name, 1)))

    args, vs = (x, *values), (v, *[p.cos() for p in values])
    _, pushed = func.jvp(call, args, vs)
    _, twice = functional.jvp(call, args, vs)
    np.testing.assert_allclose(pushed.numpy(), twice.numpy(), rtol=1e-8, atol=1e-10)

    def loss(*args):
        return call(*args).sin().sum()

    every = tuple(range(len(args)))
    forward = func.jvp(func.grad(loss, argnums=every), args, vs)[1]
    reverse = functional.hvp(loss, args, vs)[1]
    for a, b in zip(forward, reverse, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-7, atol=1e-9)
