"""Connectionist temporal classification: a sequence of labels against frames that nobody aligned to it.

NOTE [CTC]
Between the labels lie blanks: `l₁ l₂` becomes the states `_ l₁ _ l₂ _`, and a path goes through them from left to
right, one state per frame: it stays, steps on, or skips a blank between two labels that differ. `forward` adds up the
probabilities of all paths to each state, frame by frame; the same from the end gives how much each state is visited.
torch's gradient, and so this one, is that of the scores *before* a log-softmax: softmax less how often each class is
visited. Behind a log-softmax it is the same as the true one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.array import CPU, device_of, place
from nbautograd.core.call import wrap
from nbautograd.core.op import Op
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.loss.reduction import reduced
from nbautograd.ops.samples import Make, through

NEVER = -np.inf


def _alignments(make: Make) -> Any:
    for frames, batch, classes, longest in ((5, 2, 3, 2), (4, 1, 2, 1), (6, 3, 5, 3), (3, 2, 4, 1), (7, 1, 3, 2)):
        targets = make.ints(batch, longest, low=1, high=classes)
        lengths, labels = (frames,) * batch, tuple(longest - n % 2 for n in range(batch))
        for settings in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"zero_infinity": True}):
            yield make(frames, batch, classes), targets, lengths, labels, settings
        yield make(frames, batch, classes), targets - 1, lengths, labels, {"blank": classes - 1}
    yield make(4, 3), make.ints(2, low=1, high=3), (4,), (2,)


class CtcLoss(Op):
    """The negative log-probability of label sequences, summed over all ways to align them to the frames.

    Math: L = −log Σ over paths Π_t p_t(state of the path at t)
    Shape: log_probs (T, N, C), targets (N, S) → (N,)
    Source: Graves et al. 2006, *Connectionist temporal classification*.
    """

    node_name = "CtcLossBackward0"
    aux = ("visits",)
    tex = {"log_probs": "\\mathrm{softmax} - \\mathrm{visits}"}
    samples = through("ctc_loss", _alignments, numeric=False, second=False)

    def forward(log_probs, *, targets, lengths, label_lengths, blank=0, zero_infinity=False):
        host = place(log_probs, CPU)
        states = with_blanks(targets, blank)
        emitted = host[:, np.arange(host.shape[1])[:, None], states]
        paths = Paths(states, label_lengths, blank, host.dtype)
        loss, visited = paths.aligned(emitted, lengths)
        visits = counted(host, states, visited, lengths, loss)
        if zero_infinity:
            visits[:, np.isinf(loss)] = 0
            loss = np.where(np.isinf(loss), host.dtype.type(0), loss)
        where = device_of(log_probs)
        return place(loss, where), place(visits, where)

    def dlog_probs(g, visits):
        return first_order_only(visits, g) * g[:, None]


def first_order_only(visits: Any, g: Any) -> Any:
    """The gradient as it is; torch has no second one.

    Raises: RuntimeError in torch's words.
    """
    if isinstance(g, Tensor):
        raise RuntimeError("derivative for aten::_ctc_loss_backward is not implemented")
    return visits


def with_blanks(targets: Any, blank: int) -> Any:
    """Each row of labels with blanks before, between and behind them."""
    states = np.full((targets.shape[0], 2 * targets.shape[1] + 1), blank, np.int64)
    states[:, 1::2] = targets
    return states


class Paths:
    """The ways through the states of each sequence of a batch, from left to right and back."""

    def __init__(self, states: Any, label_lengths: Any, blank: int, dtype: Any) -> None:
        self.dtype = dtype
        count = states.shape[1]
        self.last = 2 * label_lengths
        self.inside = np.arange(count) <= self.last[:, None]
        skips = np.zeros(states.shape, bool)
        skips[:, 2:] = (states[:, 2:] != states[:, :-2]) & (states[:, 2:] != blank)
        self.skips = np.where(skips, 0, NEVER).astype(dtype)

    def aligned(self, emitted: Any, lengths: Any) -> tuple[Any, Any]:
        """The loss of each sequence, and the log-probability of all paths through each state at each frame."""
        frames, rows = emitted.shape[0], np.arange(emitted.shape[1])
        ahead = np.full(emitted.shape, NEVER, self.dtype)
        now = np.full(emitted.shape[1:], NEVER, self.dtype)
        now[:, :2] = 0  # a path begins with the first blank or the first label
        for t in range(frames):
            now = np.where(self.inside, (now if t == 0 else self._onwards(now)) + emitted[t], NEVER)
            ahead[t] = now
        ends = ahead[np.maximum(lengths - 1, 0), rows]
        total = np.logaddexp(ends[rows, self.last], np.where(self.last > 0, ends[rows, self.last - 1], NEVER))
        total = np.where(lengths > 0, total, np.where(self.last > 0, NEVER, 0)).astype(self.dtype)
        return -total, ahead + self._back(emitted, lengths)

    def _onwards(self, paths: Any) -> Any:
        stepped = _shifted(paths, 1)
        return np.logaddexp(np.logaddexp(paths, stepped), _shifted(paths, 2) + self.skips)

    def _back(self, emitted: Any, lengths: Any) -> Any:
        """The log-probability of all ways from each state at each frame to the end."""
        rows = np.arange(emitted.shape[1])
        behind = np.full(emitted.shape, NEVER, self.dtype)
        ending = np.full(emitted.shape[1:], NEVER, self.dtype)
        ending[rows, self.last] = 0
        ending[rows, np.maximum(self.last - 1, 0)] = 0
        now = ending
        for t in range(emitted.shape[0] - 1, -1, -1):
            if t < emitted.shape[0] - 1:
                come = np.where(self.inside, now + emitted[t + 1], NEVER)
                skipped = _shifted(come + self.skips, -2)
                now = np.logaddexp(np.logaddexp(come, _shifted(come, -1)), skipped)
            now = np.where((lengths == t + 1)[:, None], ending, now)
            behind[t] = np.where((lengths > t)[:, None], now, NEVER)
        return behind


def _shifted(paths: Any, by: int) -> Any:
    """Each row moved `by` states to the right (or left), with nothing moved in."""
    moved = np.full_like(paths, NEVER)
    if by > 0:
        moved[:, by:] = paths[:, :-by]
    else:
        moved[:, :by] = paths[:, -by:]
    return moved


def counted(log_probs: Any, states: Any, visited: Any, lengths: Any, loss: Any) -> Any:
    """Softmax less how often each class is visited, for every frame that counts."""
    frames, batch, classes = log_probs.shape
    share = np.exp(visited + loss[:, None])
    place_of = (np.arange(frames)[:, None, None] * batch + np.arange(batch)[:, None]) * classes + states
    visits = np.bincount(place_of.reshape(-1), share.reshape(-1), frames * batch * classes)
    found = np.exp(log_probs) - visits.reshape(log_probs.shape)
    found[np.arange(frames)[:, None] >= lengths] = 0
    return found.astype(log_probs.dtype)


def _padded(targets: Any, label_lengths: Any) -> Any:
    """Labels that come one sequence after the other as rows."""
    if targets.ndim == 2:
        return np.where(np.arange(targets.shape[1]) < label_lengths[:, None], targets, 0)
    rows = np.zeros((len(label_lengths), int(label_lengths.max(initial=0))), np.int64)
    rows[np.arange(rows.shape[1]) < label_lengths[:, None]] = targets
    return rows


def _lengths(values: Any) -> Any:
    return np.atleast_1d(np.asarray(place(values._data, CPU) if isinstance(values, Tensor) else values, np.int64))


@public(functional=True, method=False, top=False)
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The negative log-probability of label sequences, however they are aligned to the frames of `log_probs`.

    Shape: log_probs (T, N, C) or (T, C); targets (N, S), or all labels in a row (sum of target_lengths)
    Raises: RuntimeError for lengths that do not fit and a blank that is no class.
    """
    single = log_probs.ndim == 2
    scores = log_probs.unsqueeze(1) if single else log_probs
    frames, batch, classes = scores.shape
    lengths, label_lengths = _lengths(input_lengths), _lengths(target_lengths)
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, values in (("input_lengths", lengths), ("target_lengths", label_lengths)):
        if len(values) != batch:
            raise RuntimeError(f"{name} must be of size batch_size")
    if lengths.max(initial=0) > frames:
        raise RuntimeError(f"Expected input_lengths to have value at most {frames}, but got value {lengths.max()}")
    labels = place(targets._data, CPU)
    labels = _padded(labels.reshape(1, -1) if single and labels.ndim == 1 else labels, label_lengths)
    loss, _ = CtcLoss.call(
        scores, targets=labels, lengths=lengths, label_lengths=label_lengths, blank=blank, zero_infinity=zero_infinity
    )
    if reduction == "mean":
        counts = np.maximum(label_lengths, 1).astype(loss._data.dtype)
        return (loss / wrap(place(counts, loss.device))).mean()
    return reduced(loss.squeeze(0) if single and reduction == "none" else loss, reduction)
