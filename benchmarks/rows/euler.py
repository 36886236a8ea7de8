"""A physical system walked in small steps: the gradient of a damped spring's path, with respect to its stiffness."""

import sys

import numpy

from benchmarks.row import AtMost, Row, Side

STEPS, STEP, DAMPING = 1000, 0.01, 0.3


def path_loss(stiffness, measured):
    """Squared distance between a spring let go at 1 and a measured path; only + and ×, so for every library."""
    position, speed, loss = stiffness * 0 + 1, stiffness * 0, 0
    for x in measured:
        speed = speed - STEP * (stiffness * position + DAMPING * speed)
        position = position + STEP * speed
        miss = position - x
        loss = loss + miss * miss
    return loss


def path_gradient(np, stiffness, measured):
    """The same by hand: one walk forward, one back."""
    position, speed = stiffness * 0 + 1, stiffness * 0
    path = []
    for _ in measured:
        path.append(position)
        speed = speed - STEP * (stiffness * position + DAMPING * speed)
        position = position + STEP * speed
    d_position = d_speed = d_stiffness = stiffness * 0
    end = position
    for start, x in zip(reversed(path), reversed(measured), strict=True):
        d_position = d_position + 2 * (end - x)
        d_speed = d_speed + STEP * d_position
        d_force = STEP * d_speed
        d_stiffness = d_stiffness - d_force * start
        d_position = d_position - d_force * stiffness
        d_speed = d_speed - d_force * DAMPING
        end = start
    return d_stiffness


def euler_row(name, size, goal, captured):
    row = Row(name, (AtMost(goal), AtMost(captured, of="captured")))
    time = STEP * numpy.arange(1, STEPS + 1)
    swing = numpy.float32(numpy.exp(-DAMPING / 2 * time) * numpy.cos(2 * time))
    stiffness = numpy.linspace(3, 5, size, dtype=numpy.float32) if size else numpy.float32(3.0)
    measured = [numpy.full(size, x) for x in swing] if size else [float(x) for x in swing]

    @row.of("nbautograd", "torch")
    def tensors(torch):
        k = torch.tensor(stiffness, requires_grad=True)
        path = [torch.tensor(x) for x in measured] if size else measured

        def step():
            k.grad = None
            loss = path_loss(k, path)
            (loss.sum() if size else loss).backward()

        return Side(step, lambda: [k.grad.numpy()])

    @row.of("mygrad")
    def mygrad_tensors(mygrad):
        k = mygrad.tensor(stiffness)
        return Side(lambda: path_loss(k, measured).sum().backward(), lambda: [k.grad])

    @row.of("HIPS autograd")
    def traced(autograd):
        gradient = autograd.grad(lambda k: autograd.numpy.sum(path_loss(k, measured)))
        k = stiffness if size else float(stiffness)
        return Side(lambda: gradient(k), lambda: [gradient(k)])

    @row.of("NumPy")
    def arrays(np):
        k = stiffness if size else float(stiffness)
        return Side(lambda: path_gradient(np, k, measured), lambda: [path_gradient(np, k, measured)])

    if not size:

        @row.of("micrograd")
        def values(micrograd):
            sys.setrecursionlimit(100_000)  # its backward is recursive
            k = micrograd.Value(float(stiffness))

            def step():
                k.grad = 0
                path_loss(k, measured).backward()

            return Side(step, lambda: [k.grad])

    return row


ROWS = [euler_row("Euler × 1,000, 0-d", 0, 0.25, 0.02), euler_row("Euler × 1,000, 16-d", 16, 0.45, 0.2)]
