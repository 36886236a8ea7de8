"""Data sets, samplers and loaders give PyTorch's samples in PyTorch's batches."""

import collections
import threading

import numpy as np
import pytest

import nbautograd
from nbautograd.utils import data


def plain(value):
    if hasattr(value, "tolist"):
        return type(value).__name__, str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return type(value).__name__, [plain(v) for v in value]
    return value


def numbers(t, n=7):
    return t.utils.data.TensorDataset(t.arange(n), t.arange(n) * 2.0)


def stream(t, n=7):
    class Stream(t.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

    return Stream()


def two_sets(t):
    return t.utils.data.ConcatDataset([numbers(t, 3), numbers(t, 4)])


LOADERS = {
    "one by one": lambda t: t.utils.data.DataLoader(numbers(t)),
    "batches": lambda t: t.utils.data.DataLoader(numbers(t), batch_size=3),
    "whole batches": lambda t: t.utils.data.DataLoader(numbers(t), batch_size=3, drop_last=True),
    "no batches": lambda t: t.utils.data.DataLoader(numbers(t), batch_size=None),
    "sampler": lambda t: t.utils.data.DataLoader(numbers(t), batch_size=2, sampler=[4, 2, 0]),
    "batch sampler": lambda t: t.utils.data.DataLoader(numbers(t), batch_sampler=[[0, 1], [5]]),
    "list": lambda t: t.utils.data.DataLoader([(1, "a"), (2, "b"), (3, "c")], batch_size=2),
    "own collate": lambda t: t.utils.data.DataLoader(range(5), batch_size=2, collate_fn=sum),
    "stream": lambda t: t.utils.data.DataLoader(stream(t), batch_size=3),
    "stream, whole": lambda t: t.utils.data.DataLoader(stream(t), batch_size=3, drop_last=True),
    "stream, no batches": lambda t: t.utils.data.DataLoader(stream(t), batch_size=None),
    "concatenated": lambda t: t.utils.data.DataLoader(two_sets(t), batch_size=3),
    "added": lambda t: t.utils.data.DataLoader(numbers(t, 2) + numbers(t, 3), batch_size=3),
    "chained": lambda t: t.utils.data.DataLoader(stream(t, 2) + stream(t, 3), batch_size=3),
    "subset": lambda t: t.utils.data.DataLoader(t.utils.data.Subset(numbers(t), [3, 1]), batch_size=2),
    "side by side": lambda t: t.utils.data.DataLoader(t.utils.data.StackDataset(range(3), numbers(t, 3)), batch_size=2),
    "side by side, named": lambda t: t.utils.data.DataLoader(t.utils.data.StackDataset(a=range(3)), batch_size=2),
}


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_the_batches_are_pytorchs(make):
    torch = pytest.importorskip("torch")
    ours, theirs = make(nbautograd), make(torch)
    for _ in range(2):  # a loader can be walked again
        assert [plain(batch) for batch in ours] == [plain(batch) for batch in theirs]
    if not ours.streams:
        assert len(ours) == len(theirs)


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
def test_worker_threads_change_nothing(make):
    expected = [plain(batch) for batch in make(nbautograd)]
    loader = make(nbautograd)
    if loader.streams:
        pytest.skip("each worker reads a whole stream; see the next test")
    loader.num_workers, loader.prefetch_factor = 3, 2
    assert [plain(batch) for batch in loader] == expected


def test_each_worker_reads_its_part_of_a_stream():
    class Shared(data.IterableDataset):
        def __iter__(self):
            info = data.get_worker_info()
            assert info.dataset is self
            yield from range(info.id, 10, info.num_workers)

    loader = data.DataLoader(Shared(), batch_size=2, num_workers=3)
    found = [batch.tolist() for batch in loader]
    assert sorted(n for batch in found for n in batch) == list(range(10))
    assert [0, 3] in found


def test_workers_are_initialised_and_work_beside_the_main_thread():
    seen, threads = [], set()

    class Where(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            threads.add(threading.current_thread())
            return data.get_worker_info().num_workers

    loader = data.DataLoader(Where(), num_workers=2, worker_init_fn=seen.append)
    assert [batch.item() for batch in loader] == [2] * 6
    assert set(seen) <= {0, 1}
    assert seen
    assert threading.main_thread() not in threads
    assert data.get_worker_info() is None


def test_an_error_in_a_worker_reaches_the_caller():
    class Bad(data.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            raise KeyError("no such sample")

    with pytest.raises(KeyError, match="no such sample"):
        list(data.DataLoader(Bad(), num_workers=2))


def test_a_walk_that_is_left_early_leaves_no_thread_behind():
    before = threading.active_count()
    batches = iter(data.DataLoader(range(100), num_workers=2))
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_shuffling_gives_every_sample_once_in_an_order_that_the_generator_decides():
    def order(seed):
        generator = nbautograd.Generator().manual_seed(seed)
        loader = data.DataLoader(range(50), shuffle=True, batch_size=5, generator=generator)
        return [n for batch in loader for n in batch.tolist()]

    assert sorted(order(0)) == list(range(50))
    assert order(0) == order(0)
    assert order(0) != order(1)
    assert order(0) != list(range(50))


def test_the_default_generator_shuffles_anew_each_time():
    nbautograd.manual_seed(0)
    loader = data.DataLoader(range(50), shuffle=True, batch_size=50)
    first, second = (next(iter(loader)).tolist() for _ in range(2))
    assert first != second


def test_random_samplers():
    assert sorted(data.RandomSampler(range(5))) == [0, 1, 2, 3, 4]
    assert len(list(data.RandomSampler(range(5), num_samples=12))) == 12
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=20))
    assert len(drawn) == 20
    assert set(drawn) <= {0, 1, 2}
    assert sorted(data.SubsetRandomSampler([7, 3, 5])) == [3, 5, 7]
    assert set(data.WeightedRandomSampler([0.0, 1.0, 3.0], 50)) == {1, 2}
    assert sorted(data.WeightedRandomSampler([0.1, 1.0, 3.0], 3, replacement=False)) == [0, 1, 2]


@pytest.mark.parametrize("lengths", [[3, 4], [0.5, 0.5], [0.2, 0.3, 0.5], [7]])
def test_a_random_split_has_pytorchs_sizes_and_no_overlap(lengths):
    torch = pytest.importorskip("torch")
    parts = data.random_split(range(7), lengths)
    assert [len(part) for part in parts] == [len(part) for part in torch.utils.data.random_split(range(7), lengths)]
    assert sorted(n for part in parts for n in part) == list(range(7))


Point = collections.namedtuple("Point", "x y")

COLLATED = {
    "tensors": lambda t: [t.ones(2), t.zeros(2)],
    "arrays": lambda t: [np.ones(2, np.float32), np.zeros(2, np.float32)],
    "numpy numbers": lambda t: [np.float32(1), np.float32(2)],
    "integers": lambda t: [1, 2],
    "floats": lambda t: [1.0, 2.0],
    "flags": lambda t: [True, False],
    "texts": lambda t: ["a", "b"],
    "tuples": lambda t: [(1, 2.0), (3, 4.0)],
    "lists": lambda t: [[1, "a"], [3, "b"]],
    "dicts": lambda t: [{"a": 1, "b": t.ones(1)}, {"a": 2, "b": t.zeros(1)}],
    "named": lambda t: [Point(1, 2.0), Point(3, 4.0)],
    "nested": lambda t: [({"a": [1, 2]},), ({"a": [3, 4]},)],
}


@pytest.mark.parametrize("make", COLLATED.values(), ids=COLLATED)
def test_samples_are_put_together_as_in_pytorch(make):
    torch = pytest.importorskip("torch")
    assert plain(data.default_collate(make(nbautograd))) == plain(torch.utils.data.default_collate(make(torch)))
    assert plain(data.default_convert(make(nbautograd))) == plain(torch.utils.data.default_convert(make(torch)))


BAD = {
    "sizes": lambda t: t.utils.data.TensorDataset(t.ones(2), t.ones(3)),
    "no item": lambda t: t.utils.data.Dataset()[0],
    "no sets": lambda t: t.utils.data.ConcatDataset([]),
    "far index": lambda t: two_sets(t)[-8],
    "workers": lambda t: t.utils.data.DataLoader(range(3), num_workers=-1),
    "batch size": lambda t: t.utils.data.DataLoader(range(3), batch_size=0),
    "sampler and shuffle": lambda t: t.utils.data.DataLoader(range(3), sampler=[1], shuffle=True),
    "two samplers": lambda t: t.utils.data.DataLoader(range(3), batch_sampler=[[1]], batch_size=2),
    "nothing to drop": lambda t: t.utils.data.DataLoader(range(3), batch_size=None, drop_last=True),
    "shuffled stream": lambda t: t.utils.data.DataLoader(stream(t), shuffle=True),
    "nothing to shuffle": lambda t: t.utils.data.DataLoader([], shuffle=True),
    "prefetch": lambda t: t.utils.data.DataLoader(range(3), prefetch_factor=2),
    "persistent": lambda t: t.utils.data.DataLoader(range(3), persistent_workers=True),
    "lengths": lambda t: t.utils.data.random_split(range(3), [1, 1]),
    "fractions": lambda t: t.utils.data.random_split(range(3), [1.5, -0.5]),
    "replacement": lambda t: t.utils.data.RandomSampler(range(3), replacement=3),
    "ragged": lambda t: t.utils.data.default_collate([[1], [1, 2]]),
    "weights": lambda t: t.utils.data.WeightedRandomSampler([[1.0]], 1),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_input_gets_pytorchs_error(make):
    torch = pytest.importorskip("torch")
    found = []
    for t in (nbautograd, torch):
        with pytest.raises(Exception, match=r"\w") as caught:
            make(t)
        found.append((caught.type, str(caught.value).splitlines()[0]))
    assert found[0] == found[1]


def test_objects_that_cannot_be_put_together_are_an_error():
    with pytest.raises(
        TypeError, match="default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists"
    ):
        data.default_collate([object()])


def test_workers_that_persist_are_initialised_once():
    started = []
    loader = data.DataLoader(
        range(8), batch_size=2, num_workers=2, persistent_workers=True, worker_init_fn=started.append
    )
    assert [b.tolist() for b in loader] == [b.tolist() for b in loader] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert len(started) == len(set(started)) <= 2


def test_each_workers_seed_is_another_one_and_another_one_each_time():
    class Seeds(data.IterableDataset):
        def __iter__(self):
            yield data.get_worker_info().seed

    loader = data.DataLoader(Seeds(), batch_size=None, num_workers=2)
    first, second = list(loader), list(loader)
    assert len({*first, *second}) == 4


def test_out_of_order_a_slow_batch_holds_nothing_up():
    released = threading.Event()

    class SlowStart(data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 0:
                assert released.wait(10)
            return index

    loader = data.DataLoader(SlowStart(), num_workers=2, in_order=False)
    seen = []
    for batch in loader:
        seen.append(batch.item())
        released.set()
    assert sorted(seen) == [0, 1, 2, 3]
    assert seen[0] != 0


def test_what_a_loader_is_made_of_stays():
    torch = pytest.importorskip("torch")
    for library in (nbautograd, torch):
        loader = library.utils.data.DataLoader(range(3))
        loader.num_workers = 0
        loader.collate_fn = list
        for name in ("batch_size", "sampler", "dataset", "drop_last"):
            with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
                setattr(loader, name, None)


def test_a_stream_longer_than_it_told_is_warned_about():
    torch = pytest.importorskip("torch")
    for library in (nbautograd, torch):

        class Lying(library.utils.data.IterableDataset):
            def __iter__(self):
                return iter(range(3))

            def __len__(self):
                return 2

        loader = library.utils.data.DataLoader(Lying())
        assert len(list(loader)) == 3
        assert len(loader) == 2
        with pytest.warns(UserWarning, match="was reported to be 2"):
            list(loader)


@pytest.mark.parametrize(
    "wrap",
    [lambda d: d, lambda d: data.Subset(d, [4, 2, 0, 1]), lambda d: data.Subset(data.Subset(d, [3, 1, 0]), [2, 0])],
)
def test_rows_taken_in_one_piece_are_those_taken_one_by_one(wrap):
    tensors = [
        nbautograd.arange(10).reshape(5, 2),
        nbautograd.arange(5.0),
        nbautograd.tensor([True, False, True, True, False]),
    ]
    rows = wrap(data.TensorDataset(*tensors))
    fast = data.DataLoader(rows, batch_size=3)
    slow = data.DataLoader(rows, batch_size=3, collate_fn=lambda samples: data.default_collate(samples))
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b) is list
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype
            assert x.tolist() == y.tolist()


def test_data_sets_that_fetch_several_samples_at_once_are_asked_to():
    asked = []

    class Batched(data.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            raise AssertionError("one at a time")

        def __getitems__(self, indices):
            asked.append(indices)
            return [10 * i for i in indices]

    part = data.Subset(Batched(), [5, 3, 1])
    assert [b.tolist() for b in data.DataLoader(part, batch_size=2)] == [[50, 30], [10]]
    both = data.StackDataset(a=part, b=range(3))
    (batch,) = data.DataLoader(both, batch_size=3)
    assert {k: v.tolist() for k, v in batch.items()} == {"a": [50, 30, 10], "b": [0, 1, 2]}
    assert asked == [[5, 3], [1], [5, 3, 1]]


def test_names_stand_where_pytorch_has_them():
    from nbautograd.utils.data.dataloader import DataLoader
    from nbautograd.utils.data.dataset import Dataset, random_split  # noqa: F401
    from nbautograd.utils.data.sampler import SubsetRandomSampler  # noqa: F401

    assert DataLoader is data.DataLoader
    with pytest.raises(AttributeError, match="a program runs in one process"):
        data.DistributedSampler  # noqa: B018
