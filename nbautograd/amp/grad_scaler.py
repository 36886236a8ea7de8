"""Scaling the loss, so that small gradients do not vanish in half precision."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.device import gpu_count
from nbautograd.core.dtype import float16
from nbautograd.core.tensor import Tensor


class _Stage(enum.Enum):
    READY = 0
    UNSCALED = 1
    STEPPED = 2


class _Progress:
    """What has happened to one optimizer since the last `update`."""

    def __init__(self) -> None:
        self.stage = _Stage.READY
        self.found_inf: bool | None = None


class GradScaler:
    """Multiplies the loss by a large number, divides the gradients by it before the optimizer's step, skips the step
    when one of them is infinite or NaN, and then takes a smaller number; after many good steps, a larger one.

    Example:
        >>> import nbautograd as torch
        >>> w = torch.ones(1, requires_grad=True)
        >>> optimizer = torch.optim.SGD([w], lr=0.1)
        >>> scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        >>> scaler.scale((w * 2).sum()).backward()
        >>> w.grad
        tensor([8.])
        >>> _ = scaler.step(optimizer)
        >>> scaler.update()
        >>> w
        tensor([0.8000], requires_grad=True)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda" and not gpu_count():
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if self._enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if self._enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Tensor | None = None
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._progress: dict[int, _Progress] = {}

    # --- one step of training ---

    def scale(self, outputs: Any) -> Any:
        """`outputs` (a tensor, or an iterable of them) times the scale.

        Raises: ValueError for anything else.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            if self._scale is None:
                self._scale = wrap(np.float32(self._init_scale)).to(outputs.device)
            return outputs * self._scale.to(outputs.device)
        if isinstance(outputs, Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled  # type: ignore[call-arg]
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the scale, so that they can be looked at or clipped.

        Raises: RuntimeError when that was done already since the last `update`, or when `step` was.
        """
        if not self._enabled:
            return
        scale = self._started("unscale_")
        progress = self._of(optimizer)
        if progress.stage is _Stage.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if progress.stage is _Stage.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        found = [_unscale(g, np.float32(1 / np.float64(scale.item()))) for g in gradients]
        progress.found_inf = any(found) if found else None
        progress.stage = _Stage.UNSCALED

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale the gradients unless that was done, and let the optimizer step unless one of them is not finite.

        Raises: RuntimeError for a closure, and when `step` was called already since the last `update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._started("step")
        progress = self._of(optimizer)
        if progress.stage is _Stage.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if progress.stage is _Stage.READY:
            self.unscale_(optimizer)
        if progress.found_inf is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = None if progress.found_inf else optimizer.step(*args, **kwargs)
        progress.stage = _Stage.STEPPED
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Choose the scale of the next step: `new_scale`, or a smaller or larger one by what the gradients were."""
        if not self._enabled:
            return
        scale = self._started("update")
        if new_scale is not None:
            inplace.write(scale, np.float32(_one_float(new_scale)))
        else:
            found = [p.found_inf for p in self._progress.values() if p.found_inf is not None]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            self._adapt(scale, any(found))
        self._progress = {}

    def _adapt(self, scale: Tensor, found_inf: bool) -> None:
        factor = 1.0
        self._growth_tracker += 1
        if found_inf:
            factor, self._growth_tracker = self._backoff_factor, 0
        elif self._growth_tracker == self._growth_interval:
            factor, self._growth_tracker = self._growth_factor, 0
        grown = np.float32(scale.item() * factor)
        if np.isfinite(grown):
            inplace.write(scale, grown)

    def _of(self, optimizer: Any) -> _Progress:
        return self._progress.setdefault(id(optimizer), _Progress())

    def _started(self, function: str) -> Tensor:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {function} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale

    # --- settings ---

    def is_enabled(self) -> bool:
        """Whether anything is scaled at all."""
        return self._enabled

    def get_scale(self) -> float:
        """The scale now; 1.0 when disabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after `growth_interval` good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Change what `get_growth_factor` returns."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a step that was skipped."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Change what `get_backoff_factor` returns."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Change what `get_growth_interval` returns."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        return self._growth_tracker if self._enabled else 0

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on from here; empty when disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict()` returned.

        Raises: RuntimeError for an empty one.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            inplace.write(self._scale, np.float32(self._init_scale))
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]

    def __getstate__(self) -> dict[str, Any]:
        if self._enabled and self._progress:
            raise AssertionError(
                "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after "
                "scaler.update()."
            )
        return {**self.__dict__, "_init_scale": self.get_scale() if self._enabled else self._init_scale, "_scale": None}


def _unscale(gradient: Tensor, factor: Any) -> bool:
    """Multiply `gradient` by `factor` in place; whether it held anything infinite or NaN.

    Raises: ValueError for float16, in which the result may vanish again.
    """
    if gradient.dtype is float16:
        raise ValueError(
            "Attempting to unscale FP16 gradients.\n"
            "  hint: keep the parameters in float32; autocast casts them where half precision is safe"
        )
    data = gradient._data
    finite = bool(library_of(data).isfinite(data).all())
    if isinstance(data, np.generic):
        inplace.write(gradient, data * data.dtype.type(factor))
    else:
        data = inplace.writable(gradient)
        data *= data.dtype.type(factor)
        inplace.touched(gradient)
    return not finite


def _one_float(value: Any) -> float:
    if isinstance(value, float):
        return value
    if not isinstance(value, Tensor) or value.numel() != 1 or value.requires_grad:
        raise AssertionError(
            "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with "
            "requires_grad=False."
        )
    return value.item()
