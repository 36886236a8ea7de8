"""A training step of a small convolutional network: forward, cross-entropy, backward, Adam."""

import numpy

from benchmarks.row import AtMost, Row, Side

BATCH = 32


def cnn_row(name, image, channels, hidden, goal):
    """Two convolutions of 3 × 3, each with ReLU and a max pool, then a perceptron."""
    row = Row(name, (AtMost(goal), AtMost(0.8, of="with numba")))
    draw = numpy.random.default_rng(0)
    x = numpy.float32(draw.standard_normal((BATCH, *image)))
    y = draw.integers(0, 10, BATCH)

    @row.of("nbautograd", "torch")
    def modules(torch):
        nn = torch.nn
        model = network(nn, image, channels, hidden)
        values = numpy.random.default_rng(1)
        with torch.no_grad():
            for parameter in model.parameters():
                inputs = numpy.prod(parameter.shape[1:])
                parameter.copy_(torch.tensor(values.uniform(-1, 1, tuple(parameter.shape)) / inputs**0.5))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        inputs, target = torch.tensor(x), torch.tensor(y)
        last = []

        def step():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            optimizer.step()
            last[:] = [loss.detach()]

        return Side(step, lambda: [last[0].item()])

    return row


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
