"""Distributions tell what PyTorch's tell: probabilities, entropies, moments, and all gradients."""

import numpy as np
import pytest

import nbautograd

from .table import ROWS, SHARE

FACTS = ["mean", "variance", "stddev", "mode"]
each_row = pytest.mark.parametrize("name", ROWS)


class Built:
    """A row of the table in one library, with the leaves it was made from."""

    def __init__(self, library, name):
        self.library, self.row = library, ROWS[name]
        self.leaves = []
        self.distribution = self.row.build(library.distributions, self.leaf)

    def leaf(self, values):
        t = self.library.tensor(np.array(values), dtype=self.library.float64, requires_grad=True)
        self.leaves.append(t)
        return t

    def values(self):
        return self.leaf(self.row.values)

    def outcome(self, compute):
        """The numbers of a result and the gradients of all leaves, or the kind of error."""
        try:
            result = compute(self)
        except (NotImplementedError, AttributeError) as error:
            return type(error)
        numbers = result.detach().numpy()
        if not result.requires_grad:
            return [numbers]
        finite = self.library.where(self.library.isfinite(result), result, self.library.zeros_like(result))
        weights = self.library.linspace(0.5, 1.5, result.numel(), dtype=result.dtype).reshape(result.shape)
        grads = self.library.autograd.grad((finite * weights).sum(), self.leaves, allow_unused=True)
        return [numbers, *(np.zeros(1) if g is None else g.numpy() for g in grads)]


def assert_same(name, compute):
    torch = pytest.importorskip("torch")
    ours, theirs = (Built(library, name).outcome(compute) for library in (nbautograd, torch))
    if isinstance(theirs, type):
        return theirs
    assert not isinstance(ours, type), ours
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.broadcast_to(a, b.shape) if a.size == 1 else a, b, ROWS[name].tolerance, 1e-10)
    return None


@each_row
def test_log_probabilities_and_their_gradients_are_pytorchs(name):
    discrete = name.startswith(("Categorical", "Bernoulli", "Geometric", "Binomial", "Negative", "Poisson", "OneHot"))
    detached = discrete or name.startswith("Multinomial")
    assert assert_same(name, lambda b: b.distribution.log_prob(b.values().detach() if detached else b.values())) is None


@each_row
def test_entropies_and_their_gradients_are_pytorchs(name):
    assert_same(name, lambda b: b.distribution.entropy())


@each_row
@pytest.mark.parametrize("fact", FACTS)
def test_moments_and_their_gradients_are_pytorchs(name, fact):
    if fact not in ROWS[name].lacks:
        assert_same(name, lambda b: getattr(b.distribution, fact))


def test_the_mode_of_a_kumaraswamy_distribution_is_where_its_density_peaks():
    """PyTorch's formula takes the logarithm of a negative number."""
    d = nbautograd.distributions.Kumaraswamy(nbautograd.tensor(2.0), nbautograd.tensor(3.0))
    x = nbautograd.linspace(0.001, 0.999, 999)
    assert d.mode.item() == pytest.approx(x[d.log_prob(x).argmax()].item(), abs=1e-3)


@each_row
def test_cumulative_probabilities_are_pytorchs(name):
    frozen = "cdf gradients" in ROWS[name].lacks  # PyTorch has no gradient for the concentration
    assert_same(name, lambda b: b.distribution.cdf(b.values()).detach() if frozen else b.distribution.cdf(b.values()))


@each_row
def test_quantiles_are_pytorchs(name):
    assert_same(name, lambda b: b.distribution.icdf(b.leaf(SHARE)))


@each_row
def test_all_values_are_listed_as_pytorch_lists_them(name):
    assert_same(name, lambda b: b.distribution.enumerate_support())
    assert_same(name, lambda b: b.distribution.enumerate_support(expand=False))


