"""Gradient descent by `w = w - rate * w.grad`: after one step w is no leaf any more, and its `.grad` is None."""

import torch

w = torch.tensor(5.0, requires_grad=True)
for _ in range(2):
    loss = (w - 1) ** 2
    loss.backward()
    w = w - 0.1 * w.grad
    print(w)
