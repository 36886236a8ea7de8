"""Transforms are PyTorch's: there, back, and how they stretch space."""

import numpy as np
import pytest

import nbautograd

X = np.array([[-1.5, 0.3, 2.0], [0.1, -0.7, 1.1]])
TRANSFORMS = {
    "Exp": lambda d, t: d.ExpTransform(),
    "Power": lambda d, t: d.PowerTransform(t([2.0, 0.5, -1.0])),
    "Sigmoid": lambda d, t: d.SigmoidTransform(),
    "Softplus": lambda d, t: d.SoftplusTransform(),
    "Tanh": lambda d, t: d.TanhTransform(),
    "Tanh with a cache": lambda d, t: d.TanhTransform(cache_size=1),
    "Affine": lambda d, t: d.AffineTransform(t([1.0, 2.0, 3.0]), t([2.0, -1.0, 0.5])),
    "Affine of numbers": lambda d, t: d.AffineTransform(1.0, -2.0),
    "Affine of vectors": lambda d, t: d.AffineTransform(t([1.0, 2.0, 3.0]), t([2.0, -1.0, 0.5]), event_dim=1),
    "Softmax": lambda d, t: d.SoftmaxTransform(),
    "StickBreaking": lambda d, t: d.StickBreakingTransform(),
    "Reshape": lambda d, t: d.ReshapeTransform((2, 3), (3, 2)),
    "Independent": lambda d, t: d.IndependentTransform(d.TanhTransform(), 1),
    "Compose": lambda d, t: d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.SigmoidTransform()]),
    "Compose of vectors": lambda d, t: d.ComposeTransform([d.TanhTransform(), d.StickBreakingTransform()]),
    "Inverse": lambda d, t: d.ComposeTransform([d.ExpTransform(), d.ExpTransform().inv]),
    "Cumulative": lambda d, t: d.CumulativeDistributionTransform(d.Normal(t(0.0), t(2.0))),
    "Stack": lambda d, t: d.StackTransform([d.ExpTransform(), d.TanhTransform(), d.AffineTransform(1.0, 2.0)], 1),
    "Cat": lambda d, t: d.CatTransform([d.ExpTransform(), d.TanhTransform()], 1, [1, 2]),
    "CorrCholesky": lambda d, t: d.CorrCholeskyTransform(),
    "Identity": lambda d, t: d.identity_transform,
}


def outcome(library, name):
    x = library.tensor(np.abs(X) if name == "Power" else X, requires_grad=True)
    transform = TRANSFORMS[name](library.distributions, lambda v: library.tensor(v, dtype=library.float64))
    y = transform(x)
    found = [y, transform.inv(y)]
    if name != "Softmax":
        stretch = transform.log_abs_det_jacobian(x, y)
        found += [stretch, transform.inv.log_abs_det_jacobian(y, x)]
    found += library.autograd.grad(sum((part * part).sum() for part in found), [x])
    shapes = [tuple(transform.forward_shape(x.shape)), tuple(transform.inverse_shape(y.shape))]
    dims = [transform.domain.event_dim, transform.codomain.event_dim, transform.bijective]
    return [part.detach().numpy() for part in found], shapes, dims


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_goes_where_pytorchs_goes_and_back(name):
    torch = pytest.importorskip("torch")
    (ours, *facts), (theirs, *their_facts) = (outcome(library, name) for library in (nbautograd, torch))
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert facts == their_facts


@pytest.mark.parametrize("name", ["Exp", "Affine", "Power", "Tanh", "Compose", "Independent"])
def test_a_transform_prints_and_tells_its_sign_as_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = (
        TRANSFORMS[name](library.distributions, lambda v, t=library: t.tensor(v, dtype=t.float64))
        for library in (nbautograd, torch)
    )
    assert repr(ours) == repr(theirs)
    np.testing.assert_array_equal(np.asarray(ours.sign), np.asarray(theirs.sign))


def test_a_cache_gives_back_the_very_tensor():
    transform = nbautograd.distributions.TanhTransform(cache_size=1)
    x = nbautograd.tensor([30.0])
    assert transform.inv(transform(x)) is x
    assert nbautograd.isinf(transform.with_cache(0).inv(transform(x))).all()


