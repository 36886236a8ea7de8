"""Every schedule gives PyTorch's rates, step by step."""

import copy

import pytest

import nbautograd

ADAM = {"name": "Adam", "lr": 0.1}

SCHEDULES = {
    "StepLR": [{"step_size": 3}, {"step_size": 1, "gamma": 0.5}],
    "MultiStepLR": [{"milestones": [2, 5, 5], "gamma": 0.5}],
    "ConstantLR": [{}, {"factor": 0.25, "total_iters": 3}],
    "LinearLR": [{}, {"start_factor": 0.1, "end_factor": 0.5, "total_iters": 7}],
    "ExponentialLR": [{"gamma": 0.9}],
    "PolynomialLR": [{}, {"total_iters": 8, "power": 2.0}],
    "LambdaLR": [{"lr_lambda": lambda t: 0.9**t}],
    "MultiplicativeLR": [{"lr_lambda": lambda t: 1 / (1 + t)}],
    "CosineAnnealingLR": [{"T_max": 5}, {"T_max": 8, "eta_min": 0.01}],
    "CosineAnnealingWarmRestarts": [{"T_0": 3}, {"T_0": 2, "T_mult": 2, "eta_min": 0.01}],
    "CyclicLR": [
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "step_size_down": 2, "mode": "triangular2"},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 2, "mode": "exp_range", "gamma": 0.9},
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 2, "scale_fn": lambda x: 1 / x, "cycle_momentum": False},
    ],
    "OneCycleLR": [
        {"max_lr": 0.1, "total_steps": 20},
        {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "anneal_strategy": "linear"},
        {"max_lr": 0.1, "total_steps": 20, "three_phase": True, "pct_start": 0.2},
    ],
}
CASES = [(name, options) for name, several in SCHEDULES.items() for options in several]
each_schedule = pytest.mark.parametrize(("name", "options"), CASES, ids=lambda value: str(value)[:60])


def optimizer(library, kind="SGD"):
    params = [
        {"params": [library.ones(2, requires_grad=True)]},
        {"params": [library.ones(1, requires_grad=True)], "lr": 0.5},
    ]
    return getattr(library.optim, kind)(params, lr=0.1)


def rates(library, name, options, kind, steps=20):
    opt = optimizer(library, kind)
    schedule = getattr(library.optim.lr_scheduler, name)(opt, **options)
    seen = []
    for _ in range(steps):
        momenta = [group.get("momentum", group.get("betas")) for group in opt.param_groups]
        seen.append([schedule.get_last_lr(), [group["lr"] for group in opt.param_groups], momenta])
        opt.step()
        schedule.step()
    return seen


def close(a, b):
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    return a == pytest.approx(b, rel=1e-9, abs=1e-15)


@each_schedule
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_the_rates_are_pytorchs(name, options, kind):
    torch = pytest.importorskip("torch")
    assert close(rates(nbautograd, name, options, kind), rates(torch, name, options, kind))


@each_schedule
def test_a_loaded_schedule_goes_on_where_the_saved_one_was(name, options):
    first, second = optimizer(nbautograd), optimizer(nbautograd)
    kind = getattr(nbautograd.optim.lr_scheduler, name)
    saved, loaded = kind(first, **options), kind(second, **options)
    for _ in range(4):
        first.step()
        saved.step()
    loaded.load_state_dict(copy.deepcopy(saved.state_dict()))
    second.load_state_dict(first.state_dict())
    for _ in range(4):
        for opt, schedule in ((first, saved), (second, loaded)):
            opt.step()
            schedule.step()
        assert saved.get_last_lr() == loaded.get_last_lr()


def plateau(library, **options):
    opt = optimizer(library)
    schedule = library.optim.lr_scheduler.ReduceLROnPlateau(opt, **options)
    seen = []
    for measure in (5.0, 4.0, 4.0, 4.0, 3.9999, 4.0, 4.1, 2.0, 2.0, 2.0, 2.0, 2.0):
        schedule.step(library.tensor(measure))
        seen.append(schedule.get_last_lr())
    return seen


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 0, "cooldown": 2, "factor": 0.5},
        {"mode": "max", "patience": 1},
        {"patience": 1, "threshold_mode": "abs", "threshold": 0.5},
        {"mode": "max", "patience": 1, "threshold_mode": "abs", "min_lr": [0.05, 0.1]},
    ],
)
def test_a_plateau_lowers_the_rate_as_in_pytorch(options):
    torch = pytest.importorskip("torch")
    assert close(plateau(nbautograd, **options), plateau(torch, **options))


