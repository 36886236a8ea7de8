"""Modules on several devices, which here is one: `DataParallel` runs its module as a torch on a CPU does."""

from __future__ import annotations

from typing import Any

from nbautograd.core.absent import refuse_in
from nbautograd.core.device import device
from nbautograd.core.tensor import Tensor

from .module import Module


class DataParallel(Module):
    """`module` as it is, under the name `module`: one device takes the whole batch.

    torch on a CPU does the same. Weights are saved as `module.weight`, as torch saves them.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """Refused: programs import it, and make one only when they run as several processes."""

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        raise ValueError(
            "Default process group has not been initialized, and cannot be: nbautograd runs in one process.\n"
            "  hint: use the module as it is, or DataParallel(module), which adds the same `module.` to its names"
        )


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> Any:
    """A batch in pieces, one for each GPU; lists, tuples and dictionaries of tensors become one such for each GPU.

    Gradients flow back to the whole batch. What is no tensor goes to every GPU as it is.

    Raises: ValueError for a device that is no GPU.
    """
    devices = [device("cuda", d) if isinstance(d, int) else device(d) for d in target_gpus]
    others = [d for d in devices if d.type == "cpu"]
    if others:
        raise ValueError(
            f"Expected a non cpu device, but got: {others[0]}\n"
            "  hint: on one device there is nothing to hand out: use the batch as it is"
        )
    return _pieces(inputs, devices, dim)


def _pieces(x: Any, devices: list[Any], dim: int) -> Any:
    if isinstance(x, Tensor):
        return tuple(piece.to(d) for piece, d in zip(x.chunk(len(devices), dim), devices, strict=False))
    if isinstance(x, tuple | list) and x:
        made = type(x)._make if hasattr(x, "_make") else type(x)
        return [made(parts) for parts in zip(*(_pieces(y, devices, dim) for y in x), strict=False)]
    if isinstance(x, dict) and x:
        return [type(x)(parts) for parts in zip(*(_pieces(item, devices, dim) for item in x.items()), strict=False)]
    return [x for _ in devices]


__getattr__ = refuse_in("nn.parallel")
