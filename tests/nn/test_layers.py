"""Every layer computes, differentiates, saves and prints as PyTorch's with the same weights."""

import copy

import numpy as np
import pytest

import nbautograd
from nbautograd import nn

from .both import compare, pair, same_error


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def whole(*shape, high=4):
    return np.random.default_rng(0).integers(0, high, shape)


LAYERS = {
    "identity": (lambda t: t.nn.Identity(3, some=4), [rand(3)]),
    "linear": (lambda t: t.nn.Linear(3, 4), [rand(5, 3)]),
    "linear, no bias": (lambda t: t.nn.Linear(3, 4, bias=False), [rand(2, 5, 3)]),
    "linear, vector": (lambda t: t.nn.Linear(3, 4), [rand(3)]),
    "bilinear": (lambda t: t.nn.Bilinear(2, 3, 4), [rand(5, 2), rand(5, 3)]),
    "bilinear, no bias": (lambda t: t.nn.Bilinear(2, 3, 4, bias=False), [rand(2), rand(3)]),
    "flatten": (lambda t: t.nn.Flatten(), [rand(2, 3, 4)]),
    "flatten some": (lambda t: t.nn.Flatten(0, 1), [rand(2, 3, 4)]),
    "unflatten": (lambda t: t.nn.Unflatten(1, (2, 3)), [rand(2, 6)]),
    "embedding": (lambda t: t.nn.Embedding(4, 3), [whole(2, 5)]),
    "embedding, padding": (lambda t: t.nn.Embedding(4, 3, padding_idx=-1), [whole(2, 5)]),
    "dropout, evaluated": (lambda t: t.nn.Dropout(0.3).eval(), [rand(3)]),
    "dropout of nothing": (lambda t: t.nn.Dropout(0.0), [rand(3)]),
    "layer norm": (lambda t: t.nn.LayerNorm(4), [rand(2, 3, 4)]),
    "layer norm over two": (lambda t: t.nn.LayerNorm([3, 4], eps=1e-3, bias=False), [rand(2, 3, 4)]),
    "layer norm, plain": (lambda t: t.nn.LayerNorm(4, elementwise_affine=False), [rand(3, 4)]),
    "rms norm": (lambda t: t.nn.RMSNorm(4), [rand(3, 4)]),
    "rms norm, eps": (lambda t: t.nn.RMSNorm([3, 4], eps=1e-3, elementwise_affine=False), [rand(2, 3, 4)]),
    "group norm": (lambda t: t.nn.GroupNorm(2, 4), [rand(3, 4, 5)]),
    "group norm, plain": (lambda t: t.nn.GroupNorm(4, 4, affine=False), [rand(3, 4, 2, 2)]),
    "batch norm": (lambda t: t.nn.BatchNorm1d(3), [rand(5, 3)]),
    "batch norm over lengths": (lambda t: t.nn.BatchNorm1d(3, momentum=None), [rand(5, 3, 2)]),
    "batch norm, evaluated": (lambda t: t.nn.BatchNorm1d(3).eval(), [rand(5, 3)]),
    "batch norm, no memory": (lambda t: t.nn.BatchNorm1d(3, track_running_stats=False).eval(), [rand(5, 3)]),
    "batch norm 2d": (lambda t: t.nn.BatchNorm2d(3, affine=False), [rand(2, 3, 4, 5)]),
    "batch norm 3d": (lambda t: t.nn.BatchNorm3d(2, eps=1e-3), [rand(2, 2, 3, 2, 2)]),
    "cosine similarity": (lambda t: t.nn.CosineSimilarity(dim=0), [rand(3, 4), rand(3, 4, seed=1)]),
    "pairwise distance": (lambda t: t.nn.PairwiseDistance(p=3, keepdim=True), [rand(3, 4), rand(3, 4, seed=1)]),
    "ReLU": (lambda t: t.nn.ReLU(), [rand(3, 4)]),
    "ReLU6": (lambda t: t.nn.ReLU6(), [5 * rand(3, 4)]),
    "SELU": (lambda t: t.nn.SELU(), [rand(3, 4)]),
    "CELU": (lambda t: t.nn.CELU(0.5), [rand(3, 4)]),
    "ELU": (lambda t: t.nn.ELU(0.5), [rand(3, 4)]),
    "SiLU": (lambda t: t.nn.SiLU(), [rand(3, 4)]),
    "Mish": (lambda t: t.nn.Mish(), [rand(3, 4)]),
    "GELU": (lambda t: t.nn.GELU(), [rand(3, 4)]),
    "GELU, tanh": (lambda t: t.nn.GELU("tanh"), [rand(3, 4)]),
    "Sigmoid": (lambda t: t.nn.Sigmoid(), [rand(3, 4)]),
    "Tanh": (lambda t: t.nn.Tanh(), [rand(3, 4)]),
    "Hardsigmoid": (lambda t: t.nn.Hardsigmoid(), [4 * rand(3, 4)]),
    "Hardswish": (lambda t: t.nn.Hardswish(), [4 * rand(3, 4)]),
    "Hardtanh": (lambda t: t.nn.Hardtanh(-0.5, 0.7), [rand(3, 4)]),
    "Hardshrink": (lambda t: t.nn.Hardshrink(), [rand(3, 4)]),
    "Softshrink": (lambda t: t.nn.Softshrink(0.3), [rand(3, 4)]),
    "Softplus": (lambda t: t.nn.Softplus(2, 3), [4 * rand(3, 4)]),
    "Softsign": (lambda t: t.nn.Softsign(), [rand(3, 4)]),
    "Tanhshrink": (lambda t: t.nn.Tanhshrink(), [rand(3, 4)]),
    "Threshold": (lambda t: t.nn.Threshold(0.1, 2.0), [rand(3, 4)]),
    "LogSigmoid": (lambda t: t.nn.LogSigmoid(), [rand(3, 4)]),
    "LeakyReLU": (lambda t: t.nn.LeakyReLU(0.2), [rand(3, 4)]),
    "PReLU": (lambda t: t.nn.PReLU(), [rand(3, 4)]),
    "PReLU, channels": (lambda t: t.nn.PReLU(4), [rand(3, 4, 2)]),
    "GLU": (lambda t: t.nn.GLU(), [rand(3, 4)]),
    "Softmax": (lambda t: t.nn.Softmax(dim=1), [rand(3, 4)]),
    "Softmax2d": (lambda t: t.nn.Softmax2d(), [rand(2, 3, 4, 2)]),
    "LogSoftmax": (lambda t: t.nn.LogSoftmax(dim=0), [rand(3, 4)]),
    "Softmin": (lambda t: t.nn.Softmin(dim=-1), [rand(3, 4)]),
    "sequence": (
        lambda t: t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.BatchNorm1d(4), t.nn.Linear(4, 2)),
        [rand(5, 3)],
    ),
}
each_layer = pytest.mark.parametrize(("build", "arrays"), LAYERS.values(), ids=LAYERS)


