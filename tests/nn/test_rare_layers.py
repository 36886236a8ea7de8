"""Layers and functions that few programs use are PyTorch's too."""

import numpy as np
import pytest

import nbautograd


def libraries():
    torch = pytest.importorskip("torch")
    return nbautograd, torch


def adaptive(library, **options):
    module = library.nn.AdaptiveLogSoftmaxWithLoss(6, 12, [3, 7], div_value=2.0, **options).double()
    draw = np.random.default_rng(0)
    with library.no_grad():
        for p in module.parameters():
            p.copy_(library.tensor(draw.standard_normal(tuple(p.shape))))
    x = library.tensor(draw.standard_normal((8, 6)), requires_grad=True)
    return module, x


@pytest.mark.parametrize("options", [{}, {"head_bias": True}])
@pytest.mark.parametrize("target", [[0, 11, 5, 3, 7, 2, 6, 1], [0, 1, 2, 0, 1, 2, 0, 1], [8] * 8])
def test_adaptive_softmax_is_pytorchs(options, target):
    found = []
    for library in libraries():
        module, x = adaptive(library, **options)
        output, loss = module(x, library.tensor(target))
        loss.backward()
        grads = [p.grad if p.grad is None else p.grad.numpy() for p in module.parameters()]
        told = [module.log_prob(x).detach().numpy(), module.predict(x).numpy()]
        found.append([output.detach().numpy(), loss.item(), x.grad.numpy(), *told, *grads])
        assert next(iter(module.state_dict())) == "head.weight"
    for a, b in zip(*found, strict=True):
        assert (a is None or not np.any(a)) if b is None else np.allclose(a, b, 1e-10, 1e-12)


def test_adaptive_softmax_takes_one_row_and_refuses_what_does_not_fit():
    for library in libraries():
        module, x = adaptive(library)
        output, loss = module(x[0], library.tensor(5))
        assert output.shape == ()
        assert loss.item() == -output.item()
        with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 11\], but values in range \[12, 12\]"):
            module(x[:1], library.tensor([12]))
        with pytest.raises(RuntimeError, match="same size in the batch dimension"):
            module(x, library.tensor([1]))
        with pytest.raises(RuntimeError, match="multi-target not supported"):
            module(x, library.tensor([[1]]))
        for cutoffs in ([], [3, 3], [0, 5], [5, 12]):
            with pytest.raises(ValueError, match="cutoffs should be a sequence of"):
                library.nn.AdaptiveLogSoftmaxWithLoss(6, 12, cutoffs)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [[[3, 0, -1, 1], [0, 1, 2, 3], [-1, 0, 0, 0]], [1, -1, 2, 3]])
def test_the_multilabel_margin_loss_is_pytorchs(reduction, target):
    found = []
    for library in libraries():
        shape = np.shape(target)
        x = library.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
        loss = library.nn.MultiLabelMarginLoss(reduction=reduction)(x, library.tensor(target))
        loss.sum().backward()
        found.append((loss.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0])
def test_distances_of_all_pairs_are_pytorchs(p):
    found = []
    for library in libraries():
        x = library.tensor(np.random.default_rng(0).standard_normal((5, 3)), requires_grad=True)
        y = library.nn.functional.pdist(x, p)
        (y * y).sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize(
    "name", ["relu_", "elu_", "celu_", "selu_", "leaky_relu_", "hardtanh_", "threshold_", "rrelu_"]
)
def test_activations_in_place_change_their_input(name):
    found = []
    for library in libraries():
        leaf = library.tensor([-2.0, 0.5, 3.0], requires_grad=True)
        x = leaf * 1
        options = (0.7, 9.0) if name == "threshold_" else ()
        assert getattr(library.nn.functional, name)(x, *options) is x
        x.sum().backward()
        found.append((x.tolist(), leaf.grad.tolist()))
    assert found[0][0] == pytest.approx(found[1][0])
    assert found[0][1] == pytest.approx(found[1][1])


def test_channels_are_dropped_whole_and_keep_mean_and_variance():
    nbautograd.manual_seed(0)
    x = nbautograd.randn(400, 30, 5)
    module = nbautograd.nn.FeatureAlphaDropout(0.3)
    y = module(x)
    low = y.amax(2) == y.amin(2)
    assert abs(low.float().mean().item() - 0.3) < 0.02
    assert abs(y.mean().item()) < 0.03
    assert abs(y.var().item() - 1) < 0.05
    assert module.eval()(x) is x
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        module.train()(x[0, 0])


