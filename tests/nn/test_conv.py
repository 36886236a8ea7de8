"""Layers of windows compute, differentiate, save and print as PyTorch's with the same weights."""

import numpy as np
import pytest

import nbautograd
from nbautograd import nn

from .both import compare, pair, same_error


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


ROW, IMAGE, VOLUME = rand(2, 4, 9), rand(2, 4, 6, 7), rand(2, 4, 4, 5, 3)

LAYERS = {
    "conv 1d": (lambda t: t.nn.Conv1d(4, 6, 3, padding=1), ROW),
    "conv 1d, unbatched": (lambda t: t.nn.Conv1d(4, 6, 3, stride=2), ROW[0]),
    "conv 2d": (lambda t: t.nn.Conv2d(4, 6, 3), IMAGE),
    "conv 2d, no bias": (lambda t: t.nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), bias=False), IMAGE),
    "conv 2d, groups": (lambda t: t.nn.Conv2d(4, 6, 2, groups=2, dilation=(2, 1)), IMAGE),
    "conv 2d, depthwise": (lambda t: t.nn.Conv2d(4, 8, 3, groups=4, padding=1), IMAGE),
    "conv 2d, same": (lambda t: t.nn.Conv2d(4, 3, (3, 4), padding="same", dilation=2), rand(2, 4, 9, 9)),
    "conv 2d, valid": (lambda t: t.nn.Conv2d(4, 3, 3, padding="valid"), IMAGE),
    "conv 2d, mirrored": (lambda t: t.nn.Conv2d(4, 3, 3, padding=(1, 2), padding_mode="reflect"), IMAGE),
    "conv 2d, repeated": (lambda t: t.nn.Conv2d(4, 3, 3, padding=1, padding_mode="replicate"), IMAGE),
    "conv 2d, circular": (lambda t: t.nn.Conv2d(4, 3, 4, padding="same", padding_mode="circular"), IMAGE),
    "conv 2d, unbatched": (lambda t: t.nn.Conv2d(4, 3, 3), IMAGE[0]),
    "conv 3d": (lambda t: t.nn.Conv3d(4, 3, 2, padding=1, stride=(1, 2, 1)), VOLUME),
    "transposed 1d": (lambda t: t.nn.ConvTranspose1d(4, 3, 3, stride=2), ROW),
    "transposed 2d": (lambda t: t.nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2), IMAGE),
    "transposed 2d, no bias": (lambda t: t.nn.ConvTranspose2d(4, 2, (2, 3), dilation=2, bias=False), IMAGE),
    "transposed 3d": (lambda t: t.nn.ConvTranspose3d(4, 2, 2, stride=2), VOLUME),
    "instance norm 1d": (lambda t: t.nn.InstanceNorm1d(4), ROW),
    "instance norm 2d": (lambda t: t.nn.InstanceNorm2d(4, affine=True), IMAGE),
    "instance norm, remembered": (lambda t: t.nn.InstanceNorm2d(4, affine=True, track_running_stats=True), IMAGE),
    "instance norm, evaluated": (lambda t: t.nn.InstanceNorm2d(4, track_running_stats=True).eval(), IMAGE),
    "instance norm, unbatched": (lambda t: t.nn.InstanceNorm2d(4, affine=True, bias=False), IMAGE[0]),
    "instance norm 3d": (lambda t: t.nn.InstanceNorm3d(4, eps=1e-3), VOLUME),
    "local response norm": (lambda t: t.nn.LocalResponseNorm(3, alpha=0.1, k=2.0), IMAGE),
    "local response norm 1d": (lambda t: t.nn.LocalResponseNorm(2), ROW),
    "local response norm 3d": (lambda t: t.nn.LocalResponseNorm(2), VOLUME),
    "a small network": (
        lambda t: t.nn.Sequential(
            t.nn.Conv2d(4, 5, 3, padding=1), t.nn.BatchNorm2d(5), t.nn.ReLU(), t.nn.MaxPool2d(2),
            t.nn.Conv2d(5, 3, 2), t.nn.Tanh(), t.nn.AdaptiveAvgPool2d(1), t.nn.Flatten(), t.nn.Linear(3, 2),
        ),
        IMAGE,
    ),
}  # fmt: skip
each_layer = pytest.mark.parametrize(("build", "x"), LAYERS.values(), ids=LAYERS)


@each_layer
def test_output_and_gradients_are_pytorchs(build, x):
    ours, theirs = pair(build)
    compare(ours, theirs, [x])
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-7)


@each_layer
def test_names_shapes_and_texts_are_pytorchs(build, x):
    torch = pytest.importorskip("torch")
    ours, theirs = build(nbautograd), build(torch)
    assert repr(ours) == repr(theirs)
    assert [(k, tuple(v.shape), str(v.dtype)) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape), str(v.dtype)) for k, v in theirs.state_dict().items()
    ]


