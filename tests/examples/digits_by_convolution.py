"""Handwritten digits of 8 × 8 pixels, read by a small convolutional network in the manner of LeNet."""

import numpy

from . import digits
from .start import draw_weights


def images(torch, dtype):
    """The digits as images of one channel."""
    x, y, x_test, y_test = digits.images(torch, dtype)
    return x.reshape(-1, 1, 8, 8), y, x_test.reshape(-1, 1, 8, 8), y_test


def network(nn):
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 2 * 2, 64),
        nn.Tanh(),
        nn.Linear(64, 10),
    )


def train(torch, dtype=None, epochs=12, batch=64):
    dtype = dtype or torch.float32
    x, y, _, _ = images(torch, dtype)
    model = draw_weights(torch, network(torch.nn).to(dtype))
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    draw = numpy.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        order = torch.tensor(draw.permutation(len(x)))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return model, losses


def accuracy(torch, model) -> float:
    """The share of test images whose largest logit is the digit's."""
    _, _, x, y = images(torch, next(model.parameters()).dtype)
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).sum().item() / len(y)


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"{accuracy(torch, model):.1%} of the test images are read right")
    return losses
