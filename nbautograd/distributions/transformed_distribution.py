"""A distribution seen through transformations of its draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbautograd.core.grad_mode import no_grad
from nbautograd.core.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .independent import Independent
from .transform import ComposeTransform, Transform
from .utils import sum_last


class TransformedDistribution(Distribution):
    """The distribution of f(x), for x from a base distribution and f one transform or several in a row.

    Math: log p(y) = log p(x) − log |dy/dx|
    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.distributions import AffineTransform, Normal, TransformedDistribution
        >>> shifted = TransformedDistribution(Normal(0.0, 1.0), AffineTransform(loc=3.0, scale=2.0))
        >>> shifted.log_prob(torch.tensor(3.0))
        tensor(-1.6121)
    """

    _parts = ("base_dist",)

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        whole = ComposeTransform(self.transforms)
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        needed = whole.domain.event_dim
        if len(base_shape) < needed:
            raise ValueError(
                f"base_distribution needs to have shape with size at least {needed}, but got {base_shape}."
            )
        shape = whole.forward_shape(base_shape)
        base = base_distribution.expand(_base_batch(whole, shape, base_distribution))
        more = needed - len(base.event_shape)
        self.base_dist = Independent(base, more) if more > 0 else base
        event_dim = max(
            whole.codomain.event_dim, len(base.event_shape) + whole.codomain.event_dim - whole.domain.event_dim
        )
        cut = len(shape) - event_dim
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    @property
    def has_rsample(self) -> bool:
        """Whether gradients flow through draws: as for the base."""
        return self.base_dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:
        """What the last transform gives."""
        if not self.transforms:
            return self.base_dist.support
        found = self.transforms[-1].codomain
        more = len(self.event_shape) - found.event_dim
        return constraints.independent(found, more) if more > 0 else found

    def _through(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._through(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        event_dim = len(self.event_shape)
        log_prob: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            stretch = transform.log_abs_det_jacobian(x, y)
            log_prob = log_prob - sum_last(stretch, event_dim - transform.domain.event_dim)
            y = x
        return log_prob + sum_last(self.base_dist.log_prob(y), event_dim - len(self.base_dist.event_shape))

    def _rising(self, probability: Tensor) -> Tensor:
        """`probability`, or one minus it where the transforms turn the order round."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return probability if isinstance(sign, int) and sign == 1 else sign * (probability - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._rising(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._through(self.base_dist.icdf(self._rising(value)))


def _base_batch(whole: Transform, shape: Any, base: Distribution) -> Any:
    """The batch shape that the base needs where the transforms' parameters make a larger batch."""
    wanted = whole.inverse_shape(shape)
    return wanted[: len(wanted) - len(base.event_shape)]
