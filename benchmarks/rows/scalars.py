"""Graphs of thousands of scalars: a long chain, and a network whose every weight is a scalar."""

import sys
from functools import cache, partial
from itertools import pairwise

import numpy

from benchmarks.row import AtMost, Row, Side


def scalar_row(name, goals, function, start):
    """A row for the gradient of `function(relu, *scalars)`, written once for everything that can add and multiply."""
    row = Row(name, goals)

    @row.of("nbautograd", "torch")
    def tensors(torch):
        scalars = [torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in start]

        def step():
            for x in scalars:
                x.grad = None
            function(torch.relu, *scalars).backward()

        return Side(step, lambda: [x.grad.item() for x in scalars])

    @row.of("mygrad")
    def mygrad_tensors(mygrad):
        from mygrad.nnet.activations import relu

        scalars = [mygrad.tensor(x, dtype=numpy.float32) for x in start]
        return Side(lambda: function(relu, *scalars).backward(), lambda: [x.grad for x in scalars])

    @row.of("HIPS autograd")
    def traced(autograd):
        gradient = autograd.grad(lambda scalars: function(lambda x: autograd.numpy.maximum(x, 0.0), *scalars))
        floats = [float(x) for x in start]
        return Side(lambda: gradient(floats), lambda: gradient(floats))

    @row.of("micrograd")
    def values(micrograd):
        sys.setrecursionlimit(100_000)  # its backward is recursive
        scalars = [micrograd.Value(float(x)) for x in start]

        def step():
            for x in scalars:
                x.grad = 0
            function(micrograd.Value.relu, *scalars).backward()

        return Side(step, lambda: [x.grad for x in scalars])

    return row


def with_excess_precision(row, goals):
    """The same row where our step is captured and computes in double precision."""
    captured = Row(f"{row.name}, excess precision", goals)
    captured.sides["torch"] = row.sides["torch"]
    captured.sides["nbautograd"] = partial(row.captured, excess_precision=True)
    return captured


def chain(_relu, y, w, b):
    for _ in range(500):
        y = y * w + b
    return y


CHAIN_START = (1.0, 0.999, 0.002)
chain_row = scalar_row(
    "1,000-op scalar chain, fwd + bwd", (AtMost(0.30), AtMost(0.02, of="captured")), chain, CHAIN_START
)


@chain_row.of("NumPy")
def chain_by_hand(_):
    gradients = []

    def step():
        y, w, b = CHAIN_START
        seen = []
        for _ in range(500):
            seen.append(y)
            y = y * w + b
        dy, dw, db = 1.0, 0.0, 0.0
        for y in reversed(seen):
            db += dy
            dw += dy * y
            dy *= w
        gradients[:] = dy, dw, db

    return Side(step, lambda: gradients)


@chain_row.of("JAX")
def chain_compiled(jax):
    start = jax.numpy.float32(CHAIN_START)
    gradient = jax.jit(jax.grad(lambda start: chain(None, *start)))
    return Side(lambda: gradient(start).block_until_ready(), lambda: gradient(start).tolist())


SIZES = (2, 16, 16, 1)


@cache
def examples():
    """Points on two half circles, and the side that each is on."""
    from sklearn.datasets import make_moons

    points, upper = make_moons(12, noise=0.1, random_state=0)
    return list(zip(points.tolist(), (2 * upper - 1).tolist(), strict=True))


def moons(relu, *weights):
    """Mean hinge loss of the network on twelve points, and a little weight decay."""
    losses = [relu(1 - side * score(relu, iter(weights), point)) for point, side in examples()]
    return sum(losses) / len(losses) + 1e-4 * sum(w * w for w in weights)


def score(relu, weights, point):
    for layer, size in enumerate(SIZES[1:], start=1):
        sums = [sum((next(weights) * x for x in point), next(weights)) for _ in range(size)]
        point = sums if layer == len(SIZES) - 1 else [relu(x) for x in sums]
    return point[0]


def moons_start():
    count = sum((inputs + 1) * outputs for inputs, outputs in pairwise(SIZES))
    return numpy.random.default_rng(0).uniform(-0.5, 0.5, count)


moons_row = scalar_row(
    "moons MLP on scalars, fwd + bwd",
    (AtMost(0.30), AtMost(1.0, "micrograd"), AtMost(0.02, of="captured")),
    moons,
    moons_start(),
)

ROWS = [
    chain_row,
    with_excess_precision(chain_row, (AtMost(0.02),)),
    moons_row,
    with_excess_precision(moons_row, (AtMost(0.02),)),
]
