"""Programs written for several devices or processes run on one."""

import numpy as np
import pytest

import nbautograd
from nbautograd import distributed, nn

from .both import pair


def test_data_parallel_is_its_module_as_in_torch():
    ours, theirs = pair(lambda torch: torch.nn.DataParallel(torch.nn.Linear(3, 2), device_ids=[0]))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["module.weight", "module.bias"]
    assert ours.device_ids == theirs.device_ids == []
    x = np.random.default_rng(0).normal(size=(5, 3))
    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(
        ours(nbautograd.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-12
    )


def test_data_parallel_hands_on_words_too():
    class Scaled(nn.Module):
        def forward(self, x, by):
            return x * by

    assert nn.parallel.DataParallel(Scaled())(nbautograd.ones(2), by=3).tolist() == [3, 3]


def test_several_processes_are_refused_in_plain_words():
    assert not distributed.is_available()
    assert not distributed.is_initialized()
    for call in (distributed.init_process_group, distributed.get_rank, distributed.barrier):
        with pytest.raises(ValueError, match=r"process group has not been initialized.*one process(?s:.*)hint"):
            call()
    with pytest.raises(ValueError, match=r"one process(?s:.*)hint: use the module as it is"):
        nn.parallel.DistributedDataParallel(nn.Linear(1, 1))


def test_a_batch_is_not_scattered_over_cpus_as_in_torch():
    torch = pytest.importorskip("torch")
    for library in (nbautograd, torch):
        for inputs in (library.ones(4), [library.ones(4), 3]):
            with pytest.raises(ValueError, match="Expected a non cpu device, but got: cpu"):
                library.nn.parallel.scatter(inputs, [library.device("cpu")])
