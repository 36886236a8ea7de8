"""Weights that are computed from others: parametrizations, weight and spectral norm are PyTorch's."""

import copy
import warnings

import numpy as np
import pytest

import nbautograd


def libraries():
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch.nn.utils.prune")
    return nbautograd, torch


def linear(library, rows=4, columns=3, seed=0):
    layer = library.nn.Linear(columns, rows).double()
    draw = np.random.default_rng(seed)
    with library.no_grad():
        for p in layer.parameters():
            p.copy_(library.tensor(draw.standard_normal(tuple(p.shape))))
    return layer


def same_vectors(module, seed=5):
    """The random start of a power iteration, made the same in both libraries."""
    draw = np.random.default_rng(seed)
    for _, buffer in module.named_buffers():
        start = draw.standard_normal(tuple(buffer.shape))
        buffer.copy_(type_of(buffer)(start / np.linalg.norm(start)))


def type_of(tensor):
    library = nbautograd if isinstance(tensor, nbautograd.Tensor) else pytest.importorskip("torch")
    return library.tensor


def trained(library, layer, steps=4):
    """What a few steps make of a layer: outputs, and its state."""
    optimizer = library.optim.SGD(layer.parameters(), lr=0.1)
    x = library.tensor(np.random.default_rng(9).standard_normal((5, 3)))
    outputs = []
    for _ in range(steps):
        optimizer.zero_grad()
        y = layer(x)
        (y**2).mean().backward()
        optimizer.step()
        outputs.append(y.detach().numpy())
    return outputs, {name: t.detach().numpy() for name, t in layer.state_dict().items()}


def assert_same_training(build):
    found = [trained(library, build(library)) for library in libraries()]
    (outputs, state), (their_outputs, their_state) = found
    np.testing.assert_allclose(outputs, their_outputs, rtol=1e-9, atol=1e-12)
    assert list(state) == list(their_state)
    for name, value in their_state.items():
        np.testing.assert_allclose(state[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_trains_as_pytorchs(dim):
    assert_same_training(lambda t: t.nn.utils.parametrizations.weight_norm(linear(t), dim=dim))


@pytest.mark.parametrize("options", [{}, {"n_power_iterations": 3, "dim": 1}])
def test_spectral_norm_trains_as_pytorchs(options):
    def build(library):
        layer = library.nn.utils.parametrizations.spectral_norm(linear(library), **options)
        same_vectors(layer)
        return layer

    assert_same_training(build)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (2, 3)])
def test_orthogonal_weights_train_as_pytorchs_and_stay_orthogonal(kind, shape):
    def build(library):
        orthogonal = library.nn.utils.parametrizations.orthogonal
        layer = orthogonal(linear(library, *shape), orthogonal_map=kind)
        base = np.linalg.qr(np.random.default_rng(3).standard_normal((max(shape),) * 2))[0]
        with library.no_grad():
            layer.parametrizations.weight[0].base.copy_(library.tensor(base))
        return layer

    assert_same_training(build)
    layer = build(nbautograd)
    trained(nbautograd, layer)
    w = layer.weight.detach().numpy()
    gram = w @ w.T if shape[0] < shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(min(shape)), atol=1e-9)


def test_an_orthogonal_weight_starts_where_the_layer_was_if_that_was_orthogonal():
    layer = linear(nbautograd, 3, 3)
    nbautograd.nn.init.orthogonal_(layer.weight)
    before = layer.weight.detach().numpy().copy()
    for options in ({}, {"orthogonal_map": "householder", "use_trivialization": False}):
        made = nbautograd.nn.utils.parametrizations.orthogonal(copy.deepcopy(layer), **options)
        np.testing.assert_allclose(made.weight.detach().numpy(), before, atol=1e-9)


def old_weight_norm(library):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return library.nn.utils.weight_norm(linear(library))


def test_the_old_weight_norm_trains_as_pytorchs_and_is_removed():
    assert_same_training(old_weight_norm)
    layer = old_weight_norm(nbautograd)
    before = layer.weight.detach().numpy()
    nbautograd.nn.utils.remove_weight_norm(layer)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
    np.testing.assert_allclose(layer.weight.detach().numpy(), before, rtol=1e-12)
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found in"):
        nbautograd.nn.utils.remove_weight_norm(layer)
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        nbautograd.nn.utils.weight_norm(layer)
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"):
        weight_norm_again(layer)


