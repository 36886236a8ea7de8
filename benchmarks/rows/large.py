"""Large tensors, where memory decides: chains of elementwise functions, and functions of rows."""

from types import SimpleNamespace

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

    @row.of("JAX")
    def compiled(jax):
        x = jax.numpy.asarray(values)
        gradient = jax.jit(jax.grad(lambda x: function(of_jax(jax), x).sum()))
        return Side(lambda: gradient(x).block_until_ready(), lambda: [gradient(x)])

    @row.of("tinygrad")
    def realized(tinygrad):
        x = tinygrad.Tensor(values).realize()

        @tinygrad.TinyJit
        def gradient(x):
            return function(of_tinygrad(tinygrad.Tensor), x).sum().gradient(x)[0].realize()

        return Side(lambda: (gradient(x), tinygrad.Device[x.device].synchronize()), lambda: [gradient(x).numpy()])

    return row


def with_memory_kept(row, goals):
    """The same row where our process keeps the memory of arrays that are gone."""
    kept = Row(f"{row.name}, memory kept", goals)
    kept.sides["torch"] = row.sides["torch"]

    @kept.of("nbautograd")
    def tensors(nbautograd):
        nbautograd.keep_memory()
        return row.sides["nbautograd"](nbautograd)

    return kept


def of_jax(jax):
    """The functions by torch's names."""
    return SimpleNamespace(
        tanh=jax.numpy.tanh,
        exp=jax.numpy.exp,
        square=jax.numpy.square,
        logsumexp=jax.scipy.special.logsumexp,
        softmax=jax.nn.softmax,
    )


def of_tinygrad(tensor):
    return SimpleNamespace(
        tanh=tensor.tanh, exp=tensor.exp, square=tensor.square, logsumexp=tensor.logsumexp, softmax=tensor.softmax
    )


def chain(torch, x):
    for _ in range(LINKS):
        x = torch.exp(torch.tanh(x) * 0.5)
    return x


def captured(factor):
    return AtMost(factor, of="captured")


chain_1e7 = large_row("tanh/exp chain on 1e7", (AtMost(0.4), captured(0.15)), 10_000_000, chain)

ROWS = [
    large_row("tanh/exp chain on 1e6", (AtMost(1.0), captured(0.35)), 1_000_000, chain),
    chain_1e7,
    with_memory_kept(chain_1e7, (AtMost(0.2),)),
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
        lambda torch, x: torch.square(torch.softmax(x, 1)),
    ),
]
