"""Recurrent layers and cells, and packed sequences, beside PyTorch."""

import numpy as np
import pytest

import nbautograd

from .both import same_error
from .sequences import assert_same, draw, flat, leaves, modules

torch = pytest.importorskip("torch")

LAYERS = {
    "lstm": lambda t, **kw: t.nn.LSTM(3, 4, **kw),
    "gru": lambda t, **kw: t.nn.GRU(3, 4, **kw),
    "rnn": lambda t, **kw: t.nn.RNN(3, 4, **kw),
    "rnn_relu": lambda t, **kw: t.nn.RNN(3, 4, nonlinearity="relu", **kw),
}
OPTIONS = [
    {},
    {"bias": False},
    {"num_layers": 2},
    {"bidirectional": True},
    {"batch_first": True, "num_layers": 2, "bidirectional": True, "dropout": 0.5},
]
CELLS = {
    "lstm": lambda t, **kw: t.nn.LSTMCell(3, 4, **kw),
    "gru": lambda t, **kw: t.nn.GRUCell(3, 4, **kw),
    "rnn": lambda t, **kw: t.nn.RNNCell(3, 4, **kw),
    "rnn_relu": lambda t, **kw: t.nn.RNNCell(3, 4, nonlinearity="relu", **kw),
}
each_layer = pytest.mark.parametrize("layer", LAYERS)
each_cell = pytest.mark.parametrize("cell", CELLS)


def with_options(function):
    return pytest.mark.parametrize("options", OPTIONS, ids=str)(function)


def first_states(layer, options, batch):
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    return [draw(count, *batch, 4, seed=1 + i) for i in range(1 + (layer == "lstm"))]


def given(layer, states):
    return tuple(states) if layer == "lstm" else states[0]


@each_layer
@with_options
def test_a_layer_computes_what_torchs_does_up_to_the_second_order(layer, options):
    assert_same(lambda t: LAYERS[layer](t, **options), lambda m, t, x: m(x), draw(5, 2, 3))


@each_layer
@with_options
def test_a_layer_starts_from_given_states(layer, options):
    batch = 5 if options.get("batch_first") else 2
    assert_same(
        lambda t: LAYERS[layer](t, **options),
        lambda m, t, x, *states: m(x, given(layer, states)),
        draw(5, 2, 3),
        *first_states(layer, options, (batch,)),
    )


@each_layer
@pytest.mark.parametrize("options", [{}, {"batch_first": True, "bidirectional": True}], ids=str)
def test_a_layer_takes_a_single_sequence(layer, options):
    build = lambda t: LAYERS[layer](t, **options)  # noqa: E731
    assert_same(build, lambda m, t, x: m(x), draw(4, 3))
    assert_same(build, lambda m, t, x, *s: m(x, given(layer, s)), draw(4, 3), *first_states(layer, options, ()))


@each_layer
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("lengths", [[5, 3, 1], [2, 5, 4]], ids=str)
def test_a_layer_reads_packed_sequences(layer, options, lengths):
    def run(m, t, x, *states):
        utils = t.nn.utils.rnn
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=False)
        out, last = m(packed, given(layer, states))
        return utils.pad_packed_sequence(out, total_length=6), last

    assert_same(lambda t: LAYERS[layer](t, **options), run, draw(5, 3, 3), *first_states(layer, options, (3,)))


@pytest.mark.parametrize("options", [*OPTIONS[:3], OPTIONS[4]], ids=str)
def test_an_lstm_projects_its_state(options):
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    x = draw(5, 2, 3)
    batch = 5 if options.get("batch_first") else 2
    assert_same(lambda t: t.nn.LSTM(3, 4, proj_size=2, **options), lambda m, t, x: m(x), x)
    assert_same(
        lambda t: t.nn.LSTM(3, 4, proj_size=2, **options),
        lambda m, t, x, h, c: m(x, (h, c)),
        x,
        draw(count, batch, 2),
        draw(count, batch, 4),
    )


@each_layer
def test_only_the_last_state_may_be_used(layer):
    assert_same(LAYERS[layer], lambda m, t, x: flat(m(x)[1])[-1], draw(3, 2, 3))


@each_layer
def test_a_layer_keeps_float32(layer):
    ours, theirs = modules(LAYERS[layer], "float32")
    x = draw(7, 3, 3).astype("float32")
    (mine,), (other,) = leaves(nbautograd, [x]), leaves(torch, [x])
    a, b = ours(mine)[0], theirs(other)[0]
    assert a.dtype == nbautograd.float32
    a.sum().backward()
    b.sum().backward()
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-4, atol=1e-5)
    assert all(p.grad.dtype == nbautograd.float32 for p in ours.parameters())