def weight_norm_again(layer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        nbautograd.nn.utils.weight_norm(layer)


def test_the_old_spectral_norm_trains_as_pytorchs_and_is_removed():
    def build(library):
        layer = library.nn.utils.spectral_norm(linear(library))
        same_vectors(layer)
        return layer

    assert_same_training(build)
    layer = build(nbautograd)
    assert sorted(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    nbautograd.nn.utils.remove_spectral_norm(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]


def symmetric(library):
    class Symmetric(library.nn.Module):
        calls = 0

        def forward(self, x):
            type(self).calls += 1
            return x.triu() + x.triu(1).T

        def right_inverse(self, x):
            return x.triu()

    return Symmetric()


def test_a_parametrized_layer_prints_and_is_stored_as_pytorchs():
    found = []
    for library in libraries():
        parametrize = library.nn.utils.parametrize
        layer = parametrize.register_parametrization(linear(library, 3, 3), "weight", symmetric(library))
        assert parametrize.is_parametrized(layer, "weight")
        assert not parametrize.is_parametrized(layer, "bias")
        assert parametrize.type_before_parametrizations(layer) is library.nn.Linear
        layer.weight = library.ones(3, 3).double()
        found.append((repr(layer), list(layer.state_dict()), layer.weight.tolist(), type(layer).__name__))
        parametrize.remove_parametrizations(layer, "weight")
        assert type(layer) is library.nn.Linear
        assert [name for name, _ in layer.named_parameters()] == ["bias", "weight"]
    assert found[0] == found[1]


def test_inside_cached_a_tensor_is_computed_once():
    for library in libraries():
        parametrize = library.nn.utils.parametrize
        made = symmetric(library)
        layer = parametrize.register_parametrization(linear(library, 3, 3), "weight", made)
        before = type(made).calls
        with parametrize.cached():
            assert layer.weight is layer.weight
        assert type(made).calls == before + 1
        layer.weight  # noqa: B018
        assert type(made).calls == before + 2


def test_two_parametrizations_are_applied_one_after_the_other():
    found = []
    for library in libraries():
        parametrize = library.nn.utils.parametrize
        layer = linear(library, 3, 3)
        for _ in range(2):
            parametrize.register_parametrization(layer, "weight", symmetric(library))
        other = parametrize.transfer_parametrizations_and_params(layer, linear(library, 3, 3, seed=1))
        found.append((layer.weight.tolist(), other.weight.tolist(), list(other.state_dict())))
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert found[0] == found[1]


def test_what_does_not_fit_is_refused_as_in_pytorch():
    for library in libraries():
        parametrize = library.nn.utils.parametrize

        class Short(library.nn.Module):
            def forward(self, x):
                return x[:1]

        with pytest.raises(ValueError, match="may not change the shape of the tensor"):
            parametrize.register_parametrization(linear(library), "weight", Short())
        with pytest.raises(ValueError, match="does not have a parameter, a buffer"):
            parametrize.register_parametrization(linear(library), "wait", Short())
        with pytest.raises(ValueError, match="does not have a parametrization on weight"):
            parametrize.remove_parametrizations(linear(library), "weight")
        layer = parametrize.register_parametrization(linear(library), "weight", Short(), unsafe=True)
        with pytest.raises(RuntimeError, match="does not implement right_inverse"):
            layer.weight = library.ones(1, 3).double()
        normed = library.nn.utils.parametrizations.weight_norm(linear(library))
        with pytest.raises(ValueError, match="Cannot leave unparametrized"):
            parametrize.remove_parametrizations(normed, "weight", leave_parametrized=False)
        with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
            library.nn.utils.parametrizations.orthogonal(linear(library), orthogonal_map="up")
        with pytest.raises(ValueError, match="Expected n_power_iterations to be positive"):
            library.nn.utils.parametrizations.spectral_norm(linear(library), n_power_iterations=0)


def test_a_module_is_made_without_initialisation_and_called_without_state():
    for library in libraries():
        layer = library.nn.utils.skip_init(library.nn.Linear, 3, 2)
        assert layer.weight.shape == (2, 3)
        with pytest.raises(RuntimeError, match="must support a 'device' arg"):
            library.nn.utils.skip_init(library.nn.Tanh)
        new = {"weight": library.ones(2, 3), "bias": library.zeros(2)}
        with pytest.warns(FutureWarning, match="functional_call"):
            y = library.nn.utils.stateless.functional_call(layer, new, library.ones(1, 3))
        assert y.tolist() == [[3, 3]]
