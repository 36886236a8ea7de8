"""What goes wrong goes wrong as in PyTorch: same class, same first line."""

from __future__ import annotations

import pytest

import nbautograd as nb

from .beside import both, expressions


@expressions("""
    torch.ones(2) + torch.ones(3)
    torch.ones(2, 3) * torch.ones(2)
    torch.ones(4, 2, 3) - torch.ones(4, 5, 3)
    torch.maximum(torch.ones(2), torch.ones(3))
    torch.where(torch.ones(2) > 0, torch.ones(3), torch.ones(3))
    torch.where(torch.ones(2), torch.ones(2), torch.ones(2))
    torch.ones(2) + [1, 2]
    torch.ones(2) - "a"
    [1] * torch.ones(2)
    torch.ones(2) + None
    torch.ones(2) < "a"
    torch.ones(2) == "a"
    torch.ones(2) != None
    torch.tensor(True) - torch.tensor(True)
    torch.tensor([True]) - 1
    1 - torch.tensor([True])
    -torch.tensor(True)
    +torch.tensor(True)
    abs(torch.tensor([True]))
    ~torch.ones(2)
    torch.ones(2) & torch.ones(2)
    torch.ones(2) | torch.ones(2)
    torch.arange(3) ** -1
    torch.arange(3) // 0
    torch.arange(3) % 0
    torch.tensor([True]) ** torch.tensor([True])
    torch.relu(torch.tensor([True]))
    torch.ones(2).add_(torch.ones(3))
    torch.ones(1).add_(torch.ones(3))
    torch.arange(3).add_(1.5)
    torch.arange(3).div_(2)
    torch.tensor([True]).add_(1)
    torch.ones(2, requires_grad=True).add_(1)
    torch.ones(2, requires_grad=True).zero_()
    torch.ones(2, requires_grad=True).fill_(1)
    torch.ones(2, requires_grad=True).normal_()
    torch.ones(2, requires_grad=True)[0].mul_(2)
    torch.exp(torch.ones(2, requires_grad=True), out=torch.ones(2))
    torch.clamp(torch.ones(2))
    torch.ones(2).fill_(torch.ones(2))
    torch.isclose(torch.ones(2), torch.ones(2, dtype=torch.float64))
    torch.softmax(torch.ones(2, 3), 2)
    torch.ones(0).max()
    torch.ones(0, 3).max(0)
    torch.ones(0).amin()
    torch.ones(2, 0).amax((0, 1))
    torch.ones(0, 2).median(0)
    torch.ones(0, 2).mode(0)
    torch.ones(3).index_select(0, torch.tensor([5]))
    torch.ones(2, 3).index_select(1, torch.tensor([5]))
    torch.ones(3).kthvalue(4)
    torch.ones(3).quantile(1.5)
    torch.ones(3).quantile(torch.ones(2, 2))
    torch.bincount(torch.tensor([-1]))
    torch.histc(torch.ones(2), 0)
    torch.ones(3).as_strided((2, 2), (2, 2))
    torch.ones(3).unfold(0, 4, 1)
    torch.ones(3).scatter_reduce(0, torch.tensor([0]), torch.ones(1), "median")
    torch.ones(3).masked_scatter(torch.ones(3) > 0, torch.ones(2))
    torch.ones(3).hsplit(2)
    torch.tensor(1.0).vsplit(2)
    torch.ones(2).fill_diagonal_(1)
    torch.ones(2, requires_grad=True).t_()
    torch.broadcast_shapes((2,), (3,))
    torch.combinations(torch.ones(2, 2))
    torch.searchsorted(torch.ones(2, 3), torch.ones(3, 2))
    torch.ones(2, 3).sum_to_size(2)
    torch.softmax(torch.arange(3), 0)
    torch.log_softmax(torch.ones(2), -2)
    F.dropout(torch.ones(2), 1.5)
    F.glu(torch.ones(3))
    F.prelu(torch.ones(2, 3), torch.ones(2))
    F.gelu(torch.ones(2), approximate="no")
    torch.randint(3, 3, (2,))
    torch.rand(2, dtype=torch.int64)
    torch.randn(2, dtype=torch.int64)
    torch.multinomial(torch.tensor([0.1, 0.2]), 3)
    torch.multinomial(torch.tensor([-0.1, 0.2]), 1)
    torch.normal(torch.ones(2), -1.0)
    torch.ones(2).numpy().dtype
    torch.ones(2, requires_grad=True).numpy()
    torch.ones(2).item()
    bool(torch.ones(2))
    bool(torch.ones(0))
    int(torch.ones(2))
    float(torch.tensor(2.5))
    len(torch.tensor(1.0))
    [1, 2, 3][torch.tensor(1)]
    [1, 2, 3][torch.tensor(1.0)]
    torch.ones(2).to("float32")
    torch.ones(2).type("torch.NoTensor")
    torch.ones(2).nothing
    torch.arange(2).requires_grad_()
    torch.ones(2, requires_grad=True).clone().requires_grad_(False)
    torch.addcdiv(torch.arange(2), torch.arange(2), torch.arange(1, 3))
    torch.div(torch.ones(2), 2, rounding_mode="no")
    torch.copysign(torch.ones(2), torch.ones(3))
    torch.polygamma(-1, torch.ones(1))
    torch.lerp(torch.ones(2), torch.ones(3), 0.5)
    torch.tensor([1.0, 2.0]).copy_(torch.ones(3))
    torch.tensor([1.0, 2.0]).copy_(3)
    torch.zeros(2).uniform_(2, 1)
""")
def test_an_error_is_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


def test_the_rows_below_call_the_operands_as_torchs_text_does():
    logits, target = nb.ones(4, 3), nb.ones(4, 2)
    with pytest.raises(
        RuntimeError, match=r"(?s)tensor a \(3\).*tensor b \(2\).*a  \(4, 3\).*logits.*b  \(4, 2\).*target"
    ):
        logits - target
