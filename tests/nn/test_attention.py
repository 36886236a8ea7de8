"""Attention, with one head and with several, beside PyTorch."""

import numpy as np
import pytest

import nbautograd

from .both import same_error
from .sequences import assert_same, draw

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched")

MASKS = {
    "none": lambda t: None,
    "truth": lambda t: t.tensor([[True, False, True, True], [False, True, False, False], [True] * 4]),
    "a blind row": lambda t: t.tensor([[True, False, True, True], [False] * 4, [True] * 4]),
    "numbers": lambda t: t.tensor(draw(3, 4, seed=9)),
    "by head": lambda t: t.tensor(draw(2, 2, 3, 4, seed=9)),
}


def exact(t):
    """PyTorch's formula that has a second derivative."""
    return torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("options", [{}, {"scale": 0.3}], ids=str)
def test_attention_is_torchs_up_to_the_second_order(mask, options):
    def run(m, t, q, k, v):
        with exact(t):
            return t.nn.functional.scaled_dot_product_attention(q, k, v, MASKS[mask](t), **options)

    assert_same(lambda t: t.nn.Identity(), run, draw(2, 2, 3, 5), draw(2, 2, 4, 5, seed=1), draw(2, 2, 4, 2, seed=2))


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (2, 5), (5, 2)])
def test_causal_attention_is_torchs_up_to_the_second_order(rows, columns):
    def run(m, t, q, k, v):
        with exact(t):
            return t.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    assert_same(
        lambda t: t.nn.Identity(), run, draw(2, rows, 3), draw(2, columns, 3, seed=1), draw(2, columns, 3, seed=2)
    )


def test_one_tensor_may_be_queries_keys_and_values():
    def run(m, t, x):
        with exact(t):
            return t.nn.functional.scaled_dot_product_attention(x, x, x)

    assert_same(lambda t: t.nn.Identity(), run, draw(2, 3, 4))


def test_a_mask_may_be_learnt():
    def run(m, t, x, mask):
        with exact(t):
            return t.nn.functional.scaled_dot_product_attention(x, x, x, mask)

    assert_same(lambda t: t.nn.Identity(), run, draw(2, 2, 3, 4), draw(2, 1, 3, 3, seed=1))


def test_groups_of_queries_share_their_keys():
    def run(m, t, q, k, v):
        with exact(t):
            return t.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    assert_same(lambda t: t.nn.Identity(), run, draw(1, 4, 3, 2), draw(1, 2, 3, 2, seed=1), draw(1, 2, 3, 2, seed=2))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(7, 2, 150, 4), (2, 2, 400, 4)], ids=["in whole sequences", "in rows"])
def test_long_sequences_are_worked_on_in_parts(causal, shape):
    x = draw(*shape).astype("float32")
    a, b = nbautograd.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    mine, other = (
        t.nn.functional.scaled_dot_product_attention(y, y, y, is_causal=causal)
        for t, y in ((nbautograd, a), (torch, b))
    )
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-4, atol=1e-5)
    (mine**2).sum().backward()
    (other**2).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-3, atol=1e-4)


def test_dropped_weights_reach_neither_result_nor_gradient():
    nbautograd.manual_seed(0)
    attend = nbautograd.nn.functional.scaled_dot_product_attention
    q, k = nbautograd.zeros(1, 400, 2), nbautograd.zeros(1, 5, 2)
    v = nbautograd.eye(5).unsqueeze(0).requires_grad_()
    out = attend(q, k, v, dropout_p=0.5)
    weights = np.unique(out.detach().numpy().round(6))
    np.testing.assert_allclose(weights, [0, 0.4])
    out.sum().backward()
    np.testing.assert_allclose(v.grad.numpy()[0, :, 0], out.detach().numpy()[0].sum(0), rtol=1e-5)


ATTENTIONS = {
    "plain": {},
    "no bias": {"bias": False},
    "other sizes": {"kdim": 3, "vdim": 5},
    "learnt key": {"add_bias_kv": True},
    "zero key": {"add_zero_attn": True},
    "all": {"kdim": 3, "vdim": 5, "add_bias_kv": True, "add_zero_attn": True, "batch_first": True},
}
CALLS = {
    "plain": lambda t: {},
    "no weights": lambda t: {"need_weights": False},
    "each head's weights": lambda t: {"average_attn_weights": False},
    "mask": lambda t: {"attn_mask": t.tensor([[False, True, False, False], [True, False, False, False], [False] * 4])},
    "mask of numbers": lambda t: {"attn_mask": t.tensor(draw(3, 4, seed=8)), "need_weights": False},
    "mask by head": lambda t: {"attn_mask": t.tensor(draw(4, 3, 4, seed=8))},
    "padding": lambda t: {"key_padding_mask": t.tensor([[False, False, True, True], [False] * 4])},
    "both": lambda t: {
        "key_padding_mask": t.tensor([[0.0, 0.5, -1.0, 0.0], [0.0, 0.0, 0.0, 2.0]], dtype=t.float64),
        "attn_mask": t.tensor(draw(3, 4, seed=8)),
        "need_weights": False,
    },
}