@pytest.mark.parametrize(
    "build",
    [lambda t: t.nn.Conv2d(16, 60, 3), lambda t: t.nn.ConvTranspose1d(40, 30, 4), lambda t: t.nn.Conv3d(8, 60, 2)],
)
def test_weights_start_from_pytorchs_distribution(build):
    torch = pytest.importorskip("torch")
    nbautograd.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = dict(build(nbautograd).named_parameters()), dict(build(torch).named_parameters())
    for name, param in theirs.items():
        a, b = ours[name].detach().numpy(), param.detach().numpy()
        points = np.linspace(0.05, 0.95, 7)
        bound = abs(b).max()
        np.testing.assert_allclose(np.quantile(a, points), np.quantile(b, points), atol=5 * bound / np.sqrt(b.size))
        assert abs(a).max() <= bound * 1.1


@pytest.mark.parametrize("size", [(11, 13), (12, 14), (2, 3, 12, 13)])
def test_a_transposed_convolution_is_told_its_output_size(size):
    ours, theirs = pair(lambda t: t.nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1))
    import torch

    x = IMAGE
    out = ours(nbautograd.tensor(x), output_size=size)
    np.testing.assert_allclose(out.detach(), theirs(torch.tensor(x), output_size=size).detach(), rtol=1e-7, atol=1e-9)


LAZY = {
    "conv 1d": (lambda t: t.nn.LazyConv1d(3, 2), ROW, nn.Conv1d),
    "conv 2d": (lambda t: t.nn.LazyConv2d(6, 3, padding=1, groups=2), IMAGE, nn.Conv2d),
    "conv 3d": (lambda t: t.nn.LazyConv3d(3, 2, bias=False), VOLUME, nn.Conv3d),
    "transposed 2d": (lambda t: t.nn.LazyConvTranspose2d(6, 3, stride=2), IMAGE[0], nn.ConvTranspose2d),
    "batch norm 1d": (lambda t: t.nn.LazyBatchNorm1d(), ROW, nn.BatchNorm1d),
    "batch norm 2d": (lambda t: t.nn.LazyBatchNorm2d(affine=False), IMAGE, nn.BatchNorm2d),
    "batch norm 3d": (lambda t: t.nn.LazyBatchNorm3d(track_running_stats=False), VOLUME, nn.BatchNorm3d),
    "instance norm 2d": (lambda t: t.nn.LazyInstanceNorm2d(), IMAGE, nn.InstanceNorm2d),
}


@pytest.mark.parametrize(("build", "x", "becomes"), LAZY.values(), ids=LAZY)
def test_a_lazy_layer_takes_its_channels_from_the_first_input(build, x, becomes):
    torch = pytest.importorskip("torch")
    ours, theirs = build(nbautograd), build(torch)
    assert repr(ours) == repr(theirs)
    assert sum(nn.parameter.is_lazy(p) for p in ours.parameters()) == len(list(ours.parameters()))
    held = list(ours.parameters())
    out = ours(nbautograd.tensor(x, dtype=nbautograd.float32))
    assert tuple(out.shape) == tuple(theirs(torch.tensor(x, dtype=torch.float32)).shape)
    assert type(ours) is becomes
    assert repr(ours) == repr(theirs)
    assert all(a is b for a, b in zip(ours.parameters(), held, strict=True))
    assert [(k, tuple(v.shape)) for k, v in ours.state_dict().items()] == [
        (k, tuple(v.shape)) for k, v in theirs.state_dict().items()
    ]


