"""Derivatives of derivatives: a Hessian times a vector, and a penalty on the gradient."""

from itertools import pairwise

import numpy

from benchmarks.row import AtMost, Row, Side

SIZES = (16, 64, 64, 1)


def second_row(name, goals, finish):
    """A row for a small network's input gradient and what `finish(gradient, x)` makes of it."""
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
            finish(gradient, x.detach()).backward()

        return Side(step, lambda: [x.grad.numpy(), parameters[0].grad.numpy()])

    @row.of("JAX")
    def compiled(jax):
        def score(x, parameters):
            for p in parameters[:-1]:
                x = jax.numpy.tanh(x @ p)
            return (x @ parameters[-1]).sum()

        def loss(x, parameters):
            return finish(jax.grad(score)(x, parameters), jax.lax.stop_gradient(x))

        gradients = jax.jit(jax.grad(loss, argnums=(0, 1)))
        x, parameters = jax.numpy.asarray(start), [jax.numpy.asarray(v) for v in values]

        def read():
            of_x, of_parameters = gradients(x, parameters)
            return [of_x, of_parameters[0]]

        return Side(lambda: jax.block_until_ready(gradients(x, parameters)), read)

    return row


ROWS = [
    second_row(
        "Hessian times vector, small MLP",
        (AtMost(0.9), AtMost(0.5, of="captured")),
        lambda gradient, x: (gradient * x).sum(),
    ),
    second_row(
        "gradient penalty, small MLP",
        (AtMost(0.9), AtMost(0.5, of="captured")),
        lambda gradient, x: ((((gradient * gradient).sum(1) + 1e-6) ** 0.5 - 1) ** 2).mean(),
    ),
]