@each_layer
def test_a_batch_may_be_empty(layer):
    m = LAYERS[layer](nbautograd, num_layers=2, bidirectional=True)
    out = m(nbautograd.zeros(5, 0, 3))[0]
    out.sum().backward()
    assert tuple(out.shape) == (5, 0, 8)
    assert not any(p.grad.numpy().any() for p in m.parameters())


@each_layer
def test_frozen_weights_get_no_gradient(layer):
    def build(t):
        return LAYERS[layer](t).requires_grad_(False)

    assert_same(build, lambda m, t, x: m(x), draw(3, 2, 3))


@each_layer
def test_nodes_have_torchs_names(layer):
    ours, theirs = modules(LAYERS[layer], "float32")
    x = draw(3, 2, 3).astype("float32")
    for mine, other in zip(flat(ours(nbautograd.tensor(x))), flat(theirs(torch.tensor(x))), strict=True):
        assert mine.grad_fn.name() == other.grad_fn.name()


@each_layer
def test_dropout_between_layers_acts_in_training_alone(layer):
    nbautograd.manual_seed(0)
    m = LAYERS[layer](nbautograd, num_layers=2, dropout=0.5)
    x = nbautograd.tensor(draw(3, 2, 3), dtype=nbautograd.float32)
    assert not np.array_equal(m(x)[0].detach().numpy(), m(x)[0].detach().numpy())
    m.eval()
    assert np.array_equal(m(x)[0].detach().numpy(), m(x)[0].detach().numpy())


@each_cell
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(2,), ()], ids=["batched", "single"])
def test_a_cell_computes_what_torchs_does_up_to_the_second_order(cell, bias, batch):
    def build(t):
        return CELLS[cell](t, bias=bias)

    assert_same(build, lambda m, t, x: m(x), draw(*batch, 3))
    states = [draw(*batch, 4, seed=1 + i) for i in range(1 + (cell == "lstm"))]
    assert_same(build, lambda m, t, x, *s: m(x, given(cell, s)), draw(*batch, 3), *states)


@each_cell
def test_a_cell_may_be_unrolled(cell):
    def run(m, t, x):
        state = None
        outputs = []
        for row in x:
            state = m(row, state)
            outputs.append(state[0] if cell == "lstm" else state)
        return t.stack(outputs)

    assert_same(CELLS[cell], run, draw(4, 2, 3))


@pytest.mark.parametrize(
    "expression",
    [
        "nn.LSTM(3, 4, 2, bias=False, batch_first=True, bidirectional=True, proj_size=2, dropout=0.5)",
        "nn.GRU(3, 4)",
        "nn.RNN(3, 4, nonlinearity='relu')",
        "nn.LSTMCell(3, 4, bias=False)",
        "nn.RNNCell(3, 4, nonlinearity='relu')",
        "nn.GRUCell(3, 4)",
    ],
)
def test_a_layer_looks_like_torchs(expression):
    ours, theirs = eval(expression, {"nn": nbautograd.nn}), eval(expression, {"nn": torch.nn})
    assert repr(ours) == repr(theirs)
    shapes = [[(name, tuple(p.shape)) for name, p in m.state_dict().items()] for m in (ours, theirs)]
    assert shapes[0] == shapes[1]
    if hasattr(theirs, "all_weights"):
        assert [len(w) for w in ours.all_weights] == [len(w) for w in theirs.all_weights]
        assert ours._flat_weights_names == theirs._flat_weights_names


@each_layer
def test_weights_start_within_torchs_bounds(layer):
    drawn = [p.detach().numpy().ravel() for p in LAYERS[layer](nbautograd, num_layers=2).parameters()]
    assert 0.45 < abs(np.concatenate(drawn)).max() <= 0.5