@each_row
def test_a_distribution_has_pytorchs_shapes_and_prints_as_its_does(name):
    torch = pytest.importorskip("torch")
    ours, theirs = (Built(library, name).distribution for library in (nbautograd, torch))
    for facts in ("batch_shape", "event_shape"):
        assert tuple(getattr(ours, facts)) == tuple(getattr(theirs, facts))
    assert ours.has_rsample == theirs.has_rsample
    assert repr(ours) == repr(theirs)
    assert repr(ours.support).split("(")[0] == repr(theirs.support).split("(")[0]
    assert ours.support.event_dim == theirs.support.event_dim


@each_row
def test_an_expanded_distribution_is_the_same_again_and_again(name):
    built = Built(nbautograd, name)
    batch = (2, *built.distribution.batch_shape)
    wide = built.distribution.expand(batch)
    assert tuple(wide.batch_shape) == batch
    assert tuple(wide.sample((5,)).shape) == (5, *batch, *wide.event_shape)
    value = built.distribution.sample()
    narrow = built.distribution.log_prob(value)
    np.testing.assert_allclose(
        wide.log_prob(value).detach().numpy(), np.broadcast_to(narrow.detach().numpy(), batch), 1e-12
    )


@each_row
def test_draws_have_the_moments_that_are_told(name):
    nbautograd.manual_seed(1)
    d = Built(nbautograd, name).distribution
    draws = d.sample((4000,))
    assert not draws.requires_grad
    assert tuple(draws.shape) == (4000, *d.batch_shape, *d.event_shape)
    assert d.support is None or bool(d.support.check(draws).all())
    try:
        mean, variance = (x.detach().numpy() for x in (d.mean, d.variance))
    except NotImplementedError:
        return
    with np.errstate(invalid="ignore"):
        error = np.abs(draws.numpy().mean(0) - mean) / np.sqrt(variance / 4000)
    known = np.isfinite(mean) & np.isfinite(variance) & (name not in ("Pareto", "FisherSnedecor", "InverseGamma"))
    assert (error[known] < 5).all()


@each_row
def test_a_draws_gradient_keeps_its_cumulative_probability(name):
    """dx/dθ = −(∂F/∂θ)/(∂F/∂x), with PyTorch's F, where it has one."""
    torch = pytest.importorskip("torch")
    nbautograd.manual_seed(0)
    ours, theirs = (Built(library, name) for library in (nbautograd, torch))
    if not ours.distribution.has_rsample or ours.distribution.event_shape or "cdf gradients" in ours.row.lacks:
        pytest.skip("drawn otherwise")
    x = ours.distribution.rsample()
    leaf = theirs.leaf(x.detach().numpy())
    try:
        below = theirs.distribution.cdf(leaf)
    except NotImplementedError:
        pytest.skip("PyTorch has no cdf")
    *parameters, density = torch.autograd.grad(below.sum(), theirs.leaves, allow_unused=True)
    if ours.leaves and x.requires_grad:
        found = nbautograd.autograd.grad(x.sum(), ours.leaves, allow_unused=True)
        for ours_, leaf_, theirs_ in zip(found, ours.leaves, parameters, strict=True):
            if leaf_.shape == x.shape:
                np.testing.assert_allclose(ours_.numpy(), -(theirs_ / density).numpy(), rtol=1e-5, atol=1e-8)


def test_draws_of_gamma_and_dirichlet_depend_on_their_parameters_as_in_pytorch():
    torch = pytest.importorskip("torch")
    nbautograd.manual_seed(0)
    a = nbautograd.tensor([[0.05, 0.3, 1.0], [2.5, 10.0, 200.0]] * 5, dtype=nbautograd.float64, requires_grad=True)
    x = nbautograd.distributions.Gamma(a, 1.0).rsample()
    (ours,) = nbautograd.autograd.grad(x.sum(), [a])
    theirs = torch._standard_gamma_grad(torch.tensor(a.detach().numpy()), torch.tensor(x.detach().numpy()))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-3, atol=1e-12)

    a = nbautograd.tensor([[0.3, 1.0, 4.0], [2.5, 10.0, 20.0]] * 5, dtype=nbautograd.float64, requires_grad=True)
    x = nbautograd.distributions.Dirichlet(a).rsample()
    weights = nbautograd.tensor([1.0, -2.0, 0.5], dtype=nbautograd.float64)
    (ours,) = nbautograd.autograd.grad((x * weights).sum(), [a])
    theirs_a, theirs_x = (torch.tensor(t.detach().numpy()) for t in (a, x))
    slope = torch._dirichlet_grad(theirs_x, theirs_a, theirs_a.sum(-1, True).expand_as(theirs_a))
    g = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    theirs = slope * (g - (theirs_x * g).sum(-1, True))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=5e-3, atol=1e-6)