@pytest.mark.parametrize("settings", ATTENTIONS)
@pytest.mark.parametrize("call", CALLS)
def test_multihead_attention_is_torchs_up_to_the_second_order(settings, call):
    options = ATTENTIONS[settings]
    shapes = [(3, 2, 4), (4, 2, options.get("kdim", 4)), (4, 2, options.get("vdim", 4))]
    if options.get("batch_first"):
        shapes = [(b, a, c) for a, b, c in shapes]

    def run(m, t, q, k, v):
        with exact(t):
            return m(q, k, v, **CALLS[call](t))

    inputs = [draw(*shape, seed=i) for i, shape in enumerate(shapes)]
    assert_same(lambda t: t.nn.MultiheadAttention(4, 2, **options), run, *inputs)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(3, 2, 4), (3, 4)], ids=["batched", "single"])
def test_self_attention_projects_in_one_product(batch_first, shape):
    def run(m, t, x):
        with exact(t):
            return m(x, x, x), m(x, x + 1, x + 1)

    assert_same(lambda t: t.nn.MultiheadAttention(4, 2, batch_first=batch_first), run, draw(*shape))


def test_a_batch_may_be_empty():
    m = nbautograd.nn.MultiheadAttention(4, 2)
    x = nbautograd.zeros(5, 0, 4)
    for need_weights in (False, True):
        out, weights = m(x, x, x, need_weights=need_weights)
        out.sum().backward()
        assert tuple(out.shape) == (5, 0, 4)
        assert weights is None or tuple(weights.shape) == (0, 5, 5)


def test_a_causal_hint_stands_for_its_mask():
    def run(m, t, x):
        mask = t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64)
        with exact(t):
            return m(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)

    assert_same(lambda t: t.nn.MultiheadAttention(4, 2), run, draw(3, 2, 4))


def test_an_attention_starts_as_torchs_does():
    m = nbautograd.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (4 * 64)) ** 0.5
    assert 0.95 * bound < abs(m.in_proj_weight.detach().numpy()).max() <= bound
    assert not m.in_proj_bias.detach().numpy().any()
    assert not m.out_proj.bias.detach().numpy().any()
    assert m.bias_k.detach().numpy().std() == pytest.approx((2 / (64 + 64)) ** 0.5, rel=0.4)


@pytest.mark.parametrize("options", ["", "kdim=3", "add_bias_kv=True, bias=False"])
def test_an_attention_looks_like_torchs(options):
    assert repr(eval(f"nbautograd.nn.MultiheadAttention(4, 2, {options})")) == repr(
        eval(f"torch.nn.MultiheadAttention(4, 2, {options})")
    )


WRONG = """
m(x, x[..., :3], x)
m(x[..., :3], x, x)
m(x, x[:4], x)
m(x, x[:4], x[:4], attn_mask=zeros(5, 5))
m(x, x, x, attn_mask=zeros(3, 5, 5))
m(x, x, x, attn_mask=zeros(1, 1, 5, 5))
m(x, x, x, is_causal=True)
m(x[0, 0], x, x)
m(x, x[:, 0], x)
m(x, x, x, key_padding_mask=zeros(2, 5).long())
m(x[:, 0], x[:, 0], x[:, 0], key_padding_mask=zeros(2, 5).bool())
m(x[:, 0], x[:, 0], x[:, 0], attn_mask=zeros(3, 5, 5))
nn.MultiheadAttention(5, 2)
nn.MultiheadAttention(0, 2)
nn.MultiheadAttention(4, 2, kdim=3)(x, x, x)
sdpa(x, x.double(), x)
sdpa(x, x[..., :3], x)
sdpa(x[0, 0], x, x)
sdpa(x, x, x, dropout_p=2.0)
sdpa(x.view(1, 5, 2, 4), zeros(1, 3, 2, 4), zeros(1, 3, 2, 4), enable_gqa=True)
sdpa(x, x, x, attn_mask=zeros(2, 2).double())
sdpa(x.long(), x.long(), x.long())
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_wrong_sizes_are_refused_in_torchs_words(expression):
    def run(t):
        names = {"nn": t.nn, "zeros": t.zeros, "sdpa": t.nn.functional.scaled_dot_product_attention}
        return eval(expression, {**names, "x": t.zeros(5, 2, 4), "m": t.nn.MultiheadAttention(4, 2)})

    same_error(run)
