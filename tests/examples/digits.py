"""Handwritten digits of 8 × 8 pixels, read by a network with one hidden layer trained in mini-batches."""

import numpy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from .start import draw_weights


def images(torch, dtype):
    """Training and test images with their digits; a quarter is kept for the test."""
    pixels, digit = load_digits(return_X_y=True)
    split = train_test_split(pixels / 16, digit, test_size=0.25, random_state=0, stratify=digit)
    x, x_test, y, y_test = (torch.tensor(part) for part in split)
    return x.to(dtype), y, x_test.to(dtype), y_test


def train(torch, dtype=None, epochs=15, batch=64):
    dtype = dtype or torch.float32
    nn = torch.nn
    x, y, _, _ = images(torch, dtype)
    model = draw_weights(torch, nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).to(dtype))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
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
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).sum().item() / len(y)


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"{accuracy(torch, model):.1%} of the test images are read right")
    return losses