def test_a_second_derivative_through_a_gamma_draw_is_refused_as_in_pytorch():
    a = nbautograd.tensor([2.0], requires_grad=True)
    x = nbautograd.distributions.Gamma(a, 1.0).rsample()
    with pytest.raises(RuntimeError, match="the derivative for '_standard_gamma_grad' is not implemented"):
        nbautograd.autograd.grad(x.sum(), [a], create_graph=True)


def test_a_generalised_pareto_distribution_tells_what_pytorchs_tells():
    """In single precision: PyTorch compares the concentration with a number of the default dtype."""
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        leaves = [
            library.tensor(values, requires_grad=True)
            for values in ([0.05, -0.1, 0.0, 0.01], [1.0, 2.0, 3.0, 0.5], [0.2, 0.0, -0.5, 1.5])
        ]
        d = library.distributions.GeneralizedPareto(*leaves)
        value = library.tensor([[0.5, 1.3, 2.5, 9.0], [0.1, 3.7, 1.1, 0.02]], requires_grad=True)
        shares = library.tensor([0.25, 0.5, 0.9, 0.01])
        facts = [d.log_prob(value), d.log_survival_function(value), d.log_cdf(value), d.cdf(value), d.icdf(shares)]
        facts += [d.entropy(), d.mode, d.mean[:3], d.variance[:3]]
        grads = [library.autograd.grad(f.sum(), [*leaves, value], allow_unused=True, retain_graph=True) for f in facts]
        found.append([x.detach().numpy() for x in (*facts, *sum(grads, ())) if x is not None])
        assert repr(d.support).startswith("Interval(")
        assert bool(library.isnan(d.mean[3]) & library.isnan(d.variance[3]))
        assert bool(d.support.check(d.rsample((100,))).all())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, 2e-5, 1e-6)


def test_more_degrees_of_freedom_than_dimensions_make_matrices_that_can_be_inverted():
    with pytest.warns(UserWarning, match="Low df values detected"):
        d = nbautograd.distributions.Wishart(2.01, nbautograd.eye(3, dtype=nbautograd.float64))
    nbautograd.manual_seed(0)
    assert bool(d.support.check(d.sample((200,))).all())
    with pytest.raises(ValueError, match="Value of df=2 expected to be greater than ndim - 1 = 2"):
        nbautograd.distributions.Wishart(2, nbautograd.eye(3))
    with pytest.raises(AssertionError, match="Exactly one of covariance_matrix"):
        nbautograd.distributions.Wishart(4)


def test_angles_lie_around_their_mean_direction_as_often_as_told():
    nbautograd.manual_seed(0)
    d = nbautograd.distributions.VonMises(nbautograd.tensor([3.0, 0.5]), nbautograd.tensor([0.4, 1e-6]))
    draws = d.sample((20_000,))
    assert bool((draws.abs() <= 3.1416).all())
    points = draws.cos().mean(0), draws.sin().mean(0)
    length = nbautograd.hypot(*points)
    np.testing.assert_allclose(1 - length.numpy(), d.variance.numpy(), atol=0.02)
    assert nbautograd.atan2(points[1], points[0])[0].item() == pytest.approx(3.0, abs=0.1)


def test_the_same_seed_draws_the_same():
    d = nbautograd.distributions.Beta(nbautograd.ones(3), 2.0)
    draws = []
    for _ in range(2):
        nbautograd.manual_seed(3)
        draws.append(d.sample((2,)).tolist())
    assert draws[0] == draws[1]


