"""Making tensors: values, dtypes and errors are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import nbautograd as nb

from .beside import both, expressions


@expressions("""
    torch.tensor(3)
    torch.tensor(3.0)
    torch.tensor(True)
    torch.tensor(2j)
    torch.tensor(np.float64(2))
    torch.tensor([np.float64(2)])
    torch.tensor([np.float32(2), 1.0])
    torch.tensor([np.int32(2)])
    torch.tensor(np.int32(2))
    torch.tensor([np.array([1.0, 2.0])])
    torch.tensor([np.array([1, 2], dtype="int32")])
    torch.tensor([torch.tensor(1.0), 2])
    torch.tensor([torch.tensor([1.0, 2.0])])
    torch.tensor([torch.tensor([1.0])])
    torch.tensor([torch.tensor(1.0, dtype=torch.float64)])
    torch.tensor([torch.tensor(1, dtype=torch.int32)])
    torch.tensor([torch.tensor(1.0, requires_grad=True), 2.0])
    torch.tensor([2.0, torch.tensor(1.0, requires_grad=True)])
    torch.tensor([[1, 2], [3]])
    torch.tensor([[1], 2])
    torch.tensor("a")
    torch.tensor(["a"])
    torch.tensor(None)
    torch.tensor([None])
    torch.tensor([])
    torch.tensor([[]])
    torch.tensor(range(3))
    torch.tensor((1, True))
    torch.tensor([1, 2.0])
    torch.tensor([1, 2j])
    torch.tensor([2**70])
    torch.tensor([2.0**140])
    torch.tensor(1, requires_grad=True)
    torch.tensor({1})
    torch.tensor(object())
    torch.tensor([1.5], dtype=torch.int64)
    torch.tensor([300], dtype=torch.uint8)
    torch.tensor([-1], dtype=torch.uint8)
    torch.tensor(1.5, dtype=torch.bool)
    torch.tensor([1, 2], dtype=float)
    torch.tensor([0.1], dtype="float32")
    torch.tensor([[True, False]])
    torch.tensor([1.0, nan])
    torch.tensor(torch.ones(2))
    torch.as_tensor([1.0, 2])
    torch.as_tensor(3)
    torch.as_tensor(np.array([1, 2]), dtype=torch.float32)
    torch.asarray(np.ones(2))
    torch.from_numpy([1])
    torch.from_numpy(np.arange(3)[::-1])
    torch.from_numpy(np.arange(3, dtype="int16"))
    torch.scalar_tensor(3)
    torch.scalar_tensor(3, dtype=torch.int64)
""")
def test_numbers_become_tensors_as_in_torch(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


@expressions("""
    torch.zeros(2, 3)
    torch.zeros((2, 3))
    torch.zeros([2, 3]).shape
    torch.zeros(size=(2,))
    torch.zeros(())
    torch.zeros(torch.tensor(2))
    torch.zeros(np.int64(2))
    torch.zeros(-1)
    torch.zeros(2, dtype=int)
    torch.zeros(2, requires_grad=True)
    torch.ones(2, dtype=torch.int64, requires_grad=True)
    torch.ones(torch.Size([2]))
    torch.empty(2, 0)
    torch.full((2,), 1)
    torch.full((2,), True)
    torch.full((2,), 1.0)
    torch.full((2,), 1j)
    torch.full((), 3.0)
    torch.full((2,), 3, dtype=torch.float64)
    torch.eye(2, 3)
    torch.eye(3)
    torch.eye(-1)
    torch.zeros_like([1])
    torch.ones_like(torch.arange(3), dtype=torch.float32)
    torch.full_like(torch.arange(2), 1.5)
    torch.zeros_like(torch.tensor(2.0))
    torch.zeros(3).new_tensor([1, 2])
    torch.zeros(3).new_tensor([1.5, 2], dtype=torch.int64)
    torch.zeros(3).new_ones(2, 2)
    torch.zeros(3, dtype=torch.float64).new_zeros((2,))
    torch.zeros(3).new_full((2,), 3)
    torch.tril_indices(3, 3)
    torch.triu_indices(3, 4, 1)
    torch.FloatTensor([1, 2])
    torch.FloatTensor(2, 0)
    torch.FloatTensor()
    torch.LongTensor([1.5])
    torch.ByteTensor([1, 2])
    torch.Tensor(3).shape
    torch.Tensor([1, 2])
    torch.Tensor(3.0)
    isinstance(torch.ones(2), torch.FloatTensor)
    isinstance(torch.arange(2), torch.FloatTensor)
    torch.ones(2).type()
    torch.arange(2).type()
    torch.ones(2).type(torch.LongTensor)
    torch.ones(2).type("torch.DoubleTensor")
""")
def test_filled_tensors_are_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


@expressions("""
    torch.arange(5)
    torch.arange(5.0)
    torch.arange(1, 4, 0.5)
    torch.arange(3, 0, -1)
    torch.arange(3, 0)
    torch.arange(0, 3, 0)
    torch.arange(torch.tensor(3))
    torch.arange(torch.tensor(3.0))
    torch.arange(0, 1, 0.1)
    torch.arange(0, 1, 0.1, dtype=torch.float64).tolist()
    torch.arange(0, 2, 0.3).tolist()
    torch.arange(5, dtype=torch.float32)
    torch.arange(3, requires_grad=True)
    torch.arange(3.0, requires_grad=True)
    torch.range(1, 3)
    torch.linspace(0, 1, 5)
    torch.linspace(0, 10, 3, dtype=torch.int64)
    torch.linspace(0, 1, 0)
    torch.linspace(0, 1, 1)
    torch.linspace(0, 1, -1)
    torch.linspace(-3, 3, 13)
    torch.linspace(0, 1, 7, dtype=torch.float64).tolist()
    torch.linspace(-5.5, 7.25, 100).tolist()
    torch.logspace(0, 2, 3)
    torch.logspace(-1, 1, 5, base=2)
""")
def test_ranges_are_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


def test_from_numpy_shares_memory():
    array = np.zeros(3, np.float32)
    t = nb.from_numpy(array)
    array[0] = 1
    t[1] = 2
    assert t.tolist() == [1, 2, 0]
    assert array.tolist() == [1, 2, 0]


def test_tensor_copies_and_as_tensor_shares():
    array = np.zeros(2, np.float32)
    copied, shared = nb.tensor(array), nb.as_tensor(array)
    array += 1
    assert copied.tolist() == [0, 0]
    assert shared.tolist() == [1, 1]
    assert nb.as_tensor(shared) is shared


def test_making_a_tensor_of_a_tensor_warns_as_torch_does():
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        nb.tensor(nb.ones(2))


def test_a_0d_array_from_numpy_stays_shared():
    array = np.array(1.0)
    t = nb.from_numpy(array)
    array[()] = 5
    assert t.item() == 5


def test_out_receives_the_result():
    out = nb.zeros(3)
    assert nb.ones(3, out=out) is out
    assert out.tolist() == [1, 1, 1]
    nb.exp(nb.zeros(3), out=out)
    assert out.tolist() == [1, 1, 1]