WRONG = """
nn.LSTM(3, 4)(ones(5, 2, 2))
nn.LSTM(3, 4)(ones(3))
nn.GRU(3, 4)(ones(2, 5, 2, 3))
nn.LSTM(3, 4)(ones(0, 2, 3))
nn.LSTM(3, 4)(ones(5, 2, 3), (ones(1, 3, 4), ones(1, 2, 4)))
nn.LSTM(3, 4)(ones(5, 2, 3), (ones(1, 2, 4), ones(1, 2, 5)))
nn.LSTM(3, 4)(ones(5, 2, 3).double())
nn.LSTM(3, 4)(ones(5, 3), (ones(1, 2, 4), ones(1, 2, 4)))
nn.LSTM(3, 4)(ones(5, 2, 3), (ones(1, 4), ones(1, 4)))
nn.GRU(3, 4)(ones(5, 2, 3), ones(1, 3, 4))
nn.GRU(3, 4)(ones(5, 2, 3), ones(1, 4))
nn.RNN(3, 4)(ones(5, 3), ones(1, 1, 4))
nn.GRU(3, 4)(ones(5, 2, 3), ones(1, 2, 4).double())
nn.GRUCell(3, 4)(ones(2, 3), ones(2, 4).double())
nn.LSTMCell(3, 4)(ones(2, 3).double())
nn.RNNCell(3, 4)(ones(2, 3).double())
nn.RNN(3, 4, nonlinearity='x')
nn.LSTM(0, 4)
nn.LSTM(3, 0)
nn.LSTM(3, 4, 0)
nn.LSTM(3.0, 4)
nn.LSTM(3, 4, dropout=2)
nn.LSTM(3, 4, proj_size=4)
nn.LSTM(3, 4, proj_size=-1)
nn.GRU(3, 4, proj_size=2)
nn.LSTMCell(3, 4)(ones(5, 2, 3))
nn.LSTMCell(3, 4)(ones(2, 2))
nn.LSTMCell(3, 4)(ones(2, 3), (ones(2, 3), ones(2, 4)))
nn.GRUCell(3, 4)(ones(2, 3), ones(3, 4))
nn.GRUCell(3, 4)(ones(5, 2, 3))
nn.RNNCell(3, 4)(ones(2, 3), ones(1, 2, 4))
nn.RNNCell(3, 4, nonlinearity='x')(ones(2, 3))
nn.utils.rnn.pack_padded_sequence(ones(3, 2), [1, 2])
nn.utils.rnn.pack_padded_sequence(ones(3, 2), [3, 0])
nn.utils.rnn.pack_padded_sequence(ones(3, 2), [3])
nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.pack_sequence([ones(3)]), total_length=2)
nn.utils.rnn.pad_sequence(3)
"""


@pytest.mark.parametrize("expression", WRONG.strip().splitlines())
def test_wrong_sizes_are_refused_in_torchs_words(expression):
    same_error(lambda t: eval(expression, {"nn": t.nn, "ones": t.ones}))


SEQUENCES = """
pack_sequence([t.tensor([1, 2, 3]), t.tensor([4, 5]), t.tensor([6])])
pack_sequence([t.tensor([1]), t.tensor([4, 5, 7]), t.tensor([6, 8])], enforce_sorted=False)
pack_padded_sequence(t.arange(6.0).view(2, 3), [3, 1], batch_first=True)
pad_packed_sequence(pack_padded_sequence(t.arange(6.0).view(3, 2), t.tensor([3, 1])), batch_first=True)
pad_packed_sequence(pack_sequence([t.ones(1), t.ones(2)], enforce_sorted=False), padding_value=-1.0, total_length=4)
pad_sequence([t.ones(2, 2), t.ones(3, 2)])
pad_sequence([t.ones(2), t.ones(3)], batch_first=True, padding_value=7, padding_side='left')
unpad_sequence(pad_sequence([t.ones(2), t.ones(3)]), t.tensor([2, 3]))
unpack_sequence(pack_sequence([t.arange(1), t.arange(3)], enforce_sorted=False))
invert_permutation(t.tensor([2, 0, 1]))
pack_sequence([t.ones(2)]).to(t.float64).data.dtype
"""


@pytest.mark.parametrize("expression", SEQUENCES.strip().splitlines())
def test_sequences_are_packed_and_padded_as_in_torch(expression):
    outcomes = []
    for library in (nbautograd, torch):
        utils = library.nn.utils.rnn
        outcomes.append(repr(eval(expression, {"t": library, **{n: getattr(utils, n) for n in dir(utils)}})))
    assert outcomes[0] == outcomes[1]


def test_gradients_flow_through_packing_and_padding():
    def run(m, t, x, y):
        utils = t.nn.utils.rnn
        packed = utils.pack_sequence([x, y], enforce_sorted=False)
        return utils.pad_packed_sequence(utils.PackedSequence(packed.data**2, *packed[1:]))

    assert_same(lambda t: t.nn.Identity(), run, draw(2, 3), draw(4, 3))


def test_a_packed_sequence_of_the_wrong_width_is_refused():
    packed = nbautograd.nn.utils.rnn.pack_sequence([nbautograd.ones(3, 2)])
    with pytest.raises(RuntimeError, match=r"Expected 3, got 2"):
        nbautograd.nn.GRU(3, 4)(packed)


def test_the_functions_of_single_steps_are_torchs():
    x, h, c = draw(2, 3), draw(2, 4, seed=1), draw(2, 4, seed=2)
    for name, gates, states in (
        ("lstm_cell", 4, [h, c]),
        ("gru_cell", 3, [h]),
        ("rnn_tanh_cell", 1, [h]),
        ("rnn_relu_cell", 1, [h]),
    ):
        weights = [draw(gates * 4, 3), draw(gates * 4, 4), draw(gates * 4), draw(gates * 4)]

        def run(m, t, x, *rest, name=name, states=states):
            given = rest[: len(states)] if len(states) > 1 else rest[0]
            return getattr(t, name)(x, given, *rest[len(states) :])

        assert_same(lambda t: t.nn.Identity(), run, x, *states, *weights)
