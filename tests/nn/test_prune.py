"""Pruning keeps what PyTorch keeps."""

import numpy as np
import pytest

import nbautograd

from .test_reparametrized import libraries, linear, trained

METHODS = {
    "identity": lambda prune, layer: prune.identity(layer, "weight"),
    "l1 by number": lambda prune, layer: prune.l1_unstructured(layer, "weight", 5),
    "l1 by fraction": lambda prune, layer: prune.l1_unstructured(layer, "weight", 0.3),
    "l1 twice": lambda prune, layer: prune.l1_unstructured(prune.l1_unstructured(layer, "weight", 3), "weight", 0.5),
    "rows": lambda prune, layer: prune.ln_structured(layer, "weight", 2, n=2, dim=0),
    "columns": lambda prune, layer: prune.ln_structured(layer, "weight", 0.4, n=1, dim=1),
    "rows, then numbers": lambda prune, layer: prune.l1_unstructured(
        prune.ln_structured(layer, "weight", 1, n=2, dim=0), "weight", 2
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_pruned_layer_trains_as_pytorchs(name):
    found = []
    for library in libraries():
        layer = METHODS[name](library.nn.utils.prune, linear(library))
        assert library.nn.utils.prune.is_pruned(layer)
        outputs, state = trained(library, layer)
        found.append((outputs, state))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-9)
    assert list(found[0][1]) == list(found[1][1])
    for key, value in found[1][1].items():
        np.testing.assert_allclose(found[0][1][key], value, rtol=1e-9)


def test_a_method_of_ones_own_is_shown_what_is_left():
    found = []
    for library in libraries():
        prune, seen = library.nn.utils.prune, []

        class Every(prune.BasePruningMethod):
            def __init__(self, kind, dim=None):
                self.PRUNING_TYPE = kind
                if dim is not None:
                    self.dim = dim

            def compute_mask(self, t, default_mask, seen=seen):
                seen.append((tuple(t.shape), default_mask.tolist()))
                mask = default_mask.clone()
                mask.reshape(-1)[::3] = 0
                return mask

        layer = linear(library)
        prune.ln_structured(layer, "weight", 1, n=2, dim=0)
        for kind, *dim in (("unstructured",), ("structured", -2), ("global",), ("unstructured",)):
            method = Every.apply(layer, "weight", kind, *dim)
        assert isinstance(method, prune.PruningContainer)
        assert [type(part).__name__ for part in method] == ["LnStructured"] + ["Every"] * 4
        assert len(layer._forward_pre_hooks) == 1
        for error, kind in ((AttributeError, "structured"), (ValueError, "columns")):
            with pytest.raises(error, match=r"need to have the attribute `dim`|Unrecognized PRUNING_TYPE columns"):
                Every.apply(prune.identity(linear(library), "weight"), "weight", kind)
        other = Every("global")
        other._tensor_name = "bias"
        with pytest.raises(ValueError, match="Can only add pruning methods acting on the parameter named 'weight'"):
            method.add_pruning_method(other)
        with pytest.raises(TypeError, match="is not a BasePruningMethod subclass"):
            method.add_pruning_method(3)
        found.append((seen, layer.weight_mask.tolist()))
    assert found[0] == found[1]


def test_several_layers_are_pruned_as_one():
    found = []
    for library in libraries():
        prune = library.nn.utils.prune
        layers = [linear(library, seed=seed) for seed in range(2)]
        pairs = [(layer, "weight") for layer in layers] + [(layers[0], "bias")]
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=10)
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.5)
        found.append([getattr(layer, f"{name}_mask").numpy() for layer, name in pairs])
        with pytest.raises(TypeError, match='Only "unstructured" PRUNING_TYPE supported'):
            prune.global_unstructured(pairs, prune.LnStructured, amount=1, n=2)
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_random_pruning_prunes_so_many():
    prune = nbautograd.nn.utils.prune
    layer = prune.random_unstructured(linear(nbautograd), "weight", 5)
    assert (layer.weight == 0).sum().item() == 5
    layer = prune.random_structured(linear(nbautograd), "weight", 0.5, dim=0)
    assert (layer.weight == 0).all(1).sum().item() == 2


def test_what_was_pruned_stays_zero_when_pruning_is_removed():
    for library in libraries():
        prune = library.nn.utils.prune
        layer = prune.custom_from_mask(linear(library), "bias", library.tensor([1, 0, 1, 0]))
        prune.remove(layer, "bias")
        assert not prune.is_pruned(layer)
        assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
        assert (layer.bias == 0).tolist() == [False, True, False, True]
        with pytest.raises(ValueError, match="has to be pruned before pruning can be removed"):
            prune.remove(layer, "bias")


@pytest.mark.parametrize("amount", [-1, 1.5, 100, "3"])
def test_bad_amounts_get_pytorchs_error(amount):
    texts = []
    for library in libraries():
        with pytest.raises((TypeError, ValueError)) as caught:
            library.nn.utils.prune.l1_unstructured(linear(library), "weight", amount)
        texts.append((caught.type, str(caught.value)))
    assert texts[0] == texts[1]
