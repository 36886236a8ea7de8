"""Layers that learn the size of their input from the first one they see."""

from __future__ import annotations

from typing import Any, ClassVar

from nbautograd.core.grad_mode import no_grad

from .module import Module
from .parameter import is_lazy


class LazyModule(Module):
    """Stands before a layer's class among the bases; the layer becomes `becomes` once its sizes are known."""

    becomes: ClassVar[type[Module]]

    def materialize(self, input: Any) -> None:
        """Give all parameters the shapes that this first input asks for."""
        raise NotImplementedError

    def has_uninitialized_params(self) -> bool:
        """Whether the sizes are still unknown."""
        return any(is_lazy(param) for param in self._parameters.values())

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have a shape."""
        if not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.has_uninitialized_params():
            with no_grad():
                self.materialize(args[0])
                self.reset_parameters()
        self.__class__ = self.becomes  # type: ignore[assignment]
        return self(*args, **kwargs)
