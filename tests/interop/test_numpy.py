"""NumPy and tensors together: memory is shared, and NumPy's functions give what they give of PyTorch's tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from tests.ops.beside import both, expressions


@expressions("""
    np.sin(torch.arange(4.0))
    np.exp(torch.arange(4.0))
    np.sqrt(torch.tensor(4.0))
    np.abs(-torch.arange(4.0))
    np.sign(torch.arange(4.0))
    np.argmax(torch.arange(4.0))
    np.argsort(torch.arange(4.0))
    np.add(torch.arange(4.0), 1)
    np.add(torch.arange(4.0), np.ones(4))
    np.multiply(np.ones(4), torch.arange(4.0))
    np.maximum(torch.arange(4.0), 1)
    np.power(torch.arange(4.0), 2)
    np.isnan(torch.arange(4.0))
    np.greater(torch.arange(4.0), 1)
    np.logical_not(torch.arange(4.0))
    np.equal(torch.arange(4.0), torch.arange(4.0))
    np.matmul(torch.arange(4.0), torch.arange(4.0))
    np.dot(torch.arange(4.0), torch.arange(4.0))
    np.round(torch.arange(4.0) / 3)
    np.clip(torch.arange(4.0), 0, 1)
    np.cumsum(torch.arange(4.0))
    np.reshape(torch.arange(4.0), (2, 2))
    np.transpose(torch.arange(4.0))
    np.squeeze(torch.ones(1, 3))
    np.take(torch.arange(4.0), 1)
    np.split(torch.arange(4.0), 2)
    np.repeat(torch.arange(3.0), 2)
    np.nonzero(torch.arange(3.0))
    np.linspace(0, torch.tensor(1.0), 3)
    np.arange(torch.tensor(3))
    np.where(torch.arange(4.0) > 1, torch.arange(4.0), 0)
    np.concatenate([torch.arange(2.0), torch.arange(2.0)])
    np.stack([torch.arange(2.0), torch.arange(2.0)])
    np.vstack([torch.arange(2.0), torch.arange(2.0)])
    np.sort(torch.arange(4.0))
    np.unique(torch.arange(4.0))
    np.median(torch.arange(4.0))
    np.linalg.norm(torch.arange(4.0))
    np.linalg.inv(torch.eye(2))
    np.outer(torch.arange(2.0), torch.arange(2.0))
    np.einsum("i,i->", torch.arange(4.0), torch.arange(4.0))
    np.allclose(torch.arange(4.0), torch.arange(4.0))
    np.zeros_like(torch.arange(4.0))
    np.expand_dims(torch.arange(4.0), 0)
    np.shape(torch.ones(2, 3))
    np.count_nonzero(torch.arange(4.0))
    np.asarray(torch.arange(4.0))
    np.array([torch.tensor(1.0), torch.tensor(2.0)])
    np.array([torch.arange(2.0), torch.arange(2.0)])
    np.array(torch.arange(4.0), dtype=np.int64)
    np.float64(torch.tensor(2.0))
    torch.arange(4.0) + np.ones(4)
    torch.arange(4.0) * np.float64(2)
    np.float64(2) * torch.arange(4.0)
    np.float32(2) * torch.arange(4.0)
    np.int64(2) * torch.arange(4.0)
    np.float64(2) * torch.ones(2, requires_grad=True)
    np.ones(4) / torch.arange(1.0, 5)
    torch.arange(4.0) == np.ones(4)
    np.ones(4) == torch.arange(4.0)
    torch.arange(4.0) @ np.ones(4, dtype="float32")
    torch.arange(4.0)[np.array([0, 1])]
    torch.arange(4.0)[np.array([True, False, True, False])]
    np.ones(4)[torch.tensor([0, 1])]
    [1, 2, 3][torch.tensor(1)]
    np.sin(torch.ones(2, requires_grad=True))
    np.asarray(torch.ones(2, requires_grad=True))
    torch.ones(2, requires_grad=True).numpy(force=True)
    torch.ones(2, dtype=torch.bfloat16).numpy()
    torch.frombuffer(bytearray(range(8)), dtype=torch.int16)
    torch.frombuffer(bytearray(range(8)), dtype=torch.int16, count=2, offset=2)
    torch.frombuffer(bytearray(3), dtype=torch.int16)
    torch.frombuffer(bytearray(), dtype=torch.int16)
    torch.frombuffer(bytearray(4), dtype=torch.int16, count=9)
    torch.frombuffer(bytearray(4), dtype=torch.int16, offset=9)
    torch.from_numpy(np.array(["a"]))
    torch.from_numpy(np.ones(2, ">f4"))
    torch.from_numpy(np.ones(2, np.uint16))
    torch.asarray([1, 2])
    torch.asarray(np.ones(2), dtype=torch.float32)
""")
def test_numpy_with_tensors_gives_what_it_gives_with_pytorchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


def test_numpys_reductions_give_tensors():
    x = nb.arange(4.0)
    assert (np.sum(x), np.mean(x), np.max(x), np.prod(x), np.all(x)) == (6, 1.5, 3, 0, False)
    assert isinstance(np.mean(x), nb.Tensor)


def test_an_array_on_the_left_leaves_the_work_to_the_tensor():
    x = nb.ones(2, requires_grad=True)
    (np.array([2.0, 3.0], np.float32) * x).sum().backward()
    assert x.grad.tolist() == [2, 3]


SHARING: list[Any] = [
    nb.from_numpy,
    nb.as_tensor,
    nb.asarray,
    nb.from_dlpack,
    lambda a: nb.frombuffer(a, dtype=nb.float32),
]


@pytest.mark.parametrize("make", SHARING)
def test_what_one_side_writes_the_other_sees(make: Any):
    array = np.zeros(3, np.float32)
    x = make(array)
    array[0] = 1
    x[1] = 2
    x.add_(1)
    assert x.tolist() == array.tolist() == [2, 3, 1]
    assert np.shares_memory(x.numpy(), array)


def test_numpy_and_asarray_share_the_tensors_memory_and_array_copies():
    x = nb.zeros(2)
    shared, copied = np.asarray(x), np.array(x)
    x += 1
    assert shared.tolist() == [1, 1]
    assert copied.tolist() == [0, 0]
    assert np.asarray(x, copy=False) is not None
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)


def test_a_0d_tensor_shares_its_number():
    x = nb.tensor(1.0)
    array = x.numpy()
    array[()] = 3
    assert x.item() == 3
    x.fill_(4)
    assert array == 4


def test_asarray_copies_only_when_it_must_or_is_told_to():
    array = np.zeros(2, np.float32)
    assert np.shares_memory(nb.asarray(array, copy=False).numpy(), array)
    assert not np.shares_memory(nb.asarray(array, copy=True).numpy(), array)
    with pytest.raises(ValueError, match="can't alias"):
        nb.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match="can't alias"):
        nb.asarray(array, dtype=nb.float64, copy=False)


def test_an_array_that_cannot_be_written_is_taken_with_torchs_warning():
    array = np.zeros(2)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="is not writable"):
        nb.from_numpy(array)


def test_matplotlib_draws_tensors():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    lines, image, dots, counts, bars = figure.subplots(1, 5)
    x = nb.linspace(0, 1, 5)
    (line,) = lines.plot(x, x**2)
    assert line.get_xydata().tolist() == nb.stack([x, x**2], 1).tolist()
    lines.axhline(nb.tensor(0.5))
    image.imshow(nb.rand(4, 4))
    dots.scatter(x, x, c=x)
    counts.hist(nb.rand(10))
    bars.bar(["a", "b"], nb.tensor([1, 2]))
    figure.draw_without_rendering()
