"""Sequences of unequal length: packed for the recurrent layers, or padded to one tensor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nbautograd.core.absent import refuse_in
from nbautograd.core.call import wrap
from nbautograd.core.op import tensors
from nbautograd.core.public import FUNCTIONAL, FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.ops.packing import positions


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences of unequal length without padding: the first step of all, then the second of those that have one, ….

    `batch_sizes` says how many rows each step has. Made by `pack_padded_sequence` and `pack_sequence`.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"PackedSequence({fields})"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the rows to a device, or cast them."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the rows to a GPU."""
        return self._replace(data=self.data.cuda(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        """Move the rows to the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """Cast the rows to float64."""
        return self._replace(data=self.data.double())

    def float(self) -> PackedSequence:
        """Cast the rows to float32."""
        return self._replace(data=self.data.float())

    @property
    def is_cuda(self) -> bool:
        """Whether the rows are on a GPU."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes `permutation`."""
    if permutation is None:
        return None
    return wrap(np.argsort(permutation.cpu().numpy()).astype(np.int64)).to(permutation.device)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The sequences in `input`, of which `lengths` says how long each is, without their padding.

    Shape: input (T, N, …), or (N, T, …) with batch_first
    Raises: RuntimeError when there is not a positive length for each sequence, or the lengths are to fall and do not.
    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.nn.utils.rnn import pack_padded_sequence
        >>> x = torch.tensor([[1, 2, 3], [4, 5, 0]])
        >>> packed = pack_padded_sequence(x, [3, 2], batch_first=True)
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """
    sizes = np.asarray(lengths.cpu().numpy() if isinstance(lengths, Tensor) else lengths, np.int64)
    rows, order = input.transpose(0, 1) if batch_first else input, None
    if not enforce_sorted:
        by_length = np.argsort(-sizes, kind="stable").astype(np.int64)
        order, sizes = wrap(by_length).to(input.device), sizes[by_length]
        rows = rows.index_select(1, order)
    _check_lengths(sizes, rows)
    data = tensors.pack_padded_sequence(rows, index=positions(sizes))
    counts = (np.arange(sizes[0])[:, None] < sizes).sum(1).astype(np.int64)
    return PackedSequence(data, wrap(counts), order, None)


def _check_lengths(sizes: np.ndarray, rows: Tensor) -> None:
    if len(sizes) != rows.shape[1]:
        raise RuntimeError(
            "Expected `len(lengths)` to be equal to batch_size, "
            f"but got {len(sizes)} (batch_size={rows.shape[1]})\n  hint: with (N, T, …) say batch_first=True"
        )
    if (sizes <= 0).any():
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
            "requirement if you do not need ONNX exportability."
        )
    if sizes[0] > rows.shape[0]:
        raise RuntimeError(f"Expected lengths to be at most {rows.shape[0]}, but got {sizes[0]}")


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """A packed sequence as one padded tensor, and the lengths: undoes `pack_padded_sequence`.

    Raises: ValueError when `total_length` is shorter than the longest sequence.
    """
    counts = sequence.batch_sizes.numpy()
    longest = len(counts)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    lengths = (np.arange(counts[0]) < counts[:, None]).sum(0).astype(np.int64)
    shape = (total_length or longest, int(counts[0]), *sequence.data.shape[1:])
    padded = tensors.pad_packed_sequence(sequence.data, index=positions(lengths), shape=shape, value=padding_value)
    padded = padded.transpose(0, 1) if batch_first else padded
    order = sequence.unsorted_indices
    if order is None:
        return padded, wrap(lengths)
    return padded.index_select(0 if batch_first else 1, order), wrap(lengths[order.cpu().numpy()])


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Tensors of unequal length as one, shorter ones filled up with `padding_value`.

    Shape: each (Lᵢ, …) → (max L, N, …), or (N, max L, …) with batch_first
    Raises: RuntimeError when `sequences` is no iterable of tensors, or for an unknown side.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    parts = list(sequences.unbind(0) if isinstance(sequences, Tensor) else sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(part.shape[0] for part in parts)
    filled = [_filled(part, longest - part.shape[0], padding_value, padding_side) for part in parts]
    return FUNCTIONS["stack"](filled, 0 if batch_first else 1)


def _filled(part: Tensor, missing: int, value: float, side: str) -> Tensor:
    amounts = (0, 0) * (part.ndim - 1) + ((missing, 0) if side == "left" else (0, missing))
    return part if missing == 0 else FUNCTIONAL["pad"](part, amounts, value=value)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences in one padded tensor, each of its own length: undoes `pad_sequence`."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [padded_sequences[i, :n] for i, n in enumerate(lengths.tolist())]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Tensors of unequal length as a packed sequence.

    Example:
        >>> import nbautograd as torch
        >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])]).data
        tensor([1, 4, 2, 3])
    """
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed one: undoes `pack_sequence`."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)


__getattr__ = refuse_in("nn.utils.rnn")
