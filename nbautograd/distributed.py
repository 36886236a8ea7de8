"""torch.distributed: several processes. There is one here, and this says so, as a torch built without it does.

Programs import these names at their top, and call them only when they were started as several processes.
"""

from __future__ import annotations

from typing import Any, NoReturn

from nbautograd.core.absent import refuse_in


def is_available() -> bool:
    """False: a program runs in one process."""
    return False


def is_initialized() -> bool:
    """False: there is no group of processes."""
    return False


def is_torchelastic_launched() -> bool:
    """False: `torchrun` starts nothing here."""
    return False


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused: there is one process."""
    raise ValueError(
        "Default process group has not been initialized, and cannot be: nbautograd runs in one process.\n"
        "  hint: ask torch.distributed.is_initialized() first, as programs do that run alone too"
    )


init_process_group = destroy_process_group = _refuse
get_rank = get_world_size = get_backend = new_group = _refuse
barrier = all_reduce = all_gather = broadcast = reduce = gather = scatter = send = recv = _refuse

__getattr__ = refuse_in("distributed")
