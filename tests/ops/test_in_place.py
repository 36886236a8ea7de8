"""Changes in place through operators, methods and fillers: values, history and gradients are PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest

import nbautograd as nb

torch = pytest.importorskip("torch")

PROGRAMS = {
    "add": "y += 2 * w",
    "sub": "y -= w",
    "mul": "y *= w",
    "div": "y /= w",
    "pow": "y **= 2",
    "pow by a tensor": "y **= w",
    "remainder": "y %= 2",
    "add with alpha": "y.add_(w, alpha=3)",
    "chained": "y.mul_(2).add_(1).exp_()",
    "exp": "y.exp_()",
    "sigmoid": "y.sigmoid_()",
    "tanh": "y.tanh_()",
    "relu": "y.relu_()",
    "clamp": "y.clamp_(0.5, 2)",
    "clamp below": "y.clamp_min_(1.0)",
    "sqrt": "y.sqrt_()",
    "neg": "y.neg_()",
    "addcmul": "y.addcmul_(w, w, value=2)",
    "addcdiv": "y.addcdiv_(w, w + 1)",
    "lerp": "y.lerp_(w, 0.25)",
    "zero": "y.zero_()",
    "fill": "y.fill_(3)",
    "fill by a tensor": "y.fill_(w[0])",
    "copy": "y.copy_(w)",
    "copy broadcast": "y.copy_(w[0])",
    "a row": "y[0] = w[1]",
    "a row in place": "y[0] += w[1]",
    "a slice in place": "y[1:].mul_(w[1:])",
    "through a view": "v = y.view(3); v.mul_(w); y = y * 2",
    "a view made before": "v = y[:2]; y.mul_(w); y = (v * v).sum() + y.sum()",
    "a view of a view": "y.view(3, 1)[1:].mul_(2)",
    "transposed": "z = y.repeat(2, 1); z.t().mul_(2); y = z * w",
    "twice": "y += w; y *= w",
    "into a fresh tensor": "z = torch.zeros(3, dtype=torch.float64); z += y; y = z * w",
    "into a part of a fresh tensor": "z = torch.zeros(3, dtype=torch.float64); z[1] = y[0] * w[1]; y = z",
    "a 0-d tensor": "s = y.sum(); s += 1; s *= 2; y = s * w",
    "0-d through a view": "s = y[0]; s.mul_(3); y = y * w",
    "a saved value": "z = y.exp(); y.mul_(2); y = z * 1",
    "masked": "y[y > 1] = 0",
    "out of order": "a = y * w; y.add_(1); y = a * y",
}
"""Each changes `y = x * 2`, with `w` beside it."""


MATRICES = {
    "turned": "m.t_()",
    "turned, with a view from before": "v = m[0]; m.t_(); m.mul_(3); m = m * v[:2]",
    "a view with a new dimension": "v = m.view(-1)[1:5]; v.unsqueeze_(0); v.mul_(2)",
    "there and back": "m.unsqueeze_(1); m.squeeze_(); m.transpose_(0, 1).add_(w[:2])",
    "a change through a view from before turning": "v = m[1]; m.swapaxes_(0, 1); v.mul_(5)",
    "saved before turning": "m = torch.stack([y, y, w]); a = m * m; m.t_(); m = a * 1",
    "in strides": "m.as_strided_((3, 2), (1, 3)).mul_(w[:2])",
    "lower triangle": "m.tril_()",
    "upper triangle": "m.triu_(1)",
    "running sums": "m.cumsum_(1)",
    "running products": "m.cumprod_(0)",
    "the diagonal": "m.fill_diagonal_(3.0)",
    "filled by index": "m.index_fill_(1, i, 2.5)",
    "copied by index": "m.index_copy_(1, i, torch.stack([w[:2], w[1:]]))",
    "scattered and reduced": "m.scatter_reduce_(1, torch.stack([i, 1 - i]), torch.stack([w[:2], w[1:]]), 'amax')",
    "reduced by index": "m.index_reduce_(1, i, torch.stack([w[:2], w[1:]]), 'prod')",
    "scattered by a mask": "m.masked_scatter_(m > 2, torch.cat([w, w]))",
    "put": "m.put_(i, w[:2], accumulate=True)",
    "put by index": "m.index_put_((i, i), w[:2])",
    "windows": "m.unfold(1, 2, 1).sum(-1).mul_(2); m = m.unfold(1, 2, 1).sum(-1)",
}
"""Each changes the matrix `m` made of `y` and `w`."""


def outcome(library: Any, program: str) -> str:
    x = library.tensor([0.5, 1.0, 1.5], dtype=library.float64, requires_grad=True)
    w = library.tensor([1.5, 0.5, 2.5], dtype=library.float64, requires_grad=True)
    space = {"torch": library, "x": x, "w": w, "y": x * 2}
    try:
        exec(program, space)
        space["y"].sum().backward()
    except RuntimeError as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0].partition(', which')[0]}"
    found = (space["y"], x.grad, w.grad)
    return "\n".join(repr(t).replace("torch::autograd::", "") for t in found)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_change_in_place_does_what_it_does_in_torch(program: str):
    assert outcome(nb, program) == outcome(torch, program)


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("program", MATRICES.values(), ids=MATRICES.keys())
def test_a_change_of_a_matrix_in_place_does_what_it_does_in_torch(program: str):
    program = f"m = torch.stack([y, w * y]); i = torch.tensor([0, 1]); {program}; y = m * m"
    assert outcome(nb, program) == outcome(torch, program)


@pytest.mark.parametrize(
    "program",
    [
        "w.sub_(0.1 * g)",
        "w -= 0.1 * g",
        "w.zero_()",
        "w.fill_(2)",
        "w.copy_(g)",
        "w.uniform_(1, 1)",
        "w.normal_(1, 0)",
        "w.clamp_(0, 1)",
        "w[0] = 5",
        "w.data.mul_(2)",
    ],
)
def test_a_leaf_may_be_changed_under_no_grad(program: str):
    def changed(library: Any) -> str:
        w = library.tensor([1.0, 2.0], requires_grad=True)
        with library.no_grad():
            exec(program, {"w": w, "g": library.tensor([3.0, 4.0])})
        return f"{w} {w.is_leaf} {w.requires_grad}"

    assert changed(nb) == changed(torch)


def test_a_change_of_data_is_seen_by_everyone_who_shares_it():
    for library in (nb, torch):
        x = library.tensor([1.0, 2.0])
        shared = [x.detach(), x.data, x.view(2), x[:]]
        x.add_(1)
        assert [t.tolist() for t in shared] == [[2.0, 3.0]] * 4


def test_a_0d_tensor_shares_with_what_was_detached_from_it():
    for library in (nb, torch):
        x = library.tensor(1.0)
        d = x.detach()
        x.add_(1)
        d.mul_(3)
        assert (x.item(), d.item()) == (6.0, 6.0)
