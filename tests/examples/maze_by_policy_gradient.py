"""A way through a maze, found by REINFORCE: steps of good walks become more likely, steps of bad ones less.

The maze is made here: walls that may not be entered, a start, and a goal that ends a walk. Every step costs 1. Many
walkers go at once, each with a random number of its own for each step.
"""

import numpy

from .start import draw_weights

MAZE = """
S....
.###.
...#.
.#.#.
.#..G
"""
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
WALKERS, STEPS = 64, 24


class Maze:
    """Where each walker is, and what a step does."""

    def __init__(self):
        self.plan = numpy.array([list(row) for row in MAZE.split()])
        self.size = self.plan.shape[0]
        start, goal = (numpy.argwhere(self.plan == mark)[0] for mark in "SG")
        self.places = numpy.tile(start, (WALKERS, 1))
        self.goal = goal

    def view(self):
        """What the walkers see: a one for the field they are on."""
        return numpy.eye(self.size**2)[self.places @ (self.size, 1)]

    def arrived(self):
        return (self.places == self.goal).all(1)

    def step(self, actions):
        """Move, except into walls, over the edge, and on from the goal."""
        wanted = self.places + numpy.array(MOVES)[actions]
        inside = ((wanted >= 0) & (wanted < self.size)).all(1)
        free = inside & (self.plan[tuple(wanted.clip(0, self.size - 1).T)] != "#") & ~self.arrived()
        self.places = numpy.where(free[:, None], wanted, self.places)


def choose(policy, uniform):
    """An action for each walker: where its random number falls among the probabilities."""
    sums = policy.probs.detach().numpy().astype(numpy.float64).cumsum(1)
    return (uniform[:, None] > sums).sum(1).clip(max=len(MOVES) - 1)


def walk(torch, model, dtype, draw):
    """The log-probability of each step, whether it counted, and what it cost from there to the end."""
    maze, log_probs, walking = Maze(), [], []
    for _ in range(STEPS):
        policy = torch.distributions.Categorical(logits=model(torch.tensor(maze.view(), dtype=dtype)))
        actions = choose(policy, draw.random(WALKERS))
        log_probs.append(policy.log_prob(torch.tensor(actions)))
        walking.append(~maze.arrived())
        maze.step(actions)
    costs = numpy.cumsum(walking[::-1], axis=0)[::-1]
    return torch.stack(log_probs), torch.tensor(numpy.array(walking), dtype=dtype), costs


def train(torch, dtype=None, rounds=40):
    dtype = dtype or torch.float32
    nn = torch.nn
    model = draw_weights(torch, nn.Sequential(nn.Linear(25, 32), nn.Tanh(), nn.Linear(32, len(MOVES)))).to(dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    draw = numpy.random.default_rng(0)
    losses, lengths = [], []
    for _ in range(rounds):
        log_probs, walking, costs = walk(torch, model, dtype, draw)
        better = costs.mean(1, keepdims=True) - costs  # than the walkers were on average at this step
        loss = -(log_probs * walking * torch.tensor(better / STEPS, dtype=dtype)).sum(0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        lengths.append(costs[0].mean())
    return model, losses, lengths


def main(torch, dtype=None) -> list[float]:
    _, losses, lengths = train(torch, dtype)
    print(f"a walk takes {lengths[0]:.1f} steps at first and {lengths[-1]:.1f} in the end; the shortest way is 8")
    return losses
