"""The moons again, by a network whose every weight is a tensor of its own.

A neuron is the sum of its inputs times its weights, plus a bias; a layer is a list of neurons. The graph
of one step holds thousands of scalars, so this is also the hardest test of what one operation costs.
"""

from itertools import pairwise

import numpy
from sklearn.datasets import make_moons

SIZES = (2, 8, 8, 1)


class Neuron:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def __call__(self, inputs):
        return sum((w * x for w, x in zip(self.weights, inputs, strict=True)), self.bias)


def draw_layers(torch, dtype):
    """Layers of neurons, their weights uniform in ±1 and their biases 0."""
    draw = numpy.random.default_rng(0)

    def scalar(value):
        return torch.tensor(value, dtype=dtype, requires_grad=True)

    return [
        [Neuron([scalar(value) for value in draw.uniform(-1, 1, inputs)], scalar(0.0)) for _ in range(outputs)]
        for inputs, outputs in pairwise(SIZES)
    ]


def parameters(layers):
    return [p for layer in layers for neuron in layer for p in (*neuron.weights, neuron.bias)]


def score(layers, point):
    """One number per point: positive for the upper moon."""
    *hidden, last = layers
    for layer in hidden:
        point = [neuron(point).relu() for neuron in layer]
    return last[0](point)


def points():
    x, is_upper = make_moons(40, noise=0.1, random_state=0)
    return x.tolist(), (2 * is_upper - 1).tolist()


def train(torch, dtype=None, steps=40):
    layers = draw_layers(torch, dtype or torch.float32)
    weights = parameters(layers)
    x, y = points()
    optimizer = torch.optim.SGD(weights, lr=0.2, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        margins = [(1 - side * score(layers, point)).relu() for point, side in zip(x, y, strict=True)]
        loss = sum(margins) / len(margins) + 1e-4 * sum(w * w for w in weights)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return layers, losses


def accuracy(torch, layers) -> float:
    x, y = points()
    with torch.no_grad():
        right = [score(layers, point).item() * side > 0 for point, side in zip(x, y, strict=True)]
    return sum(right) / len(right)


def main(torch, dtype=None) -> list[float]:
    layers, losses = train(torch, dtype)
    print(f"{accuracy(torch, layers):.1%} of the points are on their side of the boundary")
    return losses
