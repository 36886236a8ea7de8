"""Every optimizer takes PyTorch's path, with every option, for 100 steps."""

import copy

import numpy as np
import pytest

import nbautograd
from nbautograd import optim

from .libraries import give_gradients, parameters, values

SHAPES = [(), (3,), (4, 5), (0,)]

OPTIONS = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        {"lr": 0.1, "maximize": True, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "maximize": True, "foreach": True},
        {"lr": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1, "fused": True},
    ],
    "Adam": [
        {},
        {"lr": 0.1, "amsgrad": True},
        {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "foreach": True},
        {"lr": 0.1, "amsgrad": True, "maximize": True, "fused": True},
    ],
    "AdamW": [{}, {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}, {"maximize": True, "betas": (0.8, 0.9)}],
    "RMSprop": [
        {},
        {"momentum": 0.9},
        {"centered": True, "weight_decay": 0.1},
        {"momentum": 0.5, "centered": True},
        {"alpha": 0.5, "eps": 1e-3, "maximize": True},
    ],
    "Adagrad": [
        {},
        {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1},
        {"maximize": True, "eps": 1e-3},
    ],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}, {"maximize": True, "eps": 1e-3}],
    "Adamax": [{}, {"lr": 0.1, "weight_decay": 0.1}, {"maximize": True, "betas": (0.5, 0.6)}],
    "NAdam": [
        {},
        {"lr": 0.1, "weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
        {"betas": (0.5, 0.9), "momentum_decay": 0.1, "maximize": True},
    ],
    "RAdam": [
        {},
        {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
        {"betas": (0.5, 0.6)},
        {"maximize": True, "weight_decay": 0.1, "eps": 1e-3},
    ],
    "Rprop": [{}, {"etas": (0.4, 1.3), "step_sizes": (1e-3, 1)}, {"maximize": True, "lr": 0.1}],
    "ASGD": [{}, {"t0": 10, "lambd": 0.1, "weight_decay": 0.1}, {"alpha": 0.5, "maximize": True}],
    "Adafactor": [{}, {"lr": 0.1, "weight_decay": 0.1}, {"maximize": True, "eps": (1e-3, 1e-2), "d": 2.0}],
}
CASES = [(name, options) for name, several in OPTIONS.items() for options in several]
each_case = pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value))


def run(library, name, options, shapes=SHAPES, dtype="float64", steps=100):
    shapes = [(), (3,), (4, 5), (2, 3, 4)] if name == "Adafactor" else shapes  # empty parameters are not for PyTorch's
    params = parameters(library, shapes, dtype)
    optimizer = getattr(library.optim, name)(params, **options)
    for step in range(steps):
        give_gradients(library, params, step)
        optimizer.step()
    return params, optimizer


