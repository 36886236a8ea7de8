"""Gradients flow through steps with `differentiable=True` as they do in PyTorch."""

import numpy as np
import pytest

import nbautograd

X = np.array([[-1.5, 0.3, 2.0], [0.1, -0.7, 1.1]])
KINDS = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD with momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    "Nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    "Adam": ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    "Adam, decoupled": ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "AMSGrad": ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    "AdamW": ("AdamW", {"lr": 0.1}),
    "Adamax": ("Adamax", {"lr": 0.1}),
    "NAdam": ("NAdam", {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    "RAdam": ("RAdam", {"lr": 0.1}),
    "RMSprop": ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True}),
    "Adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    "Adadelta": ("Adadelta", {"lr": 0.5}),
    "ASGD": ("ASGD", {"lr": 0.1, "t0": 1}),
    "Rprop": ("Rprop", {"lr": 0.1}),
}


BROKEN = ("AMSGrad", "Adamax", "RMSprop", "Rprop")
"""PyTorch changes in place what it needs for the derivative of its second step."""


@pytest.fixture(autouse=True)
def _double_precision():
    """Figures of a step are computed in PyTorch's default precision."""
    libraries = (nbautograd, pytest.importorskip("torch"))
    for library in libraries:
        library.set_default_dtype(library.float64)
    yield
    for library in libraries:
        library.set_default_dtype(library.float32)


def run(library, kind, options, start, data, steps):
    """Where some steps lead, and the optimizer."""
    w = start.clone()
    optimizer = getattr(library.optim, kind)([w], **options, differentiable=True)
    for _ in range(steps):
        seen = w.clone()
        loss = ((data @ seen - 1).abs() ** 2).sum() + (seen.abs() ** 3).sum()
        (w.grad,) = library.autograd.grad(loss, [seen], create_graph=True)
        optimizer.step()
    return w, optimizer


def leaves(library, kind="float64"):
    dtype = getattr(library, kind)
    return [library.tensor(values, dtype=dtype, requires_grad=True) for values in ([0.5, -1.0, 2.0], X)]


def assert_same(kind, options, steps=8, rate=None, dtype="float64"):
    """Values after some steps, and their derivatives by where they began, by the data and by the rate."""
    found = []
    for library in (nbautograd, pytest.importorskip("torch")):
        wanted, more = leaves(library, dtype), {}
        if rate is not None:
            more["lr"] = library.tensor(rate, requires_grad=True)
        w, optimizer = run(library, kind, {**options, **more}, *wanted, steps)
        grads = library.autograd.grad((w.abs() ** 2).sum(), [*wanted, *more.values()], allow_unused=True)
        state = [v for v in optimizer.state[w].values() if isinstance(v, library.Tensor) and v.ndim]
        found.append([np.zeros(1) if t is None else t.detach().resolve_conj().numpy() for t in (w, *grads, *state)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, 1e-7, 1e-10)


@pytest.mark.parametrize("name", KINDS)
def test_gradients_through_steps_are_pytorchs(name):
    assert_same(*KINDS[name], steps=1 if name in BROKEN else 8)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name][0] != "SGD"] + ["SGD"])
def test_gradients_through_steps_are_those_of_finite_differences(name):
    kind, options = KINDS[name]

    def after(start, data):
        return run(nbautograd, kind, options, start, data, 3)[0]

    assert nbautograd.autograd.gradcheck(after, leaves(nbautograd))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_rate_learns_through_the_steps_as_in_pytorch(name):
    assert_same(*KINDS[name], rate=0.05)


def test_gradients_through_steps_of_complex_parameters_are_pytorchs():
    assert_same(*KINDS["Adam"], dtype="complex128", steps=3)


def test_a_leaf_is_not_changed_in_place():
    for library in (nbautograd, pytest.importorskip("torch")):
        w = library.ones(2, requires_grad=True)
        optimizer = library.optim.SGD([w], lr=0.1, differentiable=True)
        w.grad = library.ones(2)
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
            optimizer.step()


def test_steps_are_recorded_whatever_is_set_around_them():
    w = nbautograd.ones(2, requires_grad=True).clone()
    optimizer = nbautograd.optim.Adam([w], lr=0.1, differentiable=True)
    w.grad = nbautograd.ones(2)
    with nbautograd.no_grad():
        optimizer.step()
    assert w.requires_grad
    assert w.grad_fn is not None