def test_random_slopes_lie_between_their_bounds():
    nbautograd.manual_seed(0)
    module = nbautograd.nn.RReLU(0.2, 0.4)
    y = module(-nbautograd.ones(1000))
    assert -0.4 <= y.min().item() < -0.39
    assert -0.21 < y.max().item() <= -0.2
    assert module.eval()(nbautograd.tensor([-1.0, 2.0])).tolist() == pytest.approx([-0.3, 2])
    assert repr(module) == "RReLU(lower=0.2, upper=0.4)"


def test_a_function_that_is_not_here_says_why():
    with pytest.raises(AttributeError, match=r"torch\.nn\.functional\.scaled_mm is not supported by nbautograd"):
        nbautograd.nn.functional.scaled_mm  # noqa: B018


def test_parameters_by_name_do_what_a_dict_does():
    found = []
    for library in libraries():
        first = library.nn.ParameterDict({"a": library.ones(1), "b": library.zeros(1)})
        other = library.nn.ParameterDict({"b": library.ones(1), "c": library.ones(1)})
        both = first | other
        first |= {"d": library.ones(1)}
        popped = first.popitem()[0]
        kept = first.setdefault("a", library.zeros(1)).item()
        made = first.setdefault("e", library.ones(1)).item()
        new = first.fromkeys(["x", "y"], 3)
        assert isinstance(both, library.nn.ParameterDict)
        assert first.copy()["a"] is first["a"]
        found.append([list(both), list(first), list(reversed(first)), popped, kept, made, dict(new.items())])
    assert found[0] == found[1]


def test_a_tensor_without_a_shape_takes_one_later():
    buffer = nbautograd.nn.UninitializedBuffer()
    assert nbautograd.nn.parameter.is_lazy(buffer)
    buffer.materialize((2, 3))
    assert type(buffer) is nbautograd.Tensor
    assert buffer.shape == (2, 3)
    assert repr(nbautograd.nn.UninitializedParameter()) == "<UninitializedParameter>"


@pytest.mark.parametrize("size", [2, 3, 4, 5, 7])
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_the_norm_across_maps_is_pytorchs_in_value_and_gradient(size, channels):
    """Both are not what one would think; see NOTE [Counted from one] in nn/cross_map.py."""
    found = []
    for library in libraries():
        x = library.tensor(np.random.default_rng(0).standard_normal((2, channels, 3, 2)), requires_grad=True)
        module = library.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.6, k=1.5)
        y = module(x)
        (y * y).sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy(), repr(module)))
        with pytest.raises(ValueError, match="Expected input to be 4D, got 3D instead"):
            module(x[0])
    for a, b in zip(found[0][:2], found[1][:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert found[0][2] == found[1][2]


RECTIFIERS = {
    "relu": lambda f, x, w: f.relu(x),
    "leaky_relu": lambda f, x, w: f.leaky_relu(x, 0.2),
    "prelu": lambda f, x, w: f.prelu(x, w),
    "prelu with one slope": lambda f, x, w: f.prelu(x, w[:1]),
    "rrelu": lambda f, x, w: f.rrelu(x, 0.1, 0.3),
    "rrelu in training": lambda f, x, w: f.rrelu(x, 0.2, 0.2, True),
    "elu": lambda f, x, w: f.elu(x),
    "celu": lambda f, x, w: f.celu(x),
}


@pytest.mark.parametrize("name", RECTIFIERS)
def test_the_gradient_of_a_rectifier_is_a_function_that_can_be_differentiated_as_in_torch(name):
    found = []
    for library in libraries():
        x = library.tensor([[-1.0, 2.0, -3.0], [1.0, -0.5, 0.7]], dtype=library.float64, requires_grad=True)
        w = library.tensor([0.25, 0.5, 0.75], dtype=library.float64, requires_grad=True)
        told = []
        for power in (1, 2):
            y = RECTIFIERS[name](library.nn.functional, x, w)
            grads = library.autograd.grad((y**power).sum(), [x, w], create_graph=True, allow_unused=True)
            for g in grads:
                if g is None:
                    continue
                second = library.autograd.grad(
                    g.sum(), [x, w], allow_unused=True, materialize_grads=True, retain_graph=True
                )
                told += [np.array(g.requires_grad), g.detach().numpy(), *(h.numpy() for h in second)]
        found.append(told)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-12)
