"""Initialisation has PyTorch's distributions; clipping and vectors its values."""

import math

import numpy as np
import pytest

import nbautograd
from nbautograd import nn

from .both import same_error

DRAWN = {
    "uniform": (lambda t, x: t.nn.init.uniform_(x, -2, 3), (40, 50)),
    "normal": (lambda t, x: t.nn.init.normal_(x, 1, 2), (40, 50)),
    "truncated": (lambda t, x: t.nn.init.trunc_normal_(x, 0.5, 1, -1, 1), (40, 50)),
    "xavier uniform": (lambda t, x: t.nn.init.xavier_uniform_(x, 2), (40, 50)),
    "xavier normal": (lambda t, x: t.nn.init.xavier_normal_(x), (10, 20, 3, 3)),
    "kaiming uniform": (lambda t, x: t.nn.init.kaiming_uniform_(x, 0.5), (40, 50)),
    "kaiming normal": (lambda t, x: t.nn.init.kaiming_normal_(x, mode="fan_out", nonlinearity="relu"), (10, 20, 3, 3)),
    "sparse": (lambda t, x: t.nn.init.sparse_(x, 0.3, 0.5), (40, 50)),
}


@pytest.mark.parametrize(("fill", "shape"), DRAWN.values(), ids=DRAWN)
def test_random_fillings_have_pytorchs_distribution(fill, shape):
    torch = pytest.importorskip("torch")
    nbautograd.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = (fill(t, t.empty(shape, requires_grad=True)) for t in (nbautograd, torch))
    assert ours.is_leaf
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    points = np.linspace(0.05, 0.95, 7)
    np.testing.assert_allclose(np.quantile(a, points), np.quantile(b, points), atol=0.2 * b.std())
    assert (a == 0).mean() == pytest.approx((b == 0).mean(), abs=1e-3)


SET = {
    "constant": lambda t: t.nn.init.constant_(t.empty(2, 3), 4),
    "zeros": lambda t: t.nn.init.zeros_(t.empty(2, 3)),
    "ones": lambda t: t.nn.init.ones_(t.empty(2, 3)),
    "eye": lambda t: t.nn.init.eye_(t.empty(2, 3)),
    "dirac": lambda t: t.nn.init.dirac_(t.empty(4, 2, 3, 3), groups=2),
    "dirac, one dimension": lambda t: t.nn.init.dirac_(t.empty(3, 2, 5)),
}


@pytest.mark.parametrize("fill", SET.values(), ids=SET)
def test_fixed_fillings_are_pytorchs(fill):
    torch = pytest.importorskip("torch")
    assert fill(nbautograd).tolist() == fill(torch).tolist()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    w = nn.init.orthogonal_(nbautograd.empty(*shape), gain=2).numpy().reshape(shape[0], -1)
    small = w if w.shape[0] <= w.shape[1] else w.T
    np.testing.assert_allclose(small @ small.T, 4 * np.eye(len(small)), atol=1e-5)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.nn.init.calculate_gain("x"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
        lambda t: t.nn.init.xavier_uniform_(t.ones(2)),
        lambda t: t.nn.init.kaiming_normal_(t.ones(2, 2), mode="x"),
        lambda t: t.nn.init.eye_(t.ones(2)),
        lambda t: t.nn.init.dirac_(t.ones(2)),
        lambda t: t.nn.init.orthogonal_(t.ones(2)),
        lambda t: t.nn.init.sparse_(t.ones(2), 0.1),
    ],
)
def test_bad_input_gets_pytorchs_error(make):
    pytest.importorskip("torch")
    same_error(make)


def with_gradients(t):
    params = [t.ones(2, 3, requires_grad=True), t.tensor(1.0, requires_grad=True), t.ones(2, requires_grad=True)]
    params[0].grad = t.arange(6.0).reshape(2, 3)
    params[1].grad = t.tensor(-7.0)
    return params


CLIPS = {
    "norm": lambda t, p: t.nn.utils.clip_grad_norm_(p, 2.0).item(),
    "norm, already small": lambda t, p: t.nn.utils.clip_grad_norm_(p, 1e3).item(),
    "norm 1": lambda t, p: t.nn.utils.clip_grad_norm_(p, 2.0, norm_type=1).item(),
    "largest": lambda t, p: t.nn.utils.clip_grad_norm_(p, 2.0, norm_type=math.inf).item(),
    "one tensor": lambda t, p: t.nn.utils.clip_grad_norm_(p[0], 2.0).item(),
    "generator": lambda t, p: t.nn.utils.clip_grad_norm_((x for x in p), 2.0).item(),
    "none": lambda t, p: t.nn.utils.clip_grad_norm_([p[2]], 2.0).item(),
    "value": lambda t, p: t.nn.utils.clip_grad_value_(p, 2.5),
    "total": lambda t, p: t.nn.utils.get_total_norm([x.grad for x in p[:2]]).item(),
}


@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
def test_clipping_is_pytorchs(clip):
    torch = pytest.importorskip("torch")
    results = []
    for t in (nbautograd, torch):
        params = with_gradients(t)
        held = params[0].grad
        norm = clip(t, params)
        assert params[0].grad is held
        results.append([norm, *(p.grad.numpy() for p in params[:2])])
    for a, b in zip(*results, strict=True):
        assert a == pytest.approx(b, rel=1e-6) if b is not None else a is None


def test_a_norm_that_is_not_finite_is_an_error_when_asked():
    pytest.importorskip("torch")

    def make(t):
        p = t.ones(1, requires_grad=True)
        p.grad = t.tensor([math.nan])
        t.nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)

    same_error(make)


def test_parameters_become_a_vector_and_come_back():
    m = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(m.parameters())
    assert vector.shape == (9,)
    assert vector.requires_grad
    other = nn.Linear(2, 3)
    nn.utils.vector_to_parameters(vector, other.parameters())
    for a, b in zip(m.parameters(), other.parameters(), strict=True):
        assert a.tolist() == b.tolist()
        assert b.is_leaf
