"""What the samples do not cover: options one by one, other dtypes, results put into `out=`, and wrong arguments."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nbautograd as nb

from .beside import both, expressions

pytestmark = pytest.mark.filterwarnings("ignore")


@expressions("""
    torch.arange(24).reshape(2, 3, 4)[0, :, [1, 2]]
    torch.arange(24).reshape(2, 3, 4)[[0, 1], :, 1]
    torch.arange(24).reshape(2, 3, 4)[1, ..., [0, 3]]
    torch.arange(24).reshape(2, 3, 4)[0, None, [1, 2]]
    torch.arange(120).reshape(2, 3, 4, 5)[0, :, [1, 2], :2]
    torch.arange(120).reshape(2, 3, 4, 5)[[0, 1], :, 1, [1, 2]]
    torch.arange(120).reshape(2, 3, 4, 5)[1, :, torch.ones(4, 5) > 0].shape
    torch.arange(120).reshape(2, 3, 4, 5)[torch.tensor(1), :, :, [0, 4]].shape
    torch.arange(24., requires_grad=True).reshape(2, 3, 4)[0, :, [1, 2]]
    torch.arange(6).reshape(2, 3)[torch.tensor([0, 1], dtype=torch.uint8)]
    torch.arange(4).narrow(0, -2, 2)
    torch.arange(4).narrow(0, 5, 0)
    torch.arange(4).narrow(0, 1, -1)
    torch.arange(4).index_select(0, torch.tensor(1))
    torch.arange(4).index_select(0, torch.tensor([-1]))
    torch.arange(4).index_select(0, torch.tensor([0.5]))
    torch.tensor(2).index_select(0, torch.tensor([0]))
    torch.arange(4).gather(0, torch.tensor([-1]))
    torch.arange(4).gather(0, torch.tensor([4]))
    torch.ones(2, 3).gather(1, torch.zeros(2, 3, 1, dtype=torch.int64))
    torch.ones(2, 3).scatter(1, torch.tensor([[-1]]), 1.)
    torch.ones(2, 3).scatter(1, torch.tensor([[3]]), 1.)
    torch.ones(2, 3).scatter(1, torch.tensor([[0]]), torch.tensor([[2]]))
    torch.ones(2, 3).scatter_add(1, torch.tensor([[-2]]), torch.ones(1, 1))
    torch.ones(2, 3).index_add(1, torch.tensor([0, 0]), torch.ones(2, 3))
    torch.ones(2, 3).index_copy(0, torch.tensor([1]), torch.ones(2, 3))
    torch.ones(2).masked_fill(torch.tensor([1, 0]), 2)
    torch.ones(2).masked_fill(torch.tensor([True, False]), torch.ones(2))
    torch.ones(2).masked_select(torch.tensor([1, 0]))
    torch.ones(6).take(torch.tensor([9]))
    torch.repeat_interleave(torch.tensor([1, 0, 2]))
    torch.repeat_interleave(torch.ones(2), -1)
    torch.repeat_interleave(torch.ones(2, 3), torch.tensor([1, 2]), dim=1)
""")
def test_positions_are_torchs(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs


@expressions("""
    torch.tensor([1, 2, 250], dtype=torch.uint8).sum()
    torch.tensor([1, 2, 250], dtype=torch.uint8).cumsum(0)
    torch.tensor([1, 2, 250], dtype=torch.uint8).prod()
    torch.tensor([300, 2]).sum(dtype=torch.int8)
    torch.tensor([3, 2]).prod(dtype=torch.int16)
    torch.tensor([3, 2]).cumsum(0, dtype=torch.int16)
    torch.tensor([[1, 0]], dtype=torch.uint8).any(1)
    torch.tensor([[1, 0]], dtype=torch.uint8).all()
    torch.tensor([True]).argmax()
    torch.std_mean(torch.tensor([[1., 2.], [3., 5.]]), True)
    torch.var_mean(torch.tensor([[1., 2.], [3., 5.]]), False)
    torch.tensor([1, 2]).var()
    torch.tensor([2., nan, 1.]).sort(descending=True)
    torch.tensor([2., nan, 1.]).topk(2)
    torch.tensor([0, 1, 250], dtype=torch.uint8).topk(2)
    torch.tensor([True, False]).topk(1)
    torch.tensor([[1., 2.], [3., 4.]]).norm("nuc")
    torch.tensor([[1., 2.], [3., 4.]]).norm("foo")
    torch.tensor([1, 2]).norm()
    torch.ones(2, dtype=torch.float64).norm(dtype=torch.float32)
    torch.linalg.vector_norm(torch.ones(0), inf)
    torch.linalg.diagonal(torch.arange(24).reshape(2, 3, 4), offset=1)
    torch.ones(3).tril()
    torch.ones(1, 2, 3).diag()
    torch.ones(2, 3).roll((1, 2), 0)
    torch.ones(2, 3).flip([0, 0])
    torch.ones(3).fliplr()
    torch.ones(2, 3).rot90(1, (0, 0))
    torch.ones(2, 3).permute(0, 0)
    torch.ones(2, 3).split(0)
    torch.ones(2, 3).split(-1)
    torch.ones(2, 3).chunk(0)
    torch.ones(2, 3).unflatten(1, (2, 2))
    torch.cat([])
    torch.special.multigammaln(torch.tensor([0.6]), 3)
