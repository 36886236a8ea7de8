"""Derivatives of derivatives: a Hessian times a vector, and a penalty on the gradient."""

from itertools import pairwise

import numpy

from benchmarks.row import AtMost, Row, Side

SIZES = (16, 64, 64, 1)


def second_row(name, goals, finish):
    """A row for a small network's input gradient and what `finish(torch, gradient, x, parameters)` makes of it."""
    row = Row(name, goals)
    draw = numpy.random.default_rng(0)
    values = [numpy.float32(draw.standard_normal((m, n)) / m**0.5) for m, n in pairwise(SIZES)]
    start = numpy.float32(draw.standard_normal((32, SIZES[0])))

    @row.of("nbautograd", "torch")
    def tensors(torch):
        parameters = [torch.tensor(v, requires_grad=True) for v in values]
        x = torch.tensor(start, requires_grad=True)

        def step():
            for p in (x, *parameters):
                p.grad = None
            hidden = x
            for p in parameters[:-1]:
                hidden = torch.tanh(hidden @ p)
            (gradient,) = torch.autograd.grad((hidden @ parameters[-1]).sum(), x, create_graph=True)
            finish(torch, gradient, x).backward()

        return Side(step, lambda: [x.grad.numpy(), parameters[0].grad.numpy()])

    return row


ROWS = [
    second_row(
        "Hessian times vector, small MLP",
        (AtMost(0.9), AtMost(0.5, of="captured")),
        lambda torch, gradient, x: (gradient * x.detach()).sum(),
    ),
    second_row(
        "gradient penalty, small MLP",
        (AtMost(0.9), AtMost(0.5, of="captured")),
        lambda torch, gradient, x: ((gradient.square().sum(1) + 1e-6).sqrt() - 1).square().mean(),
    ),
]