@each_layer
def test_output_and_gradients_are_pytorchs(build, arrays):
    ours, theirs = pair(build)
    compare(ours, theirs, arrays)
    for name, value in theirs.state_dict().items():  # running figures moved alike
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-7)


@each_layer
def test_names_shapes_and_dtypes_are_pytorchs(build, arrays):
    torch = pytest.importorskip("torch")
    ours, theirs = build(nbautograd), build(torch)
    mine, reference = ours.state_dict(), theirs.state_dict()
    assert [(k, tuple(v.shape), str(v.dtype)) for k, v in mine.items()] == [
        (k, tuple(v.shape), str(v.dtype)) for k, v in reference.items()
    ]
    assert mine._metadata == reference._metadata


@each_layer
def test_a_layer_prints_as_pytorchs(build, arrays):
    torch = pytest.importorskip("torch")
    assert repr(build(nbautograd)) == repr(build(torch))


@each_layer
def test_a_saved_layer_is_loaded_and_copied(build, arrays):
    layer = build(nbautograd)
    other = copy.deepcopy(layer)
    for param in other.parameters():
        param.data.fill_(7)
    other.load_state_dict(layer.state_dict())
    for name, value in layer.state_dict().items():
        assert other.state_dict()[name] is not value
        np.testing.assert_array_equal(other.state_dict()[name].numpy(), value.numpy())