CONSTRAINTS = {
    "real": lambda c, t: c.real,
    "positive": lambda c, t: c.positive,
    "above": lambda c, t: c.greater_than_eq(t([1.0, 2.0, 3.0])),
    "below": lambda c, t: c.less_than(-2.0),
    "unit interval": lambda c, t: c.unit_interval,
    "interval": lambda c, t: c.interval(-2.0, 5.0),
    "simplex": lambda c, t: c.simplex,
    "vector": lambda c, t: c.real_vector,
    "factor of a correlation": lambda c, t: c.corr_cholesky,
    "stretches": lambda c, t: c.cat([c.positive, c.real, c.unit_interval], 1),
    "slices": lambda c, t: c.stack([c.positive, c.real, c.unit_interval], -1),
    "positive vector": lambda c, t: c.independent(c.positive, 1),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_constraints_are_fulfilled_as_in_pytorch(name, registry):
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        d = library.distributions
        constraint = CONSTRAINTS[name](d.constraints, lambda v, t=library: t.tensor(v, dtype=t.float64))
        y = getattr(d, registry)(constraint)(library.tensor(X))
        assert bool(constraint.check(y).all())
        found.append(y.numpy())
    np.testing.assert_allclose(*found, rtol=1e-9)


def test_a_matrix_becomes_a_cholesky_factor():
    d = nbautograd.distributions
    transform = d.transform_to(d.constraints.lower_cholesky)
    x = nbautograd.tensor(X @ X.T)
    factor = transform(x)
    assert bool(d.constraints.lower_cholesky.check(factor))
    np.testing.assert_allclose(transform.inv(factor).numpy(), np.tril(x.numpy()), rtol=1e-9)


def test_a_matrix_becomes_positive_definite():
    d = nbautograd.distributions
    transform = d.transform_to(d.constraints.positive_definite)
    x = nbautograd.tensor(X @ X.T)
    y = transform(x)
    assert bool(d.constraints.positive_definite.check(y))
    assert bool(d.constraints.positive_semidefinite.check(y))
    np.testing.assert_allclose(transform.inv(y).numpy(), np.tril(x.numpy()), rtol=1e-9)


CHECKS = {
    "boolean": ([0.0, 1.0, 0.5], lambda c: c.boolean),
    "integer interval": ([0.0, 2.5, 4.0], lambda c: c.integer_interval(1, 4)),
    "factor of a correlation": ([[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.9]]], lambda c: c.corr_cholesky),
    "half open": ([0.0, 1.0, 0.5], lambda c: c.half_open_interval(0.0, 1.0)),
    "positive integer": ([0.0, 1.0, 1.5], lambda c: c.positive_integer),
    "one hot": ([[0.0, 1.0], [1.0, 1.0]], lambda c: c.one_hot),
    "simplex": ([[0.5, 0.5], [0.5, 0.6]], lambda c: c.simplex),
    "square": ([[1.0, 2.0]], lambda c: c.square),
    "symmetric": ([[1.0, 2.0], [3.0, 1.0]], lambda c: c.symmetric),
    "positive definite": ([[[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [1.0, 2.0]]], lambda c: c.positive_definite),
    "lower triangular": ([[1.0, 2.0], [3.0, 1.0]], lambda c: c.lower_triangular),
    "independent": ([[1.0, -2.0], [3.0, 1.0]], lambda c: c.independent(c.positive, 1)),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_constraint_finds_what_pytorchs_finds(name):
    torch = pytest.importorskip("torch")
    values, build = CHECKS[name]
    ours, theirs = (
        build(library.distributions.constraints).check(library.tensor(values)) for library in (nbautograd, torch)
    )
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for fact in ("event_dim", "is_discrete"):
        assert getattr(build(nbautograd.distributions.constraints), fact) == getattr(
            build(torch.distributions.constraints), fact
        )


def test_names_stand_where_pytorch_has_them():
    from nbautograd.distributions.categorical import Categorical
    from nbautograd.distributions.kl import kl_divergence
    from nbautograd.distributions.multivariate_normal import MultivariateNormal
    from nbautograd.distributions.normal import Normal
    from nbautograd.distributions.transforms import AffineTransform, StickBreakingTransform, Transform

    d = nbautograd.distributions
    for found in (
        Categorical,
        kl_divergence,
        MultivariateNormal,
        Normal,
        AffineTransform,
        StickBreakingTransform,
        Transform,
    ):
        assert found is getattr(d, found.__name__)
    with pytest.raises(AttributeError, match="no attribute 'Gaussian'"):
        d.Gaussian  # noqa: B018