def combined(library, build):
    opt = optimizer(library)
    schedule = build(library.optim.lr_scheduler, opt)
    seen = []
    for _ in range(15):
        seen.append(schedule.get_last_lr())
        opt.step()
        schedule.step()
    return seen


@pytest.mark.parametrize(
    "build",
    [
        lambda s, opt: s.SequentialLR(opt, [s.LinearLR(opt, total_iters=3), s.CosineAnnealingLR(opt, T_max=5)], [3]),
        lambda s, opt: s.SequentialLR(opt, [s.ConstantLR(opt), s.ExponentialLR(opt, 0.9), s.StepLR(opt, 2)], [2, 6]),
        lambda s, opt: s.ChainedScheduler([s.ConstantLR(opt, factor=0.1), s.ExponentialLR(opt, gamma=0.9)]),
        lambda s, opt: s.SequentialLR(
            opt, [s.PolynomialLR(opt), s.LambdaLR(opt, lambda t: t / 4), s.CosineAnnealingWarmRestarts(opt, 3)], [3, 6]
        ),
    ],
)
def test_schedules_of_schedules_are_pytorchs(build):
    torch = pytest.importorskip("torch")
    assert close(combined(nbautograd, build), combined(torch, build))


def test_a_schedule_before_the_optimizer_is_warned_about():
    schedule = nbautograd.optim.lr_scheduler.StepLR(optimizer(nbautograd), 1)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"):
        schedule.step()


def test_a_rate_given_as_a_tensor_is_filled():
    rate = nbautograd.tensor(0.5)
    opt = nbautograd.optim.SGD([nbautograd.ones(1, requires_grad=True)], lr=rate)
    schedule = nbautograd.optim.lr_scheduler.ExponentialLR(opt, 0.5)
    opt.step()
    schedule.step()
    assert rate.item() == 0.25


BAD = {
    "no optimizer": lambda torch, opt: torch.optim.lr_scheduler.StepLR(3, 1),
    "resumed too early": lambda torch, opt: torch.optim.lr_scheduler.StepLR(opt, 1, last_epoch=3),
    "factor": lambda torch, opt: torch.optim.lr_scheduler.ConstantLR(opt, factor=2.0),
    "start factor": lambda torch, opt: torch.optim.lr_scheduler.LinearLR(opt, start_factor=0.0),
    "end factor": lambda torch, opt: torch.optim.lr_scheduler.LinearLR(opt, end_factor=2.0),
    "lambdas": lambda torch, opt: torch.optim.lr_scheduler.LambdaLR(opt, [abs]),
    "plateau factor": lambda torch, opt: torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=1.0),
    "plateau mode": lambda torch, opt: torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="up"),
    "restarts": lambda torch, opt: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=0),
    "one cycle": lambda torch, opt: torch.optim.lr_scheduler.OneCycleLR(opt, 0.1),
    "one cycle steps": lambda torch, opt: torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, total_steps=-1),
    "max_lr": lambda torch, opt: torch.optim.lr_scheduler.OneCycleLR(opt, [0.1], total_steps=3),
    "no schedules": lambda torch, opt: torch.optim.lr_scheduler.ChainedScheduler([]),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_settings_get_pytorchs_error(bad):
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        with pytest.raises(Exception, match=r".") as caught:
            bad(library, optimizer(library))
        found.append((caught.type, str(caught.value).replace("\\n", "\n").splitlines()[0]))
    assert found[0] == found[1]


def halved(library):
    asked = []

    class Halving(library.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            asked.append(self._get_lr_called_within_step)
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    opt = optimizer(library)
    schedule = Halving(opt)
    opt.step()
    schedule.step()
    schedule.get_lr()
    return asked, schedule.get_last_lr()


def test_a_schedule_of_ones_own_knows_whether_it_is_asked_within_a_step():
    torch = pytest.importorskip("torch")
    assert halved(nbautograd) == halved(torch)


def test_a_schedule_is_told_from_a_function_by_its_module_as_in_torch():
    for library in (nbautograd, pytest.importorskip("torch")):
        module = library.optim.lr_scheduler
        assert {getattr(module, name).__module__ for name in SCHEDULES} == {module.__name__}
