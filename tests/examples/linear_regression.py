"""A straight line through noisy points, found by gradient descent on two numbers.

Nothing but tensors and `.grad`: no module, no optimizer. The line it ends on is the least-squares line.
"""

import numpy

SLOPE, INTERCEPT = 3.0, -2.0


def points():
    """A hundred measurements of a line, each a little off."""
    draw = numpy.random.default_rng(0)
    x = draw.uniform(-1, 1, 100)
    return x, SLOPE * x + INTERCEPT + 0.1 * draw.standard_normal(100)


def train(torch, dtype=None, steps=100, rate=0.5):
    dtype = dtype or torch.float32
    x, y = (torch.tensor(values, dtype=dtype) for values in points())
    slope = torch.tensor(0.0, dtype=dtype, requires_grad=True)
    intercept = torch.tensor(0.0, dtype=dtype, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = ((slope * x + intercept - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():  # the update is no part of the graph
            for parameter in (slope, intercept):
                parameter -= rate * parameter.grad
                parameter.grad = None
        losses.append(loss.item())
    return (slope.item(), intercept.item()), losses


def main(torch, dtype=None) -> list[float]:
    (slope, intercept), losses = train(torch, dtype)
    print(f"y = {slope:.3f} x {intercept:+.3f}, where the points were made with {SLOPE} and {INTERCEPT}")
    return losses