INITIAL = {
    "linear": lambda t: t.nn.Linear(40, 60),
    "bilinear": lambda t: t.nn.Bilinear(20, 10, 30),
    "embedding": lambda t: t.nn.Embedding(50, 60),
}


@pytest.mark.parametrize("build", INITIAL.values(), ids=INITIAL)
def test_weights_start_from_pytorchs_distribution(build):
    torch = pytest.importorskip("torch")
    nbautograd.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = dict(build(nbautograd).named_parameters()), dict(build(torch).named_parameters())
    for name, param in theirs.items():
        a, b = ours[name].detach().numpy(), param.detach().numpy()
        points = np.linspace(0.02, 0.98, 9)
        np.testing.assert_allclose(
            np.quantile(a, points), np.quantile(b, points), atol=6 * b.std() / np.sqrt(min(b.size, 400))
        )
        if name != "embedding":
            assert abs(a).max() <= abs(b).max() * 1.2


def test_dropout_drops_the_asked_part_in_training_only():
    nbautograd.manual_seed(0)
    layer = nn.Dropout(0.25)
    x = nbautograd.ones(1000)
    y = layer(x)
    kept = y != 0
    assert 0.7 < kept.float().mean().item() < 0.8
    assert y[kept].numpy() == pytest.approx(1 / 0.75)
    assert layer.eval()(x) is x


def test_a_padding_vector_is_zero_and_learns_nothing():
    layer = nn.Embedding(4, 2, padding_idx=1)
    layer(nbautograd.tensor([0, 1, 1])).sum().backward()
    assert layer.weight[1].tolist() == [0, 0]
    assert layer.weight.grad.tolist() == [[1, 1], [0, 0], [0, 0], [0, 0]]


def test_an_embedding_from_given_vectors_is_frozen_unless_told():
    vectors = nbautograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert not nn.Embedding.from_pretrained(vectors).weight.requires_grad
    assert nn.Embedding.from_pretrained(vectors, freeze=False)(nbautograd.tensor(1)).tolist() == [3, 4]


def test_a_lazy_layer_takes_its_size_from_the_first_input():
    layer = nn.LazyLinear(4)
    (weight, bias) = layer.parameters()
    y = layer(nbautograd.ones(2, 3))
    assert y.shape == (2, 4)
    assert type(layer) is nn.Linear
    assert layer.weight is weight
    assert weight.shape == (4, 3)
    assert bias.shape == (4,)
    assert repr(layer) == "Linear(in_features=3, out_features=4, bias=True)"
    assert abs(weight.detach().numpy()).max() <= 3**-0.5


def test_a_lazy_layer_is_loaded_before_its_first_input():
    source, target = nn.Linear(3, 4), nn.LazyLinear(4)
    target.load_state_dict(source.state_dict())
    x = nbautograd.ones(2, 3)
    assert target(x).tolist() == source(x).tolist()


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.nn.Linear(2, 3)(t.ones(1, 4)),
        lambda t: t.nn.Dropout(2),
        lambda t: t.nn.Bilinear(0, 1, 2),
        lambda t: t.nn.Embedding(3, 2, padding_idx=5),
        lambda t: t.nn.BatchNorm1d(3)(t.ones(3)),
        lambda t: t.nn.BatchNorm2d(3)(t.ones(3, 3)),
        lambda t: t.nn.BatchNorm1d(3)(t.ones(1, 3)),
        lambda t: t.nn.GroupNorm(2, 3),
        lambda t: t.nn.Hardtanh(1, 0),
        lambda t: t.nn.Unflatten(1, 3),
        lambda t: t.nn.Softmax2d()(t.ones(3)),
        lambda t: t.nn.LayerNorm(3)(t.ones(2, 4)),
        lambda t: t.nn.MultiMarginLoss(p=3),
    ],
)
def test_bad_input_gets_pytorchs_error(make):
    pytest.importorskip("torch")
    same_error(make)
