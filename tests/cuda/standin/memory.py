"""Memory of a GPU that is not there: blocks from a pool, which are handed out full of rubbish and again once freed."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

TOTAL = 1 << 34
"""The bytes that the device is said to have."""
ROUND = 512
RUBBISH = 0xFF
"""What fills memory that nobody has written to: NaN in floating point."""


class OutOfMemoryError(MemoryError):
    """CuPy's: more was asked for than the device has."""


class Block:
    """Some bytes of the device; they go back to the pool when nobody refers to them."""

    def __init__(self, pool: MemoryPool, size: int, device_id: int) -> None:
        self.pool, self.size, self.device_id = pool, size, device_id
        self.bytes = pool._take(size, device_id)
        self.bytes.fill(RUBBISH)

    def __del__(self) -> None:
        self.pool._give(self.bytes, self.device_id)


class MemoryPointer:
    """A place in a block."""

    def __init__(self, mem: Any, offset: int) -> None:
        self.mem, self._offset = mem, offset

    @property
    def ptr(self) -> int:
        return self.mem.bytes.ctypes.data + self._offset

    @property
    def device_id(self) -> int:
        return self.mem.device_id

    @property
    def device(self) -> Any:
        from .machine import Device

        return Device(self.mem.device_id)


class MemoryPool:
    """Hands out blocks, and hands a freed one out again before it asks the device for another."""

    def __init__(self, allocator: Any = None) -> None:
        self._free: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
        self._used: dict[int, int] = defaultdict(int)

    def malloc(self, size: int) -> MemoryPointer:
        from .machine import machine

        size = -(-max(size, 1) // ROUND) * ROUND
        for hook in list(_hooks.values()):
            hook.malloc_preprocess(device_id=machine.device, size=size, mem_size=size)
        block = Block(self, size, machine.device)
        pointer = MemoryPointer(block, 0)
        for hook in list(_hooks.values()):
            hook.malloc_postprocess(
                device_id=machine.device, size=size, mem_size=size, mem_ptr=pointer.ptr, pmem_id=id(block)
            )
        return pointer

    def _take(self, size: int, device_id: int) -> np.ndarray:
        self._used[device_id] += size
        freed = self._free[device_id, size]
        if not freed and self.total_bytes() + size > TOTAL:
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
        return freed.pop() if freed else np.empty(size, np.uint8)

    def _give(self, memory: np.ndarray, device_id: int) -> None:
        self._used[device_id] -= memory.nbytes
        self._free[device_id, memory.nbytes].append(memory)

    def used_bytes(self) -> int:
        from .machine import machine

        return self._used[machine.device]

    def free_bytes(self) -> int:
        from .machine import machine

        return sum(size * len(held) for (where, size), held in self._free.items() if where == machine.device)

    def total_bytes(self) -> int:
        return self.used_bytes() + self.free_bytes()

    def free_all_blocks(self, stream: Any = None) -> None:
        self._free.clear()


class MemoryHook:
    """What is told of every allocation while it is entered."""

    name = "MemoryHook"

    def __enter__(self) -> MemoryHook:
        if self.name in _hooks:
            raise KeyError(f"memory hook {self.name} already exists")
        _hooks[self.name] = self
        return self

    def __exit__(self, *exc: object) -> None:
        del _hooks[self.name]

    def malloc_preprocess(self, **facts: Any) -> None: ...

    def malloc_postprocess(self, **facts: Any) -> None: ...


_hooks: dict[str, MemoryHook] = {}
default_pool = MemoryPool()


class _Allocators(threading.local):
    def __init__(self) -> None:
        self.within: list[Any] = []


_allocators = _Allocators()


def alloc(size: int) -> MemoryPointer:
    return (_allocators.within[-1] if _allocators.within else default_pool.malloc)(size)


@contextlib.contextmanager
def using_allocator(allocator: Any = None) -> Iterator[None]:
    _allocators.within.append(allocator or default_pool.malloc)
    try:
        yield
    finally:
        _allocators.within.pop()
