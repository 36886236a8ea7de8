"""Modules on several devices, which here is one: `DataParallel` runs its module as a torch on a CPU does."""

from __future__ import annotations

from typing import Any

from nbautograd.core.absent import refuse_in

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


__getattr__ = refuse_in("nn.parallel")