BAD = {
    "scale": lambda d, t: d.Normal(t([0.0]), t([-1.0])),
    "nan": lambda d, t: d.Normal(t([float("nan"), 1.0]), 1.0),
    "low above high": lambda d, t: d.Uniform(t([1.0]), t([0.0])),
    "probability": lambda d, t: d.Bernoulli(t([1.5])),
    "both": lambda d, t: d.Bernoulli(t([0.5]), t([0.5])),
    "neither": lambda d, t: d.Categorical(),
    "no dimension": lambda d, t: d.Categorical(t(0.5)),
    "negative probabilities": lambda d, t: d.Categorical(t([0.5, -0.5, 1.0])),
    "zero probability": lambda d, t: d.Geometric(t([0.0])),
    "a string": lambda d, t: d.Normal("0", 1.0),
    "covariance": lambda d, t: d.MultivariateNormal(t([0.0, 0.0]), t([[1.0, 2.0], [2.0, 1.0]])),
    "two forms": lambda d, t: d.MultivariateNormal(t([0.0]), t([[1.0]]), t([[1.0]])),
    "class number": lambda d, t: d.Categorical(t([0.5, 0.5])).log_prob(t(2.0)),
    "outside": lambda d, t: d.Exponential(t([1.0])).log_prob(t([-1.0])),
    "not a tensor": lambda d, t: d.Laplace(t([1.0]), 1.0).log_prob(1.0),
    "event shape": lambda d, t: d.Dirichlet(t([1.0, 1.0])).log_prob(t([0.2, 0.2, 0.6])),
    "batch shape": lambda d, t: d.Normal(t([1.0, 1.0]), 1.0).log_prob(t([0.2, 0.2, 0.6])),
    "too many dimensions": lambda d, t: d.Independent(d.Normal(t([1.0, 1.0]), 1.0), 2),
    "count": lambda d, t: d.Binomial(3, t([0.5])).log_prob(t([4.0])),
    "one hot": lambda d, t: d.OneHotCategorical(t([0.5, 0.5])).log_prob(t([1.0, 1.0])),
    "shape": lambda d, t: d.ReshapeTransform((2, 3), (5,)),
    "no formula": lambda d, t: d.kl_divergence(d.Cauchy(0.0, 1.0), d.Normal(0.0, 1.0)),
    "a mixture's weights": lambda d, t: d.MixtureSameFamily(d.Categorical(t([0.5, 0.5])), d.Normal(t([1.0] * 3), 1.0)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_parameters_and_values_get_pytorchs_error(bad):
    torch = pytest.importorskip("torch")
    texts = []
    for library in (nbautograd, torch):
        with pytest.raises(Exception, match=r".") as caught:
            bad(library.distributions, library.tensor)
        texts.append((caught.type, str(caught.value).split("\n  hint")[0]))
    assert texts[0] == texts[1]


def test_validation_is_left_out_on_request():
    d = nbautograd.distributions.Normal(nbautograd.tensor([0.0]), nbautograd.tensor([-1.0]), validate_args=False)
    assert d.scale.item() == -1
    nbautograd.distributions.Distribution.set_default_validate_args(False)
    try:
        nbautograd.distributions.Bernoulli(nbautograd.tensor([1.5]))
    finally:
        nbautograd.distributions.Distribution.set_default_validate_args(True)


def test_a_distribution_of_ones_own():
    d = nbautograd.distributions

    class Triangle(d.Distribution):
        arg_constraints = {"width": d.constraints.positive}  # noqa: RUF012
        has_rsample = True

        def __init__(self, width):
            self.width = width
            super().__init__(width.shape)

        @d.constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return d.constraints.interval(0.0, self.width)

        def rsample(self, sample_shape=()):
            return self.width * nbautograd.rand(self._extended_shape(sample_shape)).sqrt()

    triangle = Triangle(nbautograd.tensor([1.0, 2.0], requires_grad=True))
    assert tuple(triangle.expand((3, 2)).sample((4,)).shape) == (4, 3, 2)
    assert triangle.rsample().requires_grad
    with pytest.raises(ValueError, match="Expected parameter width"):
        Triangle(nbautograd.tensor([-1.0]))
