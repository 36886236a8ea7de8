"""Random programs of ops, views and changes in place: both modes, inside each other, beside PyTorch's.

`NBAUTOGRAD_PROGRAMS=500 pytest tests/autograd_functional/test_random_programs.py` tries more of them,
`NBAUTOGRAD_SEED=1` others.
"""

import os
import random

import numpy as np
import pytest

from .both import OURS, theirs

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

COUNT, FIRST = int(os.environ.get("NBAUTOGRAD_PROGRAMS", "24")), int(os.environ.get("NBAUTOGRAD_SEED", "0"))
X, V = np.linspace(0.2, 1.3, 6), np.cos(np.arange(6.0))

FRESH = [
    lambda lib, a: a.sin(),
    lambda lib, a: a.reshape(-1)[1:4],
    lambda lib, a: a.t() if a.dim() == 2 else a[::2],
    lambda lib, a: a.sum(0),
    lambda lib, a: a.exp() * 0.1,
    lambda lib, a: a.reshape(-1).cumsum(0),
    lambda lib, a: a.detach() + a,
    lambda lib, a: a @ a.t() if a.dim() == 2 else a * a,
    lambda lib, a: lib.torch.where(a > 0.5, a, a * a),
    lambda lib, a: a.softmax(-1),
]
OF_TWO = [
    lambda lib, a, b: a * b if a.shape == b.shape else a.reshape(-1),
    lambda lib, a, b: lib.torch.cat([a.reshape(-1), b.reshape(-1)]),
]


def half(a):
    part = a[0] if a.dim() > 1 else a[:2]
    return part.mul_(0.5)


IN_PLACE = [
    lambda a: a.mul_(1.5),
    lambda a: a.sin_(),
    lambda a: a.copy_(a.flip(0) * 1.1),
    lambda a: a.fill_(0.7),
    lambda a: a.__setitem__(0, a[0] * 2),
    half,
]


def program(lib, seed, x):
    """A few random steps from `x`; all tensors that there are in the end, summed up."""
    draw = random.Random(seed)
    pool = [x.clone(), (x * 0.5).reshape(2, 3), lib.torch.ones(2, 3, dtype=x.dtype)]
    for _ in range(draw.randint(3, 9)):
        kind, a, b = draw.randrange(3), draw.choice(pool), draw.choice(pool)
        if kind == 0:
            pool.append(draw.choice(FRESH)(lib, a))
        elif kind == 1:
            pool.append(draw.choice(OF_TWO)(lib, a, b))
        else:
            draw.choice(IN_PLACE)(a)
    return sum(p.reshape(-1).sin().sum() for p in pool)


def derivatives(lib, seed):
    """The derivatives of the program: forward, backward, and one inside the other; None for what is refused."""
    func, v = lib.func, lib.torch.from_numpy(V.copy())

    def f(x):
        return program(lib, seed, x)

    def forward(f):
        return lambda x: func.jvp(f, (x,), (v,))[1]

    for transformed in (
        forward(f),
        func.grad(f),
        forward(func.grad(f)),
        func.grad(forward(f)),
        forward(forward(f)),
    ):
        try:
            yield transformed(lib.torch.from_numpy(X.copy())).detach().numpy()
        except (RuntimeError, IndexError):
            yield None


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_a_random_program_has_pytorchs_derivatives(seed):
    for got, expected in zip(derivatives(OURS, seed), derivatives(theirs(), seed), strict=True):
        if expected is not None:
            assert got is not None
            np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-9)
