"""A training step of a small convolutional network: forward, cross-entropy, backward, Adam."""

import numpy

from benchmarks.row import AtMost, Row, Side
from benchmarks.training import cross_entropy_of, gradients_of, trained, trained_by_tinygrad

BATCH = 32


def cnn_row(name, image, channels, hidden, goal):
    """Two convolutions of 3 × 3, each with ReLU and a max pool, then a perceptron."""
    row = Row(name, (AtMost(goal), AtMost(0.8, of="with numba")))
    draw = numpy.random.default_rng(0)
    x = numpy.float32(draw.standard_normal((BATCH, *image)))
    y = draw.integers(0, 10, BATCH)

    def values():
        """Weights and biases, layer by layer, as torch's modules have them."""
        draw = numpy.random.default_rng(1)
        shapes = shapes_of(image, channels, hidden)
        return [numpy.float32(draw.uniform(-1, 1, shape) / numpy.prod(shape[1:]) ** 0.5) for shape in shapes]

    @row.of("nbautograd", "torch")
    def modules(torch):
        nn = torch.nn
        model = network(nn, image, channels, hidden)
        with torch.no_grad():
            for parameter, start in zip(model.parameters(), values(), strict=True):
                parameter.copy_(torch.tensor(start))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        inputs, target = torch.tensor(x), torch.tensor(y)
        last = []

        def step():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            optimizer.step()
            last[:] = [loss.detach()]

        return Side(step, lambda: [last[0].item(), *gradients_of(model)])

    @row.of("JAX")
    def compiled(jax):
        def loss_of(parameters):
            h = x
            for weight, bias in (parameters[:2], parameters[2:4]):
                h = jax.lax.conv_general_dilated(h, weight, (1, 1), "SAME") + bias[:, None, None]
                windows = (1, 1, 2, 2)
                h = jax.lax.reduce_window(jax.nn.relu(h), -numpy.inf, jax.lax.max, windows, windows, "VALID")
            h = h.reshape(BATCH, -1) @ parameters[4].T + parameters[5]
            if hidden:
                h = jax.nn.relu(h) @ parameters[6].T + parameters[7]
            return cross_entropy_of(jax, h, y)

        return trained(jax, loss_of, values())

    @row.of("tinygrad")
    def realized(tinygrad):
        parameters = [tinygrad.Tensor(start).realize() for start in values()]
        inputs, target = tinygrad.Tensor(x).realize(), tinygrad.Tensor(y).realize()

        def loss_of():
            h = inputs.conv2d(*parameters[:2], padding=1).relu().max_pool2d(2)
            h = h.conv2d(*parameters[2:4], padding=1).relu().max_pool2d(2)
            h = h.flatten(1).linear(parameters[4].T, parameters[5])
            if hidden:
                h = h.relu().linear(parameters[6].T, parameters[7])
            return h.sparse_categorical_crossentropy(target)

        return trained_by_tinygrad(tinygrad, loss_of, parameters)

    return row


def shapes_of(image, channels, hidden):
    first, second = channels
    pixels = second * (image[1] // 4) * (image[2] // 4)
    head = [(hidden, pixels), (hidden,), (10, hidden), (10,)] if hidden else [(10, pixels), (10,)]
    return [(first, image[0], 3, 3), (first,), (second, first, 3, 3), (second,), *head]


def network(nn, image, channels, hidden):
    first, second = channels
    pixels = second * (image[1] // 4) * (image[2] // 4)
    head = [nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 10)] if hidden else [nn.Linear(pixels, 10)]
    return nn.Sequential(
        *(nn.Conv2d(image[0], first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        *head,
    )


ROWS = [
    cnn_row("CNN 32×(1,28,28), CE, Adam", (1, 28, 28), (16, 32), 0, 1.2),
    cnn_row("CNN 32×(3,32,32), CE, Adam", (3, 32, 32), (32, 64), 128, 1.2),
]
