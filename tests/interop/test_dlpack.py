"""DLPack: tensors and the arrays of other libraries share memory, in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb

DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_and_nbautograd_see_each_others_writes(dtype: str):
    torch = pytest.importorskip("torch")
    theirs = torch.zeros(3, dtype=getattr(torch, dtype))
    ours = nb.from_dlpack(theirs)
    theirs[0] = 1
    ours[1] = 1
    assert ours.tolist() == theirs.tolist() == [1, 1, 0]
    assert str(ours.dtype) == str(theirs.dtype)

    ours = nb.zeros(3, dtype=getattr(nb, dtype))
    theirs = torch.from_dlpack(ours)
    theirs[0] = 1
    ours[1] = 1
    assert ours.tolist() == theirs.tolist() == [1, 1, 0]
    assert theirs.data_ptr() == ours.data_ptr()


@pytest.mark.parametrize(
    "view", [lambda x: x.T, lambda x: x[:, 1], lambda x: x[1], lambda x: x[0, 0], lambda x: x[::2], lambda x: x[:0]]
)
def test_views_keep_their_steps(view: Any):
    torch = pytest.importorskip("torch")
    ours, theirs = nb.arange(12.0).view(4, 3), torch.arange(12.0).view(4, 3)
    assert torch.from_dlpack(view(ours)).tolist() == view(theirs).tolist()
    assert nb.from_dlpack(view(theirs)).tolist() == view(theirs).tolist()
    if view(theirs).numel():
        assert nb.from_dlpack(view(theirs)).stride() == view(theirs).stride()


def test_numpy_shares_memory():
    array = np.zeros(2)
    x = nb.from_dlpack(array)
    x[0] = 1
    back = np.from_dlpack(x)
    back[1] = 2
    assert array.tolist() == [1, 2]


def test_capsules_are_handed_over_once():
    from nbautograd.utils import dlpack

    x = nb.zeros(2)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0] = 1
    assert x.tolist() == [1, 0]
    assert x.__dlpack_device__() == (dlpack.DLDeviceType.kDLCPU, 0)
    assert nb.to_dlpack is dlpack.to_dlpack


def test_copies_are_made_when_asked_for():
    array = np.zeros(2)
    x = nb.from_dlpack(array, copy=True)
    x[0] = 1
    assert array.tolist() == [0, 0]
    assert nb.from_dlpack(array, device="cpu").tolist() == [0, 0]
    assert np.from_dlpack(nb.zeros(2), copy=True).tolist() == [0, 0]


def test_what_cannot_be_shared_is_refused_in_torchs_words():
    with pytest.raises(BufferError, match="Can't export tensors that require gradient"):
        np.from_dlpack(nb.ones(1, requires_grad=True))
    with pytest.raises(RuntimeError, match="from_dlpack received an invalid capsule"):
        nb.from_dlpack([1])
    with pytest.raises(AssertionError, match="stream should be None on cpu"):
        nb.ones(1).__dlpack__(stream=1)
    assert not hasattr(nb.ones(1), "__cuda_array_interface__")
    with pytest.raises(BufferError):
        nb.from_dlpack(np.zeros(2, "U1"))


def test_jax_shares_memory_by_the_same_protocol():
    jax = pytest.importorskip("jax")
    assert nb.from_dlpack(jax.numpy.arange(3)).tolist() == [0, 1, 2]
    assert jax.dlpack.from_dlpack(nb.arange(3.0)).tolist() == [0, 1, 2]
