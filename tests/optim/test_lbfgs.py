"""LBFGS takes PyTorch's path, with and without its line search."""

import copy

import numpy as np
import pytest

import nbautograd

from .libraries import both, parameters, values

OPTIONS = [
    {},
    {"lr": 0.1},
    {"line_search_fn": "strong_wolfe"},
    {"lr": 0.5, "line_search_fn": "strong_wolfe", "max_iter": 7, "history_size": 3},
    {"lr": 0.05, "history_size": 2, "max_iter": 4},
    {"max_eval": 3, "line_search_fn": "strong_wolfe"},
    {"max_iter": 1},
    {"tolerance_grad": 0.5, "lr": 0.2},
    {"tolerance_change": 0.1, "lr": 0.2},
]
pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")  # PyTorch's own LBFGS

each = pytest.mark.parametrize("options", OPTIONS, ids=str)
SHAPES = [(), (3,), (4, 5)]


def valley(library, params):
    """A curved valley that bends in every direction: Rosenbrock's function along each parameter, and a scalar."""
    total = (params[0] - 1) ** 2
    for p in params[1:]:
        x = p.reshape(-1)
        total = total + (5 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() / 10
    return total


def run(library, options, steps=5, dtype="float64"):
    params = parameters(library, SHAPES, dtype)
    optimizer = library.optim.LBFGS(params, **options)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = valley(library, params)
        loss.backward()
        losses.append(loss.item())
        return loss

    returned = [optimizer.step(closure).item() for _ in range(steps)]
    return params, optimizer, losses, returned


@each
def test_every_evaluation_is_pytorchs(options):
    pytest.importorskip("torch")
    ours, theirs = (run(library, options) for library in both())
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours[3], theirs[3], rtol=1e-6, atol=1e-9)
    for a, b in zip(values(ours[0]), values(theirs[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


@each
def test_the_state_is_laid_out_as_pytorchs(options):
    torch = pytest.importorskip("torch")
    ours, theirs = (run(library, options, steps=2)[1].state_dict() for library in (nbautograd, torch))
    assert ours["param_groups"] == theirs["param_groups"]
    expected = {name: value for name, value in theirs["state"][0].items() if name != "al"}  # scratch
    assert set(ours["state"][0]) == set(expected)
    for name, value in expected.items():
        found = ours["state"][0][name]
        for a, b in zip(found, value, strict=True) if isinstance(value, list) else [(found, value)]:
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
def test_a_loaded_optimizer_goes_on_where_the_saved_one_was(options):
    params, optimizer, _, _ = run(nbautograd, options, steps=2)
    others = [p.detach().clone().requires_grad_() for p in params]
    loaded = nbautograd.optim.LBFGS(others)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for group, opt in ((params, optimizer), (others, loaded)):

        def closure(group=group, opt=opt):
            opt.zero_grad()
            loss = valley(nbautograd, group)
            loss.backward()
            return loss

        opt.step(closure)
    for a, b in zip(values(params), values(others), strict=True):
        np.testing.assert_array_equal(a, b)


def test_single_precision_reaches_the_same_minimum():
    pytest.importorskip("torch")
    options = {"line_search_fn": "strong_wolfe"}
    ours, theirs = (run(library, options, steps=10, dtype="float32") for library in both())
    assert ours[2][-1] == pytest.approx(theirs[2][-1], rel=1e-5)
    assert all(p.dtype == nbautograd.float32 for p in ours[0])


def test_a_parameter_without_gradient_counts_as_flat():
    used, unused = (nbautograd.tensor([value], requires_grad=True) for value in (3.0, 5.0))
    optimizer = nbautograd.optim.LBFGS([used, unused])

    def closure():
        optimizer.zero_grad()
        loss = ((used - 1) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert used.item() == pytest.approx(1)
    assert unused.item() == 5


def test_complex_parameters_are_pairs_of_numbers():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        z = library.tensor([3 + 4j, -1 + 0.5j], dtype=library.complex128, requires_grad=True)
        optimizer = library.optim.LBFGS([z], max_iter=4, lr=0.1)

        def closure(z=z, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((z - 1j).abs() ** 2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        found.append(z.detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-6)


def test_what_does_not_go_is_refused():
    a, b = (nbautograd.ones(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="per-parameter options"):
        nbautograd.optim.LBFGS([{"params": [a]}, {"params": [b]}])
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'closure'"):
        nbautograd.optim.LBFGS([a]).step()
    a.grad = nbautograd.ones(1)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        nbautograd.optim.LBFGS([a], line_search_fn="armijo").step(lambda: 1.0)
