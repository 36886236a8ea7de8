"""The example programs reach their goals, and take the path that PyTorch takes from the same start."""

import numpy
import pytest

import nbautograd

from . import (
    bar_by_physics,
    char_lstm,
    char_transformer,
    digits,
    digits_by_convolution,
    digits_by_vae,
    linear_regression,
    maze_by_policy_gradient,
    moons,
    moons_by_scalars,
    spring,
)

PROGRAMS = {
    "linear_regression": linear_regression.main,
    "moons": moons.main,
    "moons_by_scalars": moons_by_scalars.main,
    "digits": digits.main,
    "digits_by_convolution": digits_by_convolution.main,
    "digits_by_vae": digits_by_vae.main,
    "maze_by_policy_gradient": maze_by_policy_gradient.main,
    "bar_by_physics": bar_by_physics.main,
    "spring": spring.main,
    "char_transformer": char_transformer.main,
    "char_lstm": char_lstm.main,
    "sixteen_springs": lambda torch, dtype: spring.main(torch, dtype, springs=16),
}


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-7)])
@pytest.mark.parametrize("main", PROGRAMS.values(), ids=PROGRAMS)
def test_the_losses_are_pytorchs(main, dtype, rtol):
    torch = pytest.importorskip("torch")
    ours = main(nbautograd, getattr(nbautograd, dtype))
    numpy.testing.assert_allclose(ours, main(torch, getattr(torch, dtype)), rtol=rtol)


def test_gradient_descent_ends_on_the_least_squares_line():
    line, _ = linear_regression.train(nbautograd, nbautograd.float64)
    numpy.testing.assert_allclose(line, numpy.polyfit(*linear_regression.points(), deg=1), rtol=1e-6)


def test_the_moons_are_told_apart():
    model, _ = moons.train(nbautograd)
    assert moons.accuracy(nbautograd, model) > 0.98


def test_the_moons_are_told_apart_by_scalars():
    layers, _ = moons_by_scalars.train(nbautograd)
    assert moons_by_scalars.accuracy(nbautograd, layers) > 0.95


def test_more_than_95_percent_of_the_digits_are_read():
    model, _ = digits.train(nbautograd)
    assert digits.accuracy(nbautograd, model) > 0.95


def test_a_convolutional_network_reads_95_percent_of_the_digits():
    model, _ = digits_by_convolution.train(nbautograd)
    assert digits_by_convolution.accuracy(nbautograd, model) > 0.95


@pytest.mark.parametrize("springs", [0, 16])
def test_the_stiffness_is_recovered(springs):
    k, _ = spring.train(nbautograd, springs=springs)
    numpy.testing.assert_allclose(k.detach().numpy(), spring.true_stiffness(springs), rtol=0.01)


@pytest.mark.parametrize(("program", "goal"), [(char_transformer, 1.3), (char_lstm, 1.1)])
def test_a_text_is_learnt_by_heart(program, goal):
    model, losses = program.train(nbautograd)
    assert losses[-1] < goal
    assert "better than" in program.write(nbautograd, model, "Beautiful is ", 20)


def test_eight_numbers_describe_a_digit():
    model, losses = digits_by_vae.train(nbautograd)
    assert losses[-1] < 0.6 * losses[0]
    assert digits_by_vae.error(nbautograd, model) < 0.05


def test_the_shortest_way_through_the_maze_is_found():
    _, _, lengths = maze_by_policy_gradient.train(nbautograd)
    assert lengths[0] > 20
    assert lengths[-1] < 8.5


def test_the_temperature_follows_from_the_law_of_heat():
    model, _ = bar_by_physics.train(nbautograd)
    assert bar_by_physics.error(nbautograd, model) < 0.01
