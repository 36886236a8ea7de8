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


NETS = {
    "lstm": (lambda: nn.LSTM(8, 6), lambda m, x: m(x)[0]),
    "deep lstm": (lambda: nn.LSTM(8, 6, 2, bidirectional=True), lambda m, x: m(x)[1][0]),
    "gru": (lambda: nn.GRU(8, 6), lambda m, x: m(x)[0]),
    "last state": (lambda: nn.GRU(8, 6), lambda m, x: m(x)[1]),
    "rnn": (lambda: nn.RNN(8, 6), lambda m, x: m(x)[0]),
    "lstm cell": (lambda: nn.LSTMCell(8, 6), unrolled),
    "gru cell": (lambda: nn.GRUCell(8, 6), unrolled),
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
