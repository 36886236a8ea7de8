"""Batches of a data set, prepared by threads where asked.

NOTE [Workers]
torch's workers are processes. Here they are threads: they share memory, need no pickling, work in notebooks on every
system, and the NumPy and file operations of a data set let go of the interpreter while they run. Batches come in the
same order as without workers.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, batches


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker a data set is read by."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Local(threading.local):
    info: WorkerInfo | None = None


_local = _Local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker reads just now; None in the main thread."""
    return _local.info


class DataLoader:
    """Batches of a data set, shuffled if asked, again and again.

    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.utils.data import DataLoader, TensorDataset
        >>> loader = DataLoader(TensorDataset(torch.arange(5)), batch_size=2)
        >>> [batch for (batch,) in loader]
        [tensor([0, 1]), tensor([2, 3]), tensor([4])]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.streams = isinstance(dataset, IterableDataset)
        _check_order(self.streams, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.pin_memory = pin_memory
        self.persistent_workers = persistent_workers
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None and not self.streams:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None and not self.streams:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler: Any = sampler
        self.batch_sampler: Any = batch_sampler
        in_batches = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if in_batches else default_convert)

    def __len__(self) -> int:
        if self.streams:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            full, rest = divmod(count, self.batch_size)
            return full if self.drop_last else full + bool(rest)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return map(self.collate_fn, self._stream()) if self.streams else map(self._fetch, self._numbers())
        return self._by_workers()

    def _numbers(self) -> Iterator[Any]:
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _fetch(self, numbers: Any) -> Any:
        """The batch of the samples with these numbers; all at once where the data set has `__getitems__`."""
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[numbers])
        if getattr(self.dataset, "__getitems__", None):
            return self.collate_fn(self.dataset.__getitems__(numbers))
        return self.collate_fn([self.dataset[i] for i in numbers])

    def _stream(self) -> Iterator[Any]:
        """Uncollated batches (or samples) of a stream."""
        samples = iter(self.dataset)
        return samples if self.batch_size is None else batches(samples, self.batch_size, self.drop_last)

    def _by_workers(self) -> Iterator[Any]:
        """Batches prepared ahead by threads; see NOTE [Workers]."""
        names = iter(range(self.num_workers))
        lock = threading.Lock()

        def begin() -> None:
            with lock:
                number = next(names)
            _local.info = WorkerInfo(number, self.num_workers, number, self.dataset)
            if self.worker_init_fn is not None:
                self.worker_init_fn(number)

        with ThreadPoolExecutor(self.num_workers, "nbautograd-loader", begin) as pool:
            jobs = self._stream_jobs() if self.streams else (lambda n=n: self._fetch(n) for n in self._numbers())
            ahead: deque[Future[Any]] = deque()
            try:
                for job in jobs:
                    ahead.append(pool.submit(job))
                    if len(ahead) >= self.num_workers * (self.prefetch_factor or 2):
                        yield from self._result(ahead)
                while ahead:
                    yield from self._result(ahead)
            finally:
                for future in ahead:
                    future.cancel()

    def _result(self, ahead: deque[Future[Any]]) -> Iterator[Any]:
        try:
            result = ahead.popleft().result(self.timeout or None)
        except TimeoutError:
            raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds") from None
        if result is not _END:
            yield result

    def _stream_jobs(self) -> Iterator[Callable[[], Any]]:
        """Jobs that read a stream, each worker its own pass over the data set, in turns."""
        readers: dict[int, Any] = {}
        locks = [threading.Lock() for _ in range(self.num_workers)]
        open_readers = set(range(self.num_workers))

        def read(number: int) -> Any:
            info = WorkerInfo(number, self.num_workers, number, self.dataset)
            with locks[number], _as_worker(info):
                if number not in readers:
                    readers[number] = self._stream()
                batch = next(readers[number], _END)
                if batch is _END:
                    open_readers.discard(number)
                    return _END
                return self.collate_fn(batch)

        while open_readers:
            for number in sorted(open_readers):
                yield lambda number=number: read(number)


_END: Any = object()
"""What a worker gives when its part of a stream is over."""


@contextlib.contextmanager
def _as_worker(info: WorkerInfo) -> Iterator[None]:
    before, _local.info = _local.info, info
    try:
        yield
    finally:
        _local.info = before


def _check_workers(count: int, timeout: float, prefetch: int | None, persistent: bool) -> None:
    if count < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if count == 0 and prefetch is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
            "multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch is not None and prefetch < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and count == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_order(
    streams: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if streams:
        if shuffle not in (False, None):
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle={shuffle}"
            )
        for name, given in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if given is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={given}"
                )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_sampler is None and batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
