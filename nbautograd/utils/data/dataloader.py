"""Batches of a data set, prepared by threads where asked.

NOTE [Workers]
torch's workers are processes. Here they are threads: they share memory, need no pickling, work in notebooks on every
system, and the NumPy and file operations of a data set let go of the interpreter while they run. Batches come in the
same order as without workers.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from nbautograd.core.public import FUNCTIONS

from .collate import default_collate, default_convert
from .dataset import IterableDataset, rows_of, samples_of
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
        self.pin_memory_device = pin_memory_device
        self.persistent_workers = persistent_workers
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
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
        self._workers: Workers | None = None
        self._told_length: int | None = None
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and getattr(self, "_made", False):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        if not self.streams:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        self._told_length = count = len(self.dataset)
        if self.batch_size is None:
            return count
        full, rest = divmod(count, self.batch_size)
        return full if self.drop_last else full + bool(rest)

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers:
            return self._by_workers()
        return map(self.collate_fn, self._stream()) if self.streams else map(self._fetch, self._numbers())

    def _numbers(self) -> Iterator[Any]:
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _fetch(self, numbers: Any) -> Any:
        """The batch of the samples with these numbers; all at once where the data set has `__getitems__`."""
        if self.batch_sampler is None:
            return self.collate_fn(self.dataset[numbers])
        if self.collate_fn is default_collate and (columns := rows_of(self.dataset, numbers)) is not None:
            return columns
        return self.collate_fn(samples_of(self.dataset, numbers))

    def _stream(self) -> Iterator[Any]:
        """Uncollated batches (or samples) of a stream."""
        samples = self._counted(iter(self.dataset)) if self._told_length is not None else iter(self.dataset)
        return samples if self.batch_size is None else batches(samples, self.batch_size, self.drop_last)

    def _counted(self, samples: Iterator[Any]) -> Iterator[Any]:
        """The samples of a stream, with a warning when there are more of them than it told."""
        for count, sample in enumerate(samples, 1):
            if self._told_length is not None and count > self._told_length:
                warnings.warn(
                    f"Length of IterableDataset {self.dataset} was reported to be {self._told_length} (when accessing "
                    f"len(dataloader)), but {count} samples have been fetched. ",
                    stacklevel=2,
                )
            yield sample

    def _by_workers(self) -> Iterator[Any]:
        """Batches prepared ahead by threads; see NOTE [Workers]."""
        workers = self._workers or Workers(self)
        if self.persistent_workers:
            self._workers = workers
        ahead: deque[Future[Any]] = deque()
        try:
            jobs = self._stream_jobs(workers.seed) if self.streams else self._batch_jobs()
            for job in jobs:
                ahead.append(workers.pool.submit(job))
                if len(ahead) >= self.num_workers * (self.prefetch_factor or 2):
                    yield from self._result(ahead)
            while ahead:
                yield from self._result(ahead)
        finally:
            for future in ahead:
                future.cancel()
            if not self.persistent_workers:
                workers.pool.shutdown()

    def _batch_jobs(self) -> Iterator[Callable[[], Any]]:
        return ((lambda n=n: self._fetch(n)) for n in self._numbers())

    def _result(self, ahead: deque[Future[Any]]) -> Iterator[Any]:
        """The next batch: the one asked for first, or without `in_order` the one that is ready first."""
        if not self.in_order:
            done, _ = wait(ahead, self.timeout or None, FIRST_COMPLETED)
            if done:
                ready = next(future for future in ahead if future in done)
                ahead.remove(ready)
                ahead.appendleft(ready)
        try:
            result = ahead.popleft().result(self.timeout or None)
        except TimeoutError:
            raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds") from None
        if result is not _END:
            yield result

    def _stream_jobs(self, seed: int) -> Iterator[Callable[[], Any]]:
        """Jobs that read a stream, each worker its own pass over the data set, in turns."""
        readers: dict[int, Any] = {}
        locks = [threading.Lock() for _ in range(self.num_workers)]
        open_readers = set(range(self.num_workers))

        def read(number: int) -> Any:
            info = WorkerInfo(number, self.num_workers, seed + number, self.dataset)
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


class Workers:
    """The threads of a loader. Each is told its number, and has a seed of its own."""

    def __init__(self, loader: DataLoader) -> None:
        self.seed = int(FUNCTIONS["randint"](2**62, (), generator=loader.generator))
        names = iter(range(loader.num_workers))
        lock = threading.Lock()
        info = functools.partial(WorkerInfo, num_workers=loader.num_workers, dataset=loader.dataset)
        seed, begin_with = self.seed, loader.worker_init_fn

        def begin() -> None:
            with lock:
                number = next(names)
            _local.info = info(id=number, seed=seed + number)
            if begin_with is not None:
                begin_with(number)

        self.pool = ThreadPoolExecutor(loader.num_workers, "nbautograd-loader", begin)


_FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
"""What a loader is made of, and cannot be changed after."""

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
