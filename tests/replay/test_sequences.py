"""Captured steps of attention and of recurrent layers do what the steps do."""

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import nn


def unrolled(cell, x):
    state = None
    for row in x:
        state = cell(row, state)
    return state[0] if isinstance(state, tuple) else state


def fed_back(cell, x):
    state = cell(x[0])
    for _ in range(4):
        h = state[0] if isinstance(state, tuple) else state
        state = cell(torch.cat([h, h[:, :2] * x[0, :, :2]], 1), state)
    return h


def every_state(cell, x):
    state, seen = None, []
    for row in x:
        state = cell(row * 2, state)
        seen += state if isinstance(state, tuple) else (state,)
    return torch.stack(seen[1:])


def with_penalty(cell, x):
    return unrolled(cell, x).sum() + 0.1 * cell.weight_hh.square().sum() + cell.bias_ih.abs().sum()


def part_of_the_steps(cell, x):
    return unrolled(cell, x[:3]).sum() + unrolled(cell, x[3:]).detach().sum()


def frozen(cell):
    cell.weight_hh.requires_grad_(False)
    cell.bias_ih.requires_grad_(False)
    return cell


NETS = {
    **{
        f"{kind.__name__}, {run.__name__}{'' if bias else ', no bias'}": (
            lambda kind=kind, bias=bias: kind(8, 6, bias=bias),
            run,
        )
        for kind in (nn.LSTMCell, nn.GRUCell, nn.RNNCell)
        for run in (unrolled, fed_back, every_state, with_penalty, part_of_the_steps)
        for bias in (True, False)
        if bias or run is not with_penalty
    },
    "a frozen lstm cell": (lambda: frozen(nn.LSTMCell(8, 6)), unrolled),
    "a frozen gru cell": (lambda: frozen(nn.GRUCell(8, 6)), unrolled),
    "lstm": (lambda: nn.LSTM(8, 6), lambda m, x: m(x)[0]),
    "deep lstm": (lambda: nn.LSTM(8, 6, 2, bidirectional=True), lambda m, x: m(x)[1][0]),
    "gru": (lambda: nn.GRU(8, 6), lambda m, x: m(x)[0]),
    "last state": (lambda: nn.GRU(8, 6), lambda m, x: m(x)[1]),
    "rnn": (lambda: nn.RNN(8, 6), lambda m, x: m(x)[0]),
    "attention": (lambda: nn.MultiheadAttention(8, 2), lambda m, x: m(x, x, x)[0]),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0), lambda m, x: m(x)),
}


@pytest.mark.parametrize("net", NETS)
def test_a_captured_step_of_sequences_does_what_the_step_does(net):
    make, run = NETS[net]
    batches = np.random.default_rng(0).uniform(-1, 1, (6, 5, 4, 8)).astype("float32")

    def losses(capture):
        torch.manual_seed(0)
        module = make()
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)

        def step(x):
            optimizer.zero_grad()
            loss = (run(module, x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        step = torch.capture(step) if capture else step
        return [step(torch.tensor(x)).item() for x in batches], step

    plain, _ = losses(False)
    captured, step = losses(True)
    np.testing.assert_allclose(captured, plain, rtol=1e-5)
    assert step.explain().startswith("4 calls replayed, 2 run"), step.explain()


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell])
def test_cells_that_share_weights_run_in_one_buffer_and_their_results_are_nobody_elses(kind):
    cell, x = kind(3, 2), torch.randn(5, 4, 3, requires_grad=True)

    def step():
        cell.zero_grad()
        x.grad = None
        h = unrolled(cell, x)
        h.sum().backward()
        return h

    expected = step().detach()
    gradients = [p.grad.clone() for p in (*cell.parameters(), x)]
    captured = torch.capture(step)
    results = [captured() for _ in range(4)]
    first = [p.grad for p in (*cell.parameters(), x)]
    captured()
    assert "cells.weights()" in captured.source()
    for result in results:
        torch.testing.assert_close(result, expected)
    for mine, p, right in zip(first, (*cell.parameters(), x), gradients, strict=True):
        torch.testing.assert_close(p.grad, right)
        p.grad.mul_(0)
        torch.testing.assert_close(mine, right)


def test_a_program_that_runs_is_not_entered_again():
    w = torch.ones(3, requires_grad=True)

    def step(x):
        return torch.autograd.grad((w * x).sum(), w)[0]

    captured = torch.capture(step)
    for _ in range(3):
        captured(torch.ones(3))
    program = captured._recipes[0].program
    with program._running:
        assert captured(torch.ones(3) * 2).tolist() == [2.0, 2.0, 2.0]
    assert "running already" in captured.explain()


def test_a_gradient_that_is_a_sum_of_thousands_is_captured():
    k = torch.tensor(2.0, requires_grad=True)

    @torch.capture
    def step(x):
        k.grad = None
        for _ in range(3000):
            x = x * k * 0.5
        x.backward()
        return x.detach()

    for start in (1.0, 2.0, 3.0):
        assert step(torch.tensor(start)).item() == start
        assert k.grad.item() == pytest.approx(1500 * start)
    assert "program of" in step.explain()
