"""Joined tensors lie in memory as torch's do, so that `view` works where it works there."""

import pytest

import nbautograd


@pytest.mark.parametrize("join", ["cat", "stack"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_permuted_tensors_are_joined_in_order(join: str, dim: int):
    torch = pytest.importorskip("torch")
    strides = [
        getattr(lib, join)([lib.zeros(4, 3, 2).permute(2, 1, 0)] * 2, dim).stride() for lib in (nbautograd, torch)
    ]
    assert strides[0] == strides[1]


@pytest.mark.parametrize("others", ["channels_last", "contiguous_format"])
def test_images_with_channels_last_are_joined_to_such_images(others: str):
    strides = []
    for lib in (nbautograd, pytest.importorskip("torch")):
        x = lib.zeros(2, 3, 4, 5).to(memory_format=lib.channels_last)
        strides.append(lib.cat([x, x.contiguous(memory_format=getattr(lib, others))], 1).stride())
    assert strides[0] == strides[1]


def test_what_is_joined_can_be_viewed():
    x = nbautograd.zeros(4, 3, 2).permute(2, 1, 0)
    assert nbautograd.cat([x, x], 1).view(6, 2, 4).shape == (6, 2, 4)


@pytest.mark.parametrize(("shifts", "dims"), [(1, 0), (0, 1), (2, None), ((1, 2), (0, 2))])
def test_what_is_moved_round_is_in_order(shifts, dims):
    torch = pytest.importorskip("torch")
    strides = [lib.zeros(4, 3, 2).permute(2, 1, 0).roll(shifts, dims).stride() for lib in (nbautograd, torch)]
    assert strides[0] == strides[1]
