"""Gradient descent written right, cleared before or after the step: the two orders take the same path."""

import torch


def descend(clear_first):
    w = torch.tensor(5.0, requires_grad=True)
    for _ in range(5):
        if clear_first:
            w.grad = None
        loss = (w - 1) ** 2
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
        if not clear_first:
            w.grad.zero_()
    return w


print(descend(clear_first=True))
print(descend(clear_first=False))
