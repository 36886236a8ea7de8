"""What every constraint has."""

from __future__ import annotations

from nbautograd.core.modes import state
from nbautograd.core.tensor import Tensor


class Constraint:
    """The base of all constraints."""

    is_discrete: bool = False
    event_dim: int = 0
    _on_arrays: bool = False
    """Whether `check` takes arrays too, unless a bound is a tensor; that is several times faster."""

    def check(self, value: Tensor) -> Tensor:
        """Which events in `value` are valid."""
        raise NotImplementedError

    def holds(self, value: Tensor) -> bool:
        """Whether all events in `value` are valid."""
        plain = (
            self._on_arrays and state.observer is None and not any(isinstance(b, Tensor) for b in vars(self).values())
        )
        return bool(self.check(value._data if plain else value).all())  # type: ignore[arg-type]

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items() if name[0] != "_")
        return f"{type(self).__name__}({bounds})"
