"""Gradients of a batch in one pass are those of each of its starting gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.core import batched
from nbautograd.core.backward import grad
from nbautograd.core.walk import Walk

from .table import OURS, SAMPLED, array, cotangents, has_gradient, run, samples_of

COUNT = 3  # as large as dimensions of the samples, so that what is mixed up still has a shape that fits
OPS = [op for op in SAMPLED if has_gradient(op) and op.name != "linalg_eig"]  # which refuses gradients made by chance


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")
@pytest.mark.parametrize(
    "op", [op for op in SAMPLED if has_gradient(op) and op.name != "linalg_eig"], ids=lambda op: op.name
)
def test_gradients_of_a_batch_are_those_of_each(op: Any) -> None:
    for i, case in enumerate(samples_of(op)):
        ran = run(op, case)
        outputs = ran.differentiable()
        if not outputs or not ran.leaves:
            continue
        rows = [cotangents(outputs, seed) for seed in range(COUNT)]
        batches = [OURS.tensor(np.stack(column), [], False) for column in zip(*rows, strict=True)]
        settings: Any = {"retain_graph": True, "allow_unused": True}
        together = grad(outputs, ran.leaves, batches, is_grads_batched=True, **settings)
        for k, row in enumerate(rows):
            starts = [OURS.tensor(g, [], False) for g in row]
            for got, expected in zip(together, grad(outputs, ran.leaves, starts, **settings), strict=True):
                assert (got is None) == (expected is None), f"sample {i}"
                if got is not None:
                    assert got.dtype == expected.dtype
                    np.testing.assert_allclose(array(got)[k], array(expected), 1e-7, 1e-12, err_msg=f"sample {i}")


def test_the_batch_goes_through_the_graph_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = nb.ones(3, 4, requires_grad=True)
    y = (x.tanh() @ nb.ones(4, 2)).softmax(1)
    monkeypatch.setattr(Walk, "run", lambda walk: pytest.fail("one by one"))
    (found,) = grad(y, x, nb.eye(6).reshape(6, 3, 2), is_grads_batched=True)
    assert found.shape == (6, 3, 4)


def test_a_large_batch_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = nb.arange(6.0, requires_grad=True)
    y = x * x
    (whole,) = grad(y, x, nb.eye(6), retain_graph=True, is_grads_batched=True)
    monkeypatch.setattr(batched, "MOST", 12)
    (parts,) = grad(y, x, nb.eye(6), is_grads_batched=True)
    assert whole.tolist() == parts.tolist() == (2 * nb.eye(6) * x).tolist()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward(nb.ones(6))


def test_hooks_are_called_for_each_of_a_batch() -> None:
    x = nb.ones(2, requires_grad=True)
    y = x * 3
    y.register_hook(lambda g: g * 2)
    (found,) = grad(y * 1, x, nb.eye(2), is_grads_batched=True)
    assert found.tolist() == [[6, 0], [0, 6]]
