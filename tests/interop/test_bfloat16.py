"""bfloat16: computed in float32 and rounded once, forward and backward, as PyTorch does on the CPU."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from tests.ops.beside import both, expressions

pytest.importorskip("ml_dtypes")

BF = "dtype=torch.bfloat16"


@expressions(f"""
    torch.tensor([1, 2.5], {BF})
    torch.tensor(3.14159, {BF})
    torch.tensor(0.1, {BF}).item()
    torch.tensor([0.1, 0.2], {BF}).tolist()
    torch.arange(3, {BF})
    torch.ones(2, {BF}) * 0.1
    torch.ones(2, {BF}) + torch.ones(2)
    torch.ones(2, {BF}) + torch.ones(2, dtype=torch.float16)
    torch.ones(2, {BF}) + torch.ones(2, dtype=torch.int64)
    torch.ones(2, {BF}) + torch.tensor(1.0, dtype=torch.float64)
    torch.ones(2, {BF}) > 0.5
    torch.ones(1000, {BF}).sum()
    torch.ones(1000, {BF}).mean()
    torch.full((1000,), 0.1, {BF}).sum()
    torch.ones(300, {BF}) @ torch.ones(300, {BF})
    torch.ones(3, 300, {BF}) @ torch.ones(300, 2, {BF})
    torch.arange(5, {BF}).softmax(0)
    torch.arange(5, {BF}).exp()
    F.gelu(torch.linspace(-2, 2, 7).to(torch.bfloat16))
    F.layer_norm(torch.arange(5, {BF}), (5,))
    F.linear(torch.ones(2, 3, {BF}), torch.ones(4, 3, {BF}), torch.ones(4, {BF}))
    F.cross_entropy(torch.arange(6, {BF}).view(2, 3), torch.tensor([0, 2]))
    torch.cat([torch.ones(1, {BF}), torch.zeros(1, {BF})])
    torch.where(torch.tensor([True, False]), torch.ones(2, {BF}), torch.zeros(2, {BF}))
    torch.arange(6, {BF}).view(2, 3).T[1]
    torch.arange(4, {BF}).max(0)
    torch.arange(4, {BF}).argmax()
    torch.tensor([2.0, 1.0], {BF}).sort()
    torch.ones(2, {BF}).add_(1)
    torch.ones(2, {BF}).mul_(torch.tensor([1.5, 2.5]))
    torch.ones(2).add_(torch.ones(2, {BF}))
    torch.ones(2, {BF}).float()
    torch.ones(2).bfloat16().double()
    torch.ones(2, {BF}).int()
    torch.ones(2, {BF}).sum(dtype=torch.float32)
    torch.zeros(2, {BF}, requires_grad=True) + 1
    torch.ones(2, {BF}).type()
    torch.ones(2, {BF}).element_size()
    torch.bfloat16.is_floating_point
    torch.ones(2, {BF}).is_floating_point()
    torch.rand(3, {BF}).dtype
    torch.zeros(2, {BF}).uniform_().dtype
    torch.nn.Linear(2, 1, {BF}).weight.dtype
    torch.nn.Linear(2, 1).to(torch.bfloat16)(torch.ones(1, 2, {BF})).dtype
""")
def test_bfloat16_is_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


FUNCTIONS: list[Any] = [
    lambda t, x, y: (x * y).sum(),
    lambda t, x, y: (x.exp() * y.sigmoid()).sum(),
    lambda t, x, y: (x @ y.T).tanh().mean(),
    lambda t, x, y: (x[0] + y).pow(2).sum(),
    lambda t, x, y: t.nn.functional.layer_norm(x * y, (3,)).square().sum(),
    lambda t, x, y: t.cat([x, y]).logsumexp(1).sum(),
    lambda t, x, y: x.float().mul(y).sum(),
    lambda t, x, y: t.stack([x, y]).amax(0).sum(),
    lambda t, x, y: t.nn.functional.gelu(x).sum() + y.softmax(1)[:, 0].sum(),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients_are_bfloat16_and_torchs(function: Any):
    torch = pytest.importorskip("torch")
    rows = [[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]]
    grads = []
    for t in (nb, torch):
        x, y = (t.tensor(r, dtype=t.bfloat16, requires_grad=True) for r in (rows, rows[::-1]))
        function(t, x, y).backward()
        assert x.grad.dtype is t.bfloat16
        grads.append([x.grad.float().tolist(), y.grad.float().tolist()])
    for ours, theirs in zip(*grads, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a == pytest.approx(b, rel=2**-6, abs=2**-7)


def test_a_sum_of_many_gradients_is_not_rounded_at_every_step():
    b = nb.zeros(1, dtype=nb.bfloat16, requires_grad=True)
    (b + nb.ones(1000, dtype=nb.bfloat16)).sum().backward()
    assert b.grad.item() == 1000


def test_a_network_of_bfloat16_learns_as_in_torch():
    torch = pytest.importorskip("torch")
    rows = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")

    def losses(t: Any) -> list[float]:
        model = t.nn.Sequential(t.nn.Linear(6, 8), t.nn.LayerNorm(8), t.nn.GELU(), t.nn.Linear(8, 3))
        numbers = np.random.default_rng(1)
        with t.no_grad():
            for p in model.parameters():
                p.copy_(t.from_numpy(numbers.normal(size=tuple(p.shape)).astype("float32") / 3))
        model.to(t.bfloat16)
        optimizer = t.optim.AdamW(model.parameters(), lr=0.01)
        found = []
        for _ in range(20):
            optimizer.zero_grad()
            logits = model(t.from_numpy(rows).to(t.bfloat16))
            loss = t.nn.functional.cross_entropy(logits, t.arange(64) % 3)
            loss.backward()
            optimizer.step()
            found.append(loss.item())
        return found

    ours, theirs = losses(nb), losses(torch)
    assert ours == pytest.approx(theirs, abs=0.03)
    assert ours[-1] < ours[0] - 0.05


def test_second_derivatives_exist():
    x = nb.tensor([1.0, 2.0], dtype=nb.bfloat16, requires_grad=True)
    (g,) = nb.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = nb.autograd.grad(g.sum(), x)
    assert g.tolist() == [3, 12]
    assert h.tolist() == [6, 12]


def test_without_ml_dtypes_it_says_what_to_install():
    code = (
        "import sys; sys.modules['ml_dtypes'] = None; import nbautograd as nb\n"
        "print(nb.bfloat16, nb.bfloat16.itemsize)\n"
        "try: nb.ones(1).bfloat16()\n"
        "except RuntimeError as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("torch.bfloat16 2\nbfloat16 is not a dtype of NumPy")
    assert "pip install nbautograd[bfloat16]" in result.stdout
