"""Softmax over very many classes, most of which are rare."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from . import functional as F  # noqa: N812
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module

ASMoutput = namedtuple("_ASMoutput", ("output", "loss"))  # torch's name


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax in two steps: a head for the frequent classes and for clusters of rare ones, then within a cluster.

    Classes are numbered from the most frequent to the rarest; the clusters begin at the `cutoffs`. Rare classes have
    vectors smaller by `div_value` from cluster to cluster. Gives the log-probability of each target, and the loss.

    Source: Grave et al. 2017, *Efficient softmax approximation for GPUs*.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _check_cutoffs(list(cutoffs), n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        made = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            inner, size = int(in_features // div_value ** (i + 1)), self.cutoffs[i + 1] - self.cutoffs[i]
            first, second = Linear(in_features, inner, bias=False, **made), Linear(inner, size, bias=False, **made)
            self.tail.append(Sequential(first, second))

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> ASMoutput:
        _check_pair(input_, target_)
        single = target_.ndim == 0
        rows, target = (t.unsqueeze(0) if single else t for t in (input_, target_))
        lowest, highest = int(target.min()), int(target.max())
        if lowest < 0 or highest >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], "
                f"but values in range [{lowest}, {highest}] were found. "
            )
        in_head, within = target, []
        for i in range(self.n_clusters):
            members = (target >= self.cutoffs[i]) & (target < self.cutoffs[i + 1])
            which = members.nonzero().squeeze(1)
            if which.numel():
                in_head = FUNCTIONS["where"](members, self.shortlist_size + i, in_head)
                chosen = (target[which] - self.cutoffs[i]).unsqueeze(1)
                within.append((which, F.log_softmax(self.tail[i](rows[which]), 1).gather(1, chosen).squeeze(1)))
        output = F.log_softmax(self.head(rows), 1).gather(1, in_head.unsqueeze(1)).squeeze(1)
        for which, log_probs in within:
            output = output.index_add(0, which, log_probs)
        loss = (-output).mean()
        return ASMoutput(output.squeeze(0) if single else output, loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes.

        Shape: (N, in_features) → (N, n_classes)
        """
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), 1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return FUNCTIONS["cat"](parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row; only rows that end in a cluster look into it."""
        output = self.head(input).argmax(1)
        rare = output >= self.shortlist_size
        if bool(rare.any()):
            output[rare] = self.log_prob(input[rare]).argmax(1)
        return output


def _check_cutoffs(cutoffs: list[int], n_classes: int) -> None:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    fits = cutoffs == sorted(set(cutoffs)) and cutoffs[0] > 0 and cutoffs[-1] < n_classes
    if not fits or any(int(c) != c for c in cutoffs):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where "
            "each value is between 1 and n_classes-1"
        )


def _check_pair(input: Tensor, target: Tensor) -> None:
    """Refuse what are no rows with a class each, or one row with one class."""
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.ndim == 1 and input.shape[0] != target.shape[0]:
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.ndim != target.ndim + 1:
        raise RuntimeError(
            f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, "
            f"but found inputs with size {input.shape}"
        )
