"""Large tensors, where memory decides: chains of elementwise functions, and functions of rows."""

import numpy

from benchmarks.row import AtMost, Row, Side

LINKS = 3


def large_row(name, goals, shape, function):
    """A row for the gradient of the sum of `function(torch, x)`."""
    row = Row(name, goals)
    values = numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)

    @row.of("nbautograd", "torch")
    def tensors(torch):
        x = torch.tensor(values, requires_grad=True)

        def step():
            x.grad = None
            function(torch, x).sum().backward()

        return Side(step, lambda: [x.grad.numpy()])

    return row


def chain(torch, x):
    for _ in range(LINKS):
        x = torch.exp(torch.tanh(x) * 0.5)
    return x


def captured(factor):
    return AtMost(factor, of="captured")


ROWS = [
    large_row("tanh/exp chain on 1e6", (AtMost(1.0), captured(0.35)), 1_000_000, chain),
    large_row("tanh/exp chain on 1e7", (AtMost(0.4), captured(0.15)), 10_000_000, chain),
    large_row(
        "logsumexp of 1000 rows of 1000",
        (AtMost(1.0), AtMost(1.0, of="with numba"), captured(0.9)),
        (1000, 1000),
        lambda torch, x: torch.logsumexp(x, 1),
    ),
    large_row(
        "softmax of 1000 rows of 1000",
        (AtMost(1.5), AtMost(1.0, of="with numba"), captured(0.9)),
        (1000, 1000),
        lambda torch, x: torch.softmax(x, 1).square(),
    ),
]