def test_a_gradient_penalty_through_convolutions_is_pytorchs():
    """The second order of a whole critic, by its weights."""
    torch = pytest.importorskip("torch")
    ours, theirs = pair(
        lambda t: t.nn.Sequential(
            t.nn.Conv2d(4, 6, 3, stride=2, padding=1), t.nn.LeakyReLU(0.2), t.nn.Conv2d(6, 3, 2), t.nn.Tanh(),
            t.nn.AvgPool2d(2), t.nn.Flatten(), t.nn.Linear(3, 1),
        )
    )  # fmt: skip
    found = []
    for library, model in ((nbautograd, ours), (torch, theirs)):
        x = library.tensor(IMAGE, requires_grad=True)
        (slope,) = library.autograd.grad(model(x).sum(), x, create_graph=True)
        ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean().backward()
        found.append([p.grad.numpy() for p in model.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_a_large_input_is_convolved_in_bands():
    """A single image whose windows do not fit the work space: rows are done in turn."""
    torch = pytest.importorskip("torch")
    x, w = rand(1, 8, 130, 140).astype("float32"), rand(4, 8, 5, 5).astype("float32")
    grads = []
    for library in (nbautograd, torch):
        a, b = library.tensor(x, requires_grad=True), library.tensor(w, requires_grad=True)
        y = library.nn.functional.conv2d(a, b, padding=2)
        (y * y).sum().backward()
        grads.append((y.detach().numpy(), a.grad.numpy(), b.grad.numpy()))
    for ours, theirs in zip(*grads, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4 * abs(theirs).max())


WRONG = """
F.conv2d(t.ones(1, 4, 8, 8), t.ones(8, 3, 3, 3))
F.conv2d(t.ones(1, 8, 8, 3), t.ones(8, 3, 3, 3))
F.conv2d(t.ones(4, 8), t.ones(8, 3, 3, 3))
F.conv2d(t.ones(1, 3, 8, 8, 1), t.ones(8, 3, 3, 3))
F.conv1d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3))
F.conv3d(t.ones(1, 3, 8), t.ones(8, 3, 3, 3, 3))
F.conv2d(t.ones(1, 3, 2, 2), t.ones(8, 3, 3, 3))
F.conv1d(t.ones(1, 3, 2), t.ones(8, 3, 3))
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), stride=0)
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), dilation=0)
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), padding=-1)
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), t.ones(7))
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), t.ones(8, 1))
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), stride=2, padding='same')
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), padding='some')
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), stride=(1, 2, 3))
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), groups=2)
F.conv2d(t.ones(1, 6, 8, 8), t.ones(9, 3, 3, 3), groups=2)
F.conv2d(t.ones(1, 6, 8, 8), t.ones(8, 3, 3, 3), groups=0)
F.conv2d(t.ones(1, 3, 8, 8).double(), t.ones(8, 3, 3, 3))
F.conv2d(t.ones(1, 3, 8, 8), t.ones(8, 3, 3, 3), t.ones(8).double())
F.conv_transpose2d(t.ones(1, 4, 8, 8), t.ones(3, 8, 3, 3))
F.conv_transpose2d(t.ones(4, 8), t.ones(3, 8, 3, 3))
F.conv_transpose2d(t.ones(1, 3, 8, 8), t.ones(3, 8, 3, 3), t.ones(3))
F.conv_transpose2d(t.ones(1, 3, 8, 8), t.ones(3, 8, 3, 3), output_padding=1)
F.conv_transpose2d(t.ones(1, 3, 1, 1), t.ones(3, 8, 1, 1), padding=1)
t.nn.Conv2d(3, 4, 3, groups=2)
t.nn.Conv2d(4, 3, 3, groups=2)
t.nn.Conv2d(4, 4, 3, groups=0)
t.nn.Conv2d(4, 4, 3, padding='same', stride=2)
t.nn.ConvTranspose2d(4, 4, 3, padding_mode='reflect')
t.nn.ConvTranspose2d(1, 1, 3, stride=2)(t.ones(1, 1, 2, 2), output_size=(9, 9))
t.nn.ConvTranspose2d(1, 1, 3, stride=2)(t.ones(1, 1, 2, 2), output_size=(9,))
t.nn.InstanceNorm2d(3)(t.ones(3, 3))
t.nn.InstanceNorm1d(3)(t.ones(3))
t.nn.InstanceNorm1d(3)(t.ones(2, 3, 1))
t.nn.InstanceNorm2d(3, affine=True)(t.ones(1, 2, 3, 3))
t.nn.LocalResponseNorm(2)(t.ones(3))
t.nn.LazyConv2d(3, 2)(t.ones(2, 2))
F.pad(t.ones(4), (1, 1), mode='reflect')
F.pad(t.ones(1, 1, 4), (4, 1), mode='reflect')
F.pad(t.ones(1, 1, 4), (5, 1), mode='circular')
F.pad(t.ones(1, 1, 4, 4), (1, 1), mode='reflect')
F.pad(t.ones(1, 1, 4, 4), (1,))
F.pad(t.ones(1, 1, 4, 4), (1, 1) * 5)
F.pad(t.ones(1, 1, 4, 4), (-3, -3))
F.pad(t.ones(1, 1, 4, 4), (1, 1), mode='some')
F.pad(t.ones(1, 1, 4, 4), (1, 1, 1, 1), mode='reflect', value=2)
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_bad_input_gets_pytorchs_error(expression):
    pytest.importorskip("torch")
    same_error(lambda t: eval(expression, {"t": t, "F": t.nn.functional}))


def test_channels_that_stand_last_are_told():
    with pytest.raises(RuntimeError, match=r"hint: .*movedim\(-1, -3\)"):
        nn.Conv2d(3, 8, 3)(nbautograd.ones(1, 28, 28, 3))
