"""A physics-informed network: the temperature along a heated bar, found from the law of heat alone.

Nobody tells the network a temperature inside the bar. Its loss asks that u'' = −heat hold at points between the ends,
with u'' by `autograd.grad` of `autograd.grad`, and that both ends be at zero.
"""

import math

import numpy

from .start import draw_weights

POINTS = 40


def heat(torch, x):
    """What the bar is heated with; the temperature is sin πx then."""
    return math.pi**2 * torch.sin(math.pi * x)


def bend(torch, u, x):
    """The second derivative of `u` at each point, ready for a loss."""
    (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
    return second


def train(torch, dtype=None, steps=150):
    dtype = dtype or torch.float32
    nn = torch.nn
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    draw_weights(torch, model).to(dtype)
    x = torch.linspace(0, 1, POINTS, dtype=dtype).reshape(-1, 1).requires_grad_()
    ends = torch.tensor([[0.0], [1.0]], dtype=dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        law = bend(torch, model(x), x) + heat(torch, x)
        loss = (law**2).mean() + 100 * (model(ends) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


def error(torch, model) -> float:
    """The largest difference from the true temperature."""
    x = torch.linspace(0, 1, 101, dtype=next(model.parameters()).dtype).reshape(-1, 1)
    with torch.no_grad():
        return float(numpy.abs((model(x) - torch.sin(math.pi * x)).numpy()).max())


def main(torch, dtype=None) -> list[float]:
    model, losses = train(torch, dtype)
    print(f"the temperature is right within {error(torch, model):.3f} of 1")
    return losses
