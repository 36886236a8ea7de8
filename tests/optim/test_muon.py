"""Muon takes PyTorch's steps, as far as bfloat16 can tell."""

import numpy as np
import pytest

import nbautograd
from nbautograd.optim.muon import orthogonalized

from .libraries import give_gradients, parameters, values

OPTIONS = [
    {},
    {"lr": 0.05, "momentum": 0.8, "nesterov": False, "weight_decay": 0.3},
    {"adjust_lr_fn": "match_rms_adamw", "ns_steps": 3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_steps_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        params = parameters(library, [(4, 6), (7, 3), (5, 5)], "float32")
        optimizer = library.optim.Muon(params, **options)
        for step in range(10):
            give_gradients(library, params, step)
            optimizer.step()
        found.append((values(params), list(optimizer.state_dict()["param_groups"][0])))
    for a, b in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-2, atol=2e-2 * options.get("lr", 1e-3) * 10)
    assert found[0][1] == found[1][1]


def test_an_update_has_singular_values_close_to_one():
    matrix = nbautograd.tensor(np.random.default_rng(0).standard_normal((20, 8)))
    found = np.linalg.svd(orthogonalized(matrix, (3.4445, -4.775, 2.0315), 5, 1e-7).numpy())[1]
    assert found.min() > 0.6
    assert found.max() < 1.3


def test_what_is_no_matrix_is_refused():
    torch = pytest.importorskip("torch")
    for library in (nbautograd, torch):
        with pytest.raises(ValueError, match="Muon only supports 2D parameters"):
            library.optim.Muon([library.ones(3, requires_grad=True)])
        with pytest.raises(ValueError, match="Adjust learning rate function up is not supported"):
            library.optim.Muon([library.ones(3, 3, requires_grad=True)], adjust_lr_fn="up")