""")
def test_reductions_and_shapes_are_torchs(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs


@expressions("""
    torch.tensor([3, -2, 0, -1]) ** torch.tensor([-2, -1, 0, -3])
    2 ** torch.tensor([3, -2])
    torch.pow(1, torch.tensor([3, -2]))
    torch.add(torch.tensor([True, False]), torch.tensor([True, True]), alpha=2)
    torch.add(torch.tensor([1]), torch.tensor([2]), alpha=1.5)
    torch.sub(torch.tensor([1]), 2, alpha=1.5)
    torch.heaviside(torch.tensor([1, 0, -1]), torch.tensor([5]))
    torch.heaviside(torch.tensor([1., 0., nan]), torch.tensor([5.]))
    torch.heaviside(torch.tensor([1.]), torch.tensor([5]))
    torch.hypot(torch.tensor([3]), torch.tensor([4]))
    torch.logaddexp(torch.tensor([3]), torch.tensor([4]))
    torch.lerp(torch.tensor([3]), torch.tensor([4]), 0.5)
    F.leaky_relu(torch.tensor([1]))
    F.elu(torch.tensor([1]))
    F.gelu(torch.tensor([1]))
    F.silu(torch.tensor([1]))
    F.softplus(torch.tensor([1]))
    F.hardshrink(torch.tensor([1]))
    F.logsigmoid(torch.tensor([1]))
    F.relu6(torch.tensor([-1, 7]))
    F.hardtanh(torch.tensor([-3, 2]))
    F.hardtanh(torch.ones(1), 2, 1)
    F.celu(torch.ones(1), 0)
    F.one_hot(torch.tensor([0.5]))
    F.one_hot(torch.tensor([-1]))
    F.normalize(torch.tensor([[1, 2]]))
    F.cosine_similarity(torch.tensor([[1., 2.]]), torch.tensor([3., 4.]))
    F.cosine_similarity(torch.tensor([[1]]), torch.tensor([[3]]))
    F.mse_loss(torch.tensor([1., 2.]), torch.tensor([3., 5.]), weight=torch.tensor([1., 3.]))
    F.mse_loss(torch.tensor([1., 2.]), torch.tensor([3., 5.]), weight=torch.tensor([1.]))
    F.mse_loss(torch.tensor([1., 2.]), torch.tensor([3., 5.]), reduction="foo")
    F.l1_loss(torch.tensor([1., 2.]), torch.tensor([3., 5.]), weight=torch.tensor([1., 3.]))
    F.huber_loss(torch.tensor([1., 2.]), torch.tensor([3., 5.]), weight=torch.tensor([1., 3.]))
    F.huber_loss(torch.tensor([1.]), torch.tensor([3.]), delta=0)
    F.smooth_l1_loss(torch.tensor([1.]), torch.tensor([3.]), beta=-1)
    F.cross_entropy(torch.ones(1, 2), torch.tensor([0.]))
    F.cross_entropy(torch.ones(1, 2), torch.tensor([0], dtype=torch.int32))
    F.cross_entropy(torch.ones(1, 2), torch.tensor([0]), label_smoothing=2.)
    F.cross_entropy(torch.ones(1, 2), torch.ones(1, 2), ignore_index=1)
    F.nll_loss(torch.ones(1, 2), torch.tensor([0.]))
    F.margin_ranking_loss(torch.ones(2, 2), torch.ones(2), torch.ones(2))
    F.cosine_embedding_loss(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 1))
    F.multi_margin_loss(torch.ones(1, 2), torch.tensor([0]), p=3)
    F.batch_norm(torch.ones(2, 2), None, None)
    F.scaled_dot_product_attention(torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2), torch.ones(2, 2), is_causal=True)
    F.interpolate(torch.arange(24.).reshape(1, 1, 4, 6), size=(2, 4), mode="bilinear", antialias=True)
    F.interpolate(torch.ones(1, 2, 3), size=2, mode="linear", antialias=True)
