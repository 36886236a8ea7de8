"""Averaged weights and the schedule that goes with them are PyTorch's."""

import numpy as np
import pytest

import nbautograd


def model(library, seed=0):
    net = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.BatchNorm1d(4), library.nn.Linear(4, 2))
    net = net.double()
    draw = np.random.default_rng(seed)
    with library.no_grad():
        for p in net.parameters():
            p.copy_(library.tensor(draw.standard_normal(tuple(p.shape))))
    return net


def batches(library):
    draw = np.random.default_rng(7)
    return [(library.tensor(draw.standard_normal((5, 3))), None) for _ in range(3)]


def averaged(library, make, use_buffers):
    utils = library.optim.swa_utils
    net = model(library)
    options = {} if make is None else {make[0]: make[1](utils)}
    average = utils.AveragedModel(net, use_buffers=use_buffers, **options)
    for step, (x, _) in enumerate(batches(library)):
        net(x)
        with library.no_grad():
            for p in net.parameters():
                p.add_(0.1 * (step + 1))
        average.update_parameters(net)
    return average


AVERAGES = [
    None,
    ("avg_fn", lambda utils: utils.get_ema_avg_fn(0.9)),
    ("multi_avg_fn", lambda utils: utils.get_ema_multi_avg_fn(0.5)),
    ("avg_fn", lambda utils: lambda averaged, new, count: averaged + new * count),
]


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("make", AVERAGES)
def test_the_average_is_pytorchs(make, use_buffers):
    torch = pytest.importorskip("torch")
    ours, theirs = (averaged(library, make, use_buffers).state_dict() for library in (nbautograd, torch))
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name].numpy(), value.numpy(), rtol=1e-12)


def test_batch_norms_learn_the_statistics_of_averaged_weights():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        average = averaged(library, None, False).eval()
        library.optim.swa_utils.update_bn(batches(library), average)
        assert not average.training
        assert average.module[1].momentum == 0.1
        found.append(average(library.ones(2, 3).double()).detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"swa_lr": 0.5},
        {"swa_lr": [0.5, 0.01], "anneal_epochs": 4, "anneal_strategy": "linear"},
        {"swa_lr": 0.5, "anneal_epochs": 0},
    ],
)
def test_the_rates_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        groups = [{"params": [library.ones(1, requires_grad=True)], "lr": lr} for lr in (0.1, 1.0)]
        optimizer = library.optim.SGD(groups)
        schedule = library.optim.swa_utils.SWALR(optimizer, **options)
        rates = []
        for _ in range(14):
            rates.append(schedule.get_last_lr())
            optimizer.step()
            schedule.step()
        found.append(rates)
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_bad_settings_are_refused():
    utils = nbautograd.optim.swa_utils
    with pytest.raises(ValueError, match="Invalid decay value 2 provided"):
        utils.get_ema_avg_fn(2)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        utils.AveragedModel(model(nbautograd), avg_fn=max, multi_avg_fn=max)
    optimizer = nbautograd.optim.SGD([nbautograd.ones(1, requires_grad=True)])
    with pytest.raises(ValueError, match="anneal_strategy must be one of"):
        utils.SWALR(optimizer, 0.1, anneal_strategy="up")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
        utils.SWALR(optimizer, 0.1, anneal_epochs=-1)
