"""The stiffness of a damped spring, recovered from how it swung.

The motion x'' = −k x − c x' is walked in 1,000 small steps; the loss compares each position with a noisy
measurement; its gradient with respect to k flows back through all of them. With `springs=16` one pass
finds the stiffness of sixteen springs at once.
"""

import numpy

DAMPING, STEP, STEPS, NOISE = 0.3, 0.01, 1000, 0.02


def swing(torch, stiffness):
    """Positions of a spring let go at 1, by Euler's method (the new speed moves the spring, so energy stays)."""
    position, speed = torch.ones_like(stiffness), torch.zeros_like(stiffness)
    for _ in range(STEPS):
        speed = speed - STEP * (stiffness * position + DAMPING * speed)
        position = position + STEP * speed
        yield position


def true_stiffness(springs):
    return numpy.linspace(2.0, 6.0, springs) if springs else 4.0


def measure(torch, dtype, springs):
    """What a noisy ruler reads at each step."""
    draw = numpy.random.default_rng(0)
    k = torch.tensor(true_stiffness(springs), dtype=torch.float64)
    size = (springs,) if springs else ()
    return [(x + NOISE * torch.tensor(draw.standard_normal(size))).to(dtype) for x in swing(torch, k)]


def train(torch, dtype=None, springs=0, rounds=16):
    dtype = dtype or torch.float32
    measured = measure(torch, dtype, springs)
    k = torch.tensor(0.8 * true_stiffness(springs), dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([k], lr=2.0)
    losses = []
    for _ in range(rounds):
        optimizer.zero_grad()
        misses = [(x - m) ** 2 for x, m in zip(swing(torch, k), measured, strict=True)]
        loss = torch.stack(misses).mean(dim=0).sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return k, losses


def main(torch, dtype=None, springs=0) -> list[float]:
    k, losses = train(torch, dtype, springs)
    print(f"stiffness {k.detach().numpy().round(3)}, in truth {numpy.round(true_stiffness(springs), 3)}")
    return losses
