"""Exponential families: distributions whose entropies and divergences follow from one function, by its derivative."""

from __future__ import annotations

from typing import Any

from nbautograd.autograd import grad
from nbautograd.core.tensor import Tensor

from .distribution import Distribution
from .utils import broadcast_shapes


class ExponentialFamily(Distribution):
    """A distribution of the form p(x) = exp(⟨t(x), θ⟩ − F(θ) + k(x)).

    A subclass has `_natural_params` (θ, a tuple of tensors), `_log_normalizer(*θ)` (F) and `_mean_carrier_measure`
    (the mean of k); its entropy and divergences come from the gradient of F, which is the mean of t(x).

    Source: Nielsen and Nock 2010, *Entropies and cross-entropies of exponential families*.
    Example:
        >>> import nbautograd as torch
        >>> d = torch.distributions.Exponential(torch.tensor(2.0))
        >>> torch.distributions.ExponentialFamily.entropy(d), d.entropy()
        (tensor(0.3069, grad_fn=<SubBackward0>), tensor(0.3069))
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """How uncertain a draw is, in nats.

        Math: H = F(θ) − ⟨θ, ∇F(θ)⟩ − E[k(x)]
        """
        carrier = self._mean_carrier_measure
        params, normalizer, slopes = means_of(self)
        result = normalizer - carrier
        for param, slope in zip(params, slopes, strict=True):
            result = result - over_events(param * slope, self._batch_shape)
        return result


def means_of(p: ExponentialFamily) -> tuple[list[Tensor], Tensor, Any]:
    """The natural parameters, F of them, and its gradient: the mean of t(x)."""
    params = [x if x.requires_grad else x.detach().requires_grad_() for x in p._natural_params]
    normalizer = p._log_normalizer(*params)
    return params, normalizer, grad(normalizer.sum(), params, create_graph=True)


def over_events(value: Tensor, batch_shape: Any) -> Tensor:
    """The sum over all that comes behind the batch."""
    return value.reshape((*batch_shape, -1)).sum(-1)


def bregman(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """The divergence of two of one family.

    Math: F(θ_q) − F(θ_p) − ⟨θ_q − θ_p, ∇F(θ_p)⟩
    Raises: NotImplementedError for two families.
    """
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed using Bregman "
            "divergences"
        )
    params, normalizer, slopes = means_of(p)
    result = q._log_normalizer(*q._natural_params) - normalizer
    batch = broadcast_shapes(p.batch_shape, q.batch_shape)
    for own, other, slope in zip(params, q._natural_params, slopes, strict=True):
        result = result - over_events((other - own) * slope, batch)
    return result