""")  # noqa: E501
def test_functions_of_elements_and_losses_are_torchs(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs


INTO = {
    "sum": lambda t, x, out: t.sum(x, 0, out=out(3)),
    "mean": lambda t, x, out: t.mean(x, 0, out=out(3)),
    "cat": lambda t, x, out: t.cat([x, x], out=out(0)),
    "stack": lambda t, x, out: t.stack([x, x], 1, out=out(0)),
    "where": lambda t, x, out: t.where(x > 0, x, -x, out=out(0)),
    "gather": lambda t, x, out: t.gather(x, 1, t.tensor([[0], [1]]), out=out(2, 1)),
    "cumsum": lambda t, x, out: t.cumsum(x, 0, out=out(2, 3)),
    "std": lambda t, x, out: t.std(x, 0, out=out(3)),
    "norm": lambda t, x, out: t.norm(x, 2, 0, out=out(3)),
    "softmax": lambda t, x, out: t.softmax(x, 0, out=out(2, 3)),
    "tril": lambda t, x, out: t.tril(x, out=out(2, 3)),
    "masked_select": lambda t, x, out: t.masked_select(x, x > 0, out=out(0)),
    "kron": lambda t, x, out: t.kron(x, x, out=out(0)),
    "add, another shape": lambda t, x, out: t.add(x, 1, out=out(3)),
    "add, whole numbers": lambda t, x, out: t.add(x, 1, out=out(2, 3).long()),
    "add, truth values": lambda t, x, out: t.add(x > 0, x > 1, out=out(2, 3).long()),
    "several": lambda t, x, out: t.max(x, 0, out=(out(3), out(3).long())),
    "sort": lambda t, x, out: t.sort(x, out=(out(0), out(0).long())),
    "no such option": lambda t, x, out: t.flip(x, (0,), out=out(2, 3)),
}


@pytest.mark.parametrize("name", INTO)
def test_results_go_into_the_tensors_that_are_given_as_in_torch(name: str):
    found = []
    for library in (nb, pytest.importorskip("torch")):
        given: list[Any] = []

        def out(*shape: int, library: Any = library, given: Any = given) -> Any:
            given.append(library.full(shape, 7.0, dtype=library.float64))
            return given[-1]

        x = library.tensor([[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]], dtype=library.float64)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = INTO[name](library, x, out)
            except (RuntimeError, TypeError) as error:
                found.append((type(error), str(error)[:40] if isinstance(error, RuntimeError) else ""))
                continue
        texts = [str(w.message).partition(". This")[0] for w in caught]
        found.append((repr(result).replace("_out(", "("), result is given[0] or isinstance(result, tuple), texts))
    assert found[0] == found[1]


def test_a_number_in_an_index_is_picked_before_positions_are_written():
    for library in (nb, pytest.importorskip("torch")):
        x = library.zeros(2, 3, 4)
        x[0, :, [1, 2]] = library.arange(6.0).reshape(3, 2)
        assert x[0, :, 1].tolist() == [0, 2, 4]
        assert x[0, :, 2].tolist() == [1, 3, 5]
        assert not np.asarray(x[1]).any()
    leaf = nb.ones(2, 3, 4, requires_grad=True)
    (leaf[0, :, [1, 2]] * nb.arange(6.0).reshape(3, 2)).sum().backward()
    assert leaf.grad[0, :, 1].tolist() == [0, 2, 4]
    assert leaf.grad[1].sum().item() == 0
