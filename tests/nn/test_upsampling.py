"""Layers that resize, pad, shuffle and unfold do as PyTorch's."""

import numpy as np
import pytest

import nbautograd

from .both import compare, same_error


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


ROW, IMAGE, VOLUME = rand(2, 3, 9), rand(2, 4, 4, 6), rand(2, 3, 5, 4, 6)

LAYERS = {
    "nearest": (lambda t: t.nn.Upsample(scale_factor=2), IMAGE),
    "nearest 1d": (lambda t: t.nn.Upsample(14), ROW),
    "nearest 2d": (lambda t: t.nn.UpsamplingNearest2d((5, 9)), IMAGE),
    "linear": (lambda t: t.nn.Upsample(scale_factor=1.7, mode="linear"), ROW),
    "bilinear": (lambda t: t.nn.Upsample(scale_factor=(2.0, 1.5), mode="bilinear"), IMAGE),
    "bilinear, corners": (lambda t: t.nn.UpsamplingBilinear2d(scale_factor=2), IMAGE),
    "bicubic": (lambda t: t.nn.Upsample((7, 3), mode="bicubic", align_corners=True), IMAGE),
    "trilinear": (lambda t: t.nn.Upsample(scale_factor=0.6, mode="trilinear", recompute_scale_factor=True), VOLUME),
    "pixels": (lambda t: t.nn.PixelShuffle(2), IMAGE),
    "pixels back": (lambda t: t.nn.PixelUnshuffle(2), IMAGE),
    "channels": (lambda t: t.nn.ChannelShuffle(2), IMAGE),
    "unfold": (lambda t: t.nn.Unfold((2, 3), dilation=1, padding=1, stride=2), IMAGE),
    "unfold one": (lambda t: t.nn.Unfold(2), IMAGE[0]),
    "fold": (lambda t: t.nn.Fold((4, 5), 2), rand(3, 8, 12)),
    "fold one": (lambda t: t.nn.Fold((3, 3), (2, 1)), rand(4, 6)),
    "constant 1d": (lambda t: t.nn.ConstantPad1d((1, 2), 3.5), ROW),
    "constant 2d": (lambda t: t.nn.ConstantPad2d((1, -1, 0, 2), 3.5), IMAGE),
    "constant 3d": (lambda t: t.nn.ConstantPad3d(1, 3.5), VOLUME),
    "zeros 1d": (lambda t: t.nn.ZeroPad1d(2), ROW),
    "zeros 2d": (lambda t: t.nn.ZeroPad2d((1, 2, 3, 4)), IMAGE),
    "zeros 3d": (lambda t: t.nn.ZeroPad3d(1), VOLUME),
    "mirror 1d": (lambda t: t.nn.ReflectionPad1d((3, 1)), ROW),
    "mirror 2d": (lambda t: t.nn.ReflectionPad2d(2), IMAGE),
    "mirror 3d": (lambda t: t.nn.ReflectionPad3d((1, 2, 3, 0, 1, 1)), VOLUME),
    "repeat 1d": (lambda t: t.nn.ReplicationPad1d(3), ROW),
    "repeat 2d": (lambda t: t.nn.ReplicationPad2d((9, 0, 2, 1)), IMAGE[0]),
    "repeat 3d": (lambda t: t.nn.ReplicationPad3d(1), VOLUME),
    "round 1d": (lambda t: t.nn.CircularPad1d((9, 1)), ROW),
    "round 2d": (lambda t: t.nn.CircularPad2d(2), IMAGE),
    "round 3d": (lambda t: t.nn.CircularPad3d((1, 2, 0, 0, 1, 3)), VOLUME),
}


@pytest.mark.parametrize(("build", "x"), LAYERS.values(), ids=LAYERS)
def test_output_gradient_and_text_are_pytorchs(build, x):
    torch = pytest.importorskip("torch")
    assert repr(build(nbautograd)) == repr(build(torch))
    compare(build(nbautograd), build(torch), [x])


def test_a_grid_without_align_corners_warns_as_pytorch():
    pytest.importorskip("torch")
    functional = nbautograd.nn.functional
    with pytest.warns(UserWarning, match="Default grid_sample and affine_grid behavior has changed"):
        grid = functional.affine_grid(nbautograd.eye(2, 3).unsqueeze(0), (1, 1, 4, 4))
    with pytest.warns(UserWarning, match="Default grid_sample and affine_grid behavior has changed"):
        same = functional.grid_sample(nbautograd.arange(16.0).reshape(1, 1, 4, 4), grid)
    np.testing.assert_allclose(same.flatten(), np.arange(16), atol=1e-5)


WRONG = """
F.interpolate(t.ones(1, 1, 4, 4))
F.interpolate(t.ones(1, 1, 4, 4), size=2, scale_factor=2)
F.interpolate(t.ones(1, 1, 4, 4), size=(2, 3, 4))
F.interpolate(t.ones(1, 1, 4, 4), scale_factor=(2.0, 3.0, 4.0))
F.interpolate(t.ones(1, 1, 4, 4), scale_factor=2, mode='linear')
F.interpolate(t.ones(1, 1, 4), scale_factor=2, mode='bilinear')
F.interpolate(t.ones(1, 1, 4), scale_factor=2, mode='cubic')
F.interpolate(t.ones(1, 1, 4), scale_factor=2, mode='nearest', align_corners=True)
F.interpolate(t.ones(1, 4), scale_factor=2)
F.interpolate(t.ones(1, 1, 4), size=0)
F.interpolate(t.ones(1, 1, 4), size=3, recompute_scale_factor=True)
F.interpolate(t.ones(1, 1, 4, 4), size=3, antialias=True)
F.grid_sample(t.ones(1, 1, 4, 4), t.ones(1, 2, 2, 3), align_corners=False)
F.grid_sample(t.ones(1, 1, 4, 4), t.ones(2, 2, 2, 2), align_corners=False)
F.grid_sample(t.ones(1, 1, 4, 4), t.ones(1, 2, 2, 2), mode='x')
F.grid_sample(t.ones(1, 1, 4, 4), t.ones(1, 2, 2, 2), padding_mode='x')
F.grid_sample(t.ones(1, 1, 4, 4, 4), t.ones(1, 2, 2, 2, 3), mode='bicubic', align_corners=False)
F.affine_grid(t.ones(1, 2, 3), (1, 1, 2), align_corners=False)
F.affine_grid(t.ones(1, 3, 3), (1, 1, 2, 2), align_corners=False)
F.affine_grid(t.ones(1, 2, 3).long(), (1, 1, 2, 2), align_corners=False)
F.pixel_shuffle(t.ones(1, 3, 4, 4), 2)
F.pixel_shuffle(t.ones(4, 4), 2)
F.pixel_shuffle(t.ones(1, 4, 4, 4), 0)
F.pixel_unshuffle(t.ones(1, 3, 5, 4), 2)
F.channel_shuffle(t.ones(1, 4, 4, 4), 3)
F.channel_shuffle(t.ones(1, 4), 2)
F.fold(t.ones(1, 12, 13), (4, 5), 2)
F.fold(t.ones(1, 11, 12), (4, 5), 2)
F.fold(t.ones(12), (4, 5), 2)
F.unfold(t.ones(1, 1, 1, 1), 2)
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
@pytest.mark.filterwarnings("ignore:Default grid_sample")
def test_bad_input_gets_pytorchs_error(expression):
    pytest.importorskip("torch")
    same_error(lambda t: eval(expression, {"t": t, "F": t.nn.functional}))
