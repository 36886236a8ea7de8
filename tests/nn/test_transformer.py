"""Transformers, beside PyTorch."""

import numpy as np
import pytest

import nbautograd

from .both import same_error
from .sequences import assert_same, draw

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:Support for mismatched")

LAYERS = [{}, {"norm_first": True, "activation": "gelu"}, {"batch_first": True, "bias": False}]


def exact():
    """PyTorch's formula that has a second derivative."""
    return torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)


def masks(t, size, batch):
    padding = t.zeros(batch, size, dtype=t.bool)
    padding[0, -1] = True
    return t.nn.Transformer.generate_square_subsequent_mask(size, dtype=t.float64), padding


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_an_encoder_layer_is_torchs_up_to_the_second_order(options):
    def run(m, t, x):
        size, batch = (2, 3) if options.get("batch_first") else (3, 2)
        mask, padding = masks(t, size, batch)
        with exact():
            return m(x), m(x, mask), m(x, mask, padding), m(x, mask, is_causal=True)

    assert_same(lambda t: t.nn.TransformerEncoderLayer(4, 2, 5, **options), run, draw(3, 2, 4))


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_a_decoder_layer_is_torchs_up_to_the_second_order(options):
    def run(m, t, x, memory):
        size, batch = (2, 3) if options.get("batch_first") else (3, 2)
        mask, padding = masks(t, size, batch)
        with exact():
            return m(x, memory), m(x, memory, tgt_mask=mask, tgt_key_padding_mask=padding)

    assert_same(lambda t: t.nn.TransformerDecoderLayer(4, 2, 5, **options), run, draw(3, 2, 4), draw(3, 2, 4, seed=1))


def test_a_stack_starts_with_copies_of_its_layer():
    def build(t):
        layer = t.nn.TransformerEncoderLayer(4, 2, 5)
        return t.nn.TransformerEncoder(layer, 2, t.nn.LayerNorm(4))

    def run(m, t, x):
        with exact():
            return m(x), m(x, masks(t, 3, 2)[0]), m(x, src_key_padding_mask=masks(t, 3, 2)[1])

    assert_same(build, run, draw(3, 2, 4))
    first, second = build(nbautograd).layers
    assert first.linear1.weight is not second.linear1.weight
    np.testing.assert_array_equal(first.linear1.weight.detach().numpy(), second.linear1.weight.detach().numpy())


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "batch_first": True}], ids=str)
def test_a_transformer_is_torchs_up_to_the_second_order(options):
    def run(m, t, source, target):
        mask, _ = masks(t, target.shape[1 if options.get("batch_first") else 0], 2)
        with exact():
            return m(source, target, tgt_mask=mask)

    shapes = [(2, 3, 4), (2, 2, 4)] if options.get("batch_first") else [(3, 2, 4), (2, 2, 4)]
    assert_same(lambda t: t.nn.Transformer(4, 2, 1, 1, 5, **options), run, *(draw(*s) for s in shapes))


def test_a_transformer_reads_a_single_sequence():
    def run(m, t, source, target):
        with exact():
            return m(source, target)

    assert_same(lambda t: t.nn.Transformer(4, 2, 1, 1, 5), run, draw(3, 4), draw(2, 4, seed=1))


@pytest.mark.parametrize(
    "expression",
    [
        "nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, activation='gelu'), 2, nn.LayerNorm(4))",
        "nn.TransformerDecoderLayer(4, 2, 8, bias=False)",
        "nn.Transformer(4, 2, 1, 2, 8)",
        "nn.Transformer.generate_square_subsequent_mask(3)",
    ],
)
def test_a_transformer_looks_like_torchs(expression):
    assert repr(eval(expression, {"nn": nbautograd.nn})) == repr(eval(expression, {"nn": torch.nn}))


def test_any_function_may_be_the_activation():
    def run(m, t, x):
        with exact():
            return m(x)

    assert_same(lambda t: t.nn.TransformerEncoderLayer(4, 2, 5, activation=t.tanh), run, draw(3, 2, 4))


WRONG = """
nn.TransformerEncoderLayer(4, 2, activation='tanh')
nn.TransformerEncoderLayer(4, 2, 8)(x, zeros(5, 5).int())
nn.Transformer(4, 2, 1, 1, 8)(x, x[:, :1])
nn.Transformer(4, 2, 1, 1, 8)(x[..., :3], x[..., :3])
nn.Transformer(4, 2, 1, 1, 8)(x[:, 0], x)
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_wrong_sizes_are_refused_in_torchs_words(expression):
    same_error(lambda t: eval(expression, {"nn": t.nn, "zeros": t.zeros, "x": t.zeros(5, 2, 4)}))