@each_case
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-6), ("float32", 1e-4)])
def test_100_steps_are_pytorchs(name, options, dtype, tolerance):
    torch = pytest.importorskip("torch")
    ours, _ = run(nbautograd, name, options, dtype=dtype)
    theirs, _ = run(torch, name, options, dtype=dtype)
    for a, b in zip(values(ours), values(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        assert a.dtype == b.dtype


@each_case
def test_the_state_has_pytorchs_names_and_values(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = (run(library, name, options, steps=3)[1].state_dict() for library in (nbautograd, torch))
    assert list(ours["param_groups"][0].items()) == list(theirs["param_groups"][0].items())
    for number, slots in theirs["state"].items():
        slots = {key: value for key, value in slots.items() if value is not None}
        assert set(ours["state"][number]) == set(slots)
        for key, value in slots.items():
            np.testing.assert_allclose(ours["state"][number][key].numpy(), value.numpy(), rtol=1e-6)


@each_case
def test_a_loaded_optimizer_goes_on_where_the_saved_one_was(name, options):
    params, optimizer = run(nbautograd, name, options, steps=5)
    others = [p.detach().clone().requires_grad_() for p in params]
    loaded = getattr(optim, name)(others, lr=123.0)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step in range(5, 10):
        for group, opt in ((params, optimizer), (others, loaded)):
            give_gradients(nbautograd, group, step)
            opt.step()
    for a, b in zip(values(params), values(others), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["SGD", "AdamW", "RMSprop"])
def test_large_and_strided_parameters_are_updated_block_by_block(name):
    options = {"lr": 0.1, "momentum": 0.9} if name != "AdamW" else {}

    def run_on(make):
        p = nbautograd.tensor(np.arange(300 * 401.0).reshape(300, 401) / 1e5, requires_grad=True)
        p.data = nbautograd.from_numpy(make(p.detach().numpy()))
        optimizer = getattr(optim, name)([p], **options)
        for step in range(3):
            p.grad = nbautograd.from_numpy(np.asfortranarray(np.sin(p.detach().numpy() * 50 + step)))
            optimizer.step()
        return p.detach().numpy()

    contiguous = run_on(np.ascontiguousarray)
    np.testing.assert_allclose(run_on(np.asfortranarray), contiguous, rtol=1e-12)
    np.testing.assert_allclose(run_on(lambda a: np.repeat(a, 2, axis=1)[:, ::2]), contiguous, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_changes_the_parameter_in_place_and_leaves_the_gradient(name):
    p = nbautograd.tensor([1.0, 2.0], requires_grad=True)
    p.grad = nbautograd.tensor([3.0, -4.0])
    array, version = p.detach().numpy(), p._version
    getattr(optim, name)([p], lr=0.1).step()
    assert p.detach().numpy() is array
    assert not np.array_equal(array, [1, 2])
    assert p._version > version
    assert p.grad.tolist() == [3, -4]


def test_a_parameter_without_gradient_is_left_alone():
    p = nbautograd.tensor([1.0], requires_grad=True)
    optimizer = optim.Adam([p])
    optimizer.step()
    assert p.tolist() == [1]
    assert not optimizer.state


def test_a_closure_is_called_with_recording_on_and_its_loss_returned():
    p = nbautograd.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with nbautograd.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 1
    assert p.item() == pytest.approx(0.8)


def test_groups_have_options_of_their_own():
    a, b = (nbautograd.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    for p in (a, b):
        p.grad = nbautograd.tensor([1.0])
    optimizer.step()
    assert (a.item(), b.item()) == (pytest.approx(0.9), 0)


def test_zero_grad_clears_to_none_or_fills_with_zeros():
    p, q = (nbautograd.tensor(value, requires_grad=True) for value in ([1.0], 1.0))
    optimizer = optim.SGD([p, q], lr=0.1)
    for x in (p, q):
        x.grad = nbautograd.ones_like(x).detach()
    held = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is held
    assert held.tolist() == [0]
    assert q.grad.item() == 0
    optimizer.zero_grad()
    assert p.grad is None


def test_an_optimizer_of_ones_own():
    class Descent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data -= group["lr"] * p.grad
                    self.state[p]["seen"] = True

    p = nbautograd.tensor([1.0], requires_grad=True)
    p.grad = nbautograd.tensor([1.0])
    optimizer = Descent([p], lr=0.5)
    optimizer.step()
    assert p.item() == 0.5
    assert optimizer.state_dict()["state"] == {0: {"seen": True}}


def test_hooks_are_called_around_a_step():
    p = nbautograd.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    calls = []
    optimizer.register_step_pre_hook(lambda *args: calls.append("before"))
    handle = optimizer.register_step_post_hook(lambda *args: calls.append("after"))
    optimizer.step()
    handle.remove()
    optimizer.step()
    assert calls == ["before", "after", "before"]


def test_hooks_are_called_around_saving_and_loading_as_in_pytorch():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        p = library.ones(1, requires_grad=True)
        optimizer = library.optim.SGD([p], lr=0.1)
        calls = []
        optimizer.register_state_dict_pre_hook(lambda opt, calls=calls: calls.append("before saving"))
        optimizer.register_state_dict_post_hook(lambda opt, state: {**state, "extra": 1})
        first = optimizer.register_state_dict_post_hook(
            lambda opt, state, calls=calls: calls.append(sorted(state)), prepend=True
        )
        saved = optimizer.state_dict()
        first.remove()
        optimizer.register_load_state_dict_pre_hook(
            lambda opt, state: {**state, "param_groups": [{**state["param_groups"][0], "lr": 7.0}]}
        )
        optimizer.register_load_state_dict_post_hook(
            lambda opt, calls=calls: calls.append(("loaded", opt.param_groups[0]["lr"]))
        )
        optimizer.load_state_dict(saved)
        found.append((calls, sorted(saved), saved["param_groups"][0]["lr"]))
    assert found[0] == found[1]


def test_a_hook_may_change_the_arguments_of_a_step():
    p = nbautograd.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((lambda: 5,), {}))
    assert optimizer.step() == 5
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="step_pre_hook must return None or a tuple"):
        optimizer.step()


def test_the_observer_sees_a_scope_and_each_changed_parameter():
    from nbautograd.core.modes import observe

    class Watcher:
        thread = None

        def __init__(self):
            self.seen = []

        def scope_begin(self, kind, name, owner, index):
            self.seen.append((kind, name))

        def scope_end(self, kind):
            self.seen.append(kind)

        def mutated(self, tensor):
            self.seen.append(tensor)

    class Slowed(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    params = [nbautograd.tensor(value, requires_grad=True) for value in ([1.0], 1.0)]
    optimizer = Slowed(params, lr=0.1)
    for p in params:
        p.grad = nbautograd.ones_like(p).detach()
    watcher = Watcher()
    before = observe(watcher)
    try:
        optimizer.step()
    finally:
        observe(before)
    begin, first, second, end = watcher.seen
    assert (begin, end) == (("optimizer", "Slowed"), "optimizer")
    assert first is params[0]
    assert second is params[1]


BAD = {
    "no parameters": lambda torch, p: torch.optim.SGD([], lr=0.1),
    "a computed tensor": lambda torch, p: torch.optim.SGD([p * 2], lr=0.1),
    "a bare tensor": lambda torch, p: torch.optim.SGD(p, lr=0.1),
    "a number": lambda torch, p: torch.optim.SGD([1], lr=0.1),
    "a set": lambda torch, p: torch.optim.SGD([{"params": {p}}], lr=0.1),
    "twice the same": lambda torch, p: torch.optim.SGD([{"params": p}, {"params": p}], lr=0.1),
    "negative lr": lambda torch, p: torch.optim.SGD([p], lr=-1.0),
    "negative momentum": lambda torch, p: torch.optim.SGD([p], lr=0.1, momentum=-1.0),
    "nesterov alone": lambda torch, p: torch.optim.SGD([p], lr=0.1, nesterov=True),
    "beta": lambda torch, p: torch.optim.Adam([p], betas=(2.0, 0.9)),
    "eps": lambda torch, p: torch.optim.Adam([p], eps=-1.0),
    "fused and foreach": lambda torch, p: torch.optim.Adam([p], fused=True, foreach=True),
    "fused and differentiable": lambda torch, p: torch.optim.SGD([p], fused=True, differentiable=True),
    "a rate for each": lambda torch, p: torch.optim.SGD([p], lr=torch.ones(2)),
    "betas of two kinds": lambda torch, p: torch.optim.Adam([p], betas=(0.9, torch.tensor(0.9))),
    "adafactor's threshold": lambda torch, p: torch.optim.Adafactor([p], d=0.5),
    "no group": lambda torch, p: torch.optim.SGD([p], lr=0.1).add_param_group(3),
    "other groups": lambda torch, p: torch.optim.SGD([p], lr=0.1).load_state_dict({"state": {}, "param_groups": []}),
    "other sizes": lambda torch, p: torch.optim.SGD([p], lr=0.1).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_input_gets_pytorchs_error(bad):
    torch = pytest.importorskip("torch")
    texts = []
    for library in (nbautograd, torch):
        with pytest.raises(Exception, match=r".") as caught:
            bad(library, library.ones(1, requires_grad=True))
        texts.append((caught.type, str(caught.value).splitlines()[0]))
    assert texts[0] == texts[1]


def test_what_is_not_supported_says_so():
    p = nbautograd.ones(1, requires_grad=True)
    with pytest.raises(AttributeError, match="all tensors are dense"):
        optim.SparseAdam  # noqa: B018
    p.grad = nbautograd.ones(1)
    with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must be on supported devices"):
        optim.Adam([p], capturable=True).step()


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_state_travels_from_pytorch_and_back(name):
    """The state dict of one library, its tensors turned into the other's, is loaded by the other."""
    torch = pytest.importorskip("torch")
    options = {"lr": 0.1, "momentum": 0.9} if name in ("SGD", "RMSprop") else {"lr": 0.1}

    def turned(value, library):
        if isinstance(value, dict):
            return {key: turned(item, library) for key, item in value.items()}
        if isinstance(value, list):
            return [turned(item, library) for item in value]
        return library.tensor(value.numpy()) if hasattr(value, "numpy") else value

    for first, second in ((nbautograd, torch), (torch, nbautograd)):
        params, optimizer = run(first, name, options, steps=5)
        others = [second.tensor(value, requires_grad=True) for value in values(params)]
        loaded = getattr(second.optim, name)(others, **options)
        loaded.load_state_dict(turned(optimizer.state_dict(), second))
        for step in range(5, 8):
            for library, group, opt in ((first, params, optimizer), (second, others, loaded)):
                give_gradients(library, group, step)
                opt.step()
        for a, b in zip(values(params), values(others), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def test_an_optimizer_prints_as_pytorchs():
    torch = pytest.importorskip("torch")
    ours, theirs = (
        repr(library.optim.AdamW([{"params": [library.ones(1, requires_grad=True)], "lr": 0.5}]))
        for library in (nbautograd, torch)
    )
    assert ours == theirs


def test_an_optimizer_is_copied_with_its_parameters():
    params, optimizer = run(nbautograd, "Adam", {}, steps=2)
    other = copy.deepcopy(optimizer)
    give_gradients(nbautograd, params, 3)
    optimizer.step()
    assert other.param_groups[0]["params"][1].tolist() != params[1].tolist()
    assert other.state[other.param_groups[0]["params"][1]]["step"].item() == 2


def test_complex_parameters_are_updated_by_parts():
    torch = pytest.importorskip("torch")
    found = []
    for t in (nbautograd, torch):
        p = t.tensor([1 + 2j, 3 - 1j], dtype=t.complex128, requires_grad=True)
        optimizer = t.optim.Adam([p], lr=0.1)
        for step in range(5):
            p.grad = t.tensor([0.5 - 1j * step, 2 + 0.3j], dtype=t.complex128)
            optimizer.step()
        found.append(p.detach().numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9)
