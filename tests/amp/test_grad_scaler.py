"""GradScaler does what PyTorch's does: scale, unscale, skip, grow and shrink, save and load."""

import copy
import pickle

import pytest

import nbautograd
from tests.scenarios import named, same


def training(t, **options):
    w = t.tensor([1.0, 2.0], requires_grad=True)
    options = {"init_scale": 8.0, "growth_interval": 2, **options}
    return w, t.optim.SGD([w], lr=0.1), t.amp.GradScaler("cpu", **options)


def train(t, factors, **options):
    """Steps with the given gradients; what there is after each."""
    w, optimizer, scaler = training(t, **options)
    seen = []
    for factor in factors:
        optimizer.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        before = w.grad.clone()
        scaler.step(optimizer)
        scaler.update()
        seen.append((before, w.grad.clone(), w.detach().clone(), scaler.get_scale(), scaler._get_growth_tracker()))
    return seen, scaler.state_dict()


INF, NAN = float("inf"), float("nan")
RUNS = {
    "good steps": ([1.0, 2.0, 3.0, 4.0, 5.0], {}),
    "a step that is skipped": ([1.0, INF, 1.0, NAN, 1.0, 1.0], {}),
    "other factors": ([1.0, 1.0, INF, 1.0], {"growth_factor": 3.0, "backoff_factor": 0.1}),
    "growth up to infinity": ([1e-30, 1e-30, 1e-30], {"init_scale": 2.0**127, "growth_interval": 1}),
    "disabled": ([1.0, INF], {"enabled": False}),
}


@pytest.mark.parametrize(("factors", "options"), RUNS.values(), ids=RUNS)
def test_training_goes_as_in_pytorch(factors, options):
    same(lambda t: train(t, factors, **options))


def gradients_looked_at_in_between(t):
    w, optimizer, scaler = training(t)
    scaler.scale((w * 3).sum()).backward()
    scaler.unscale_(optimizer)
    seen = w.grad.clone()
    t.nn.utils.clip_grad_norm_([w], 1.0)
    scaler.step(optimizer)
    scaler.update()
    return seen, w.detach()


def two_optimizers_and_one_bad_gradient(t):
    u, v = (t.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizers = [t.optim.SGD([p], lr=0.1) for p in (u, v)]
    scaler = t.amp.GradScaler("cpu", init_scale=4.0)
    scaled = scaler.scale([(u * 2).sum(), (v * INF).sum()])
    for loss in scaled:
        loss.backward()
    for optimizer in optimizers:
        scaler.step(optimizer)
    scaler.update()
    return type(scaled).__name__, u.detach(), v.detach(), scaler.get_scale()


def scaled_things(t):
    *_, scaler = training(t)
    half = t.tensor([1.0], dtype=t.float16)
    return scaler.scale(half), scaler.scale((half, [half.float()])), list(scaler.scale(x for x in (half, half)))


def what_step_returns(t):
    class Returns(t.optim.SGD):
        def step(self, *args):
            super().step()
            return args

    w = t.tensor([1.0], requires_grad=True)
    optimizer, scaler = Returns([w], lr=0.1), t.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale(w.sum()).backward()
    return scaler.step(optimizer, 1, 2)


def settings(t):
    *_, scaler = training(t)
    before = scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval()
    scaler.set_growth_factor(3.0)
    scaler.set_backoff_factor(0.25)
    scaler.set_growth_interval(7)
    return before, scaler.state_dict(), scaler.is_enabled()


def going_on_from_a_saved_state(t):
    w, optimizer, scaler = training(t)
    for other in (t.amp.GradScaler("cpu"), t.amp.GradScaler("cpu")):
        scaler.scale(w.sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        other.scale(t.ones(1))
        other.load_state_dict(scaler.state_dict())
        scaler = other
    return scaler.state_dict(), scaler.scale(t.ones(1))


def a_scale_of_ones_own(t):
    w, optimizer, scaler = training(t)
    seen = []
    for new in (16.0, t.tensor(32.0)):
        scaler.scale(w.sum()).backward()
        scaler.step(optimizer)
        scaler.update(new)
        seen.append(scaler.get_scale())
    return seen


def defaults(t):
    return t.amp.GradScaler("cpu").state_dict(), t.amp.GradScaler("cpu", enabled=False).state_dict()


@named(
    [
        gradients_looked_at_in_between,
        two_optimizers_and_one_bad_gradient,
        scaled_things,
        what_step_returns,
        settings,
        going_on_from_a_saved_state,
        a_scale_of_ones_own,
        defaults,
    ]
)
def test_a_scaler_is_pytorchs(scenario):
    same(scenario)


def started(t):
    w, optimizer, scaler = training(t)
    scaler.scale(w.sum()).backward()
    return w, optimizer, scaler


def unscaled_twice(t):
    _, optimizer, scaler = started(t)
    scaler.unscale_(optimizer)
    scaler.unscale_(optimizer)


def unscaled_after_the_step(t):
    _, optimizer, scaler = started(t)
    scaler.step(optimizer)
    scaler.unscale_(optimizer)


def stepped_twice(t):
    _, optimizer, scaler = started(t)
    scaler.step(optimizer)
    scaler.step(optimizer)


def half_precision_gradients(t):
    w = t.tensor([1.0], dtype=t.float16, requires_grad=True)
    scaler = t.amp.GradScaler("cpu", init_scale=2.0)
    scaler.scale(w.sum()).backward()
    scaler.step(t.optim.SGD([w], lr=0.1))


def no_gradients(t):
    _, _, scaler = started(t)
    scaler.step(t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1))


MISTAKES = {
    "unscaled twice": unscaled_twice,
    "unscaled after the step": unscaled_after_the_step,
    "stepped twice": stepped_twice,
    "half precision": half_precision_gradients,
    "no gradients": no_gradients,
    "a closure": lambda t: started(t)[2].step(started(t)[1], closure=lambda: 0),
    "step before scale": lambda t: training(t)[2].step(training(t)[1]),
    "update before scale": lambda t: training(t)[2].update(),
    "update before step": lambda t: started(t)[2].update(),
    "a bad growth factor": lambda t: t.amp.GradScaler("cpu", growth_factor=1.0),
    "a bad backoff factor": lambda t: t.amp.GradScaler("cpu", backoff_factor=1.0),
    "an empty state": lambda t: t.amp.GradScaler("cpu").load_state_dict({}),
    "a number scaled": lambda t: t.amp.GradScaler("cpu").scale(3),
    "pickled in the middle": lambda t: pickle.dumps(stepped_once(t)),
}


def stepped_once(t):
    _, optimizer, scaler = started(t)
    scaler.step(optimizer)
    return scaler


@pytest.mark.parametrize("scenario", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_get_pytorchs_errors(scenario):
    same(scenario, raises=True)


def test_a_scaler_can_be_pickled_and_copied_between_steps():
    w, optimizer, scaler = started(nbautograd)
    scaler.step(optimizer)
    scaler.update()
    for twin in (pickle.loads(pickle.dumps(scaler)), copy.deepcopy(scaler)):
        assert twin.state_dict() == scaler.state_dict()
        assert twin.scale(w).tolist() == scaler.scale(w).tolist()


def test_without_cuda_a_scaler_for_it_warns_and_does_nothing():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA")
    same(lambda t: (t.amp.GradScaler().is_enabled(), t.amp.GradScaler().get_scale()))
