"""Names under the paths where torch has them, beside torch."""

import importlib

import pytest

import nbautograd.distributions
import nbautograd.functional
import nbautograd.nn
from nbautograd.nn.paths import HOMES

PATHS = {f"nn.{path}": held for path, held in HOMES.items()}
PATHS["functional"] = nbautograd.functional.NAMES
PATHS |= {f"distributions.{path}": held for path, held in nbautograd.distributions._HOMES.items()}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_torch_holds_the_names_that_torch_has_there(path: str):
    theirs = importlib.import_module(f"{pytest.importorskip('torch').__name__}.{path}")
    ours = importlib.import_module(f"nbautograd.{path}")
    for name in PATHS[path].split():
        assert hasattr(theirs, name)
        assert callable(getattr(ours, name))


def test_one_class_stands_under_both_of_its_paths():
    from nbautograd.nn.modules.conv import Conv2d

    assert Conv2d is nbautograd.nn.Conv2d is nbautograd.nn.modules.Conv2d
    assert nbautograd.distributions.beta.Beta is nbautograd.distributions.Beta


@pytest.mark.parametrize(
    "build", ["BatchNorm1d(2)", "InstanceNorm2d(2)", "Conv2d(2, 2, 1)", "ConvTranspose1d(2, 2, 1)", "MSELoss()"]
)
@pytest.mark.parametrize(
    "base", ["batchnorm._BatchNorm", "batchnorm._NormBase", "instancenorm._InstanceNorm", "conv._ConvNd", "loss._Loss"]
)
def test_a_layer_is_of_the_kinds_that_torch_says(build: str, base: str):
    def is_one(torch):
        module, name = base.split(".")
        return isinstance(eval(f"nn.{build}", {"nn": torch.nn}), getattr(getattr(torch.nn.modules, module), name))

    assert is_one(nbautograd) == is_one(pytest.importorskip("torch"))


@pytest.mark.parametrize("name", ["_single", "_pair", "_triple", "_quadruple"])
@pytest.mark.parametrize("value", [3, (1, 2), [4, 5]])
def test_a_size_is_given_once_for_each_dimension_as_in_torch(name: str, value):
    theirs = pytest.importorskip("torch").nn.modules.utils
    assert getattr(nbautograd.nn.modules.utils, name)(value) == getattr(theirs, name)(value)


@pytest.mark.parametrize("path", ["onnx", "multiprocessing", "utils.tensorboard", "autograd.profiler"])
def test_what_is_not_here_is_imported_all_the_same_and_refused_with_its_reason_at_use(path: str):
    found = importlib.import_module(f"nbautograd.{path}")
    with pytest.raises(AttributeError, match=rf"torch\.{path} is not supported by nbautograd: .*\n  hint: "):
        found.export()
    with pytest.raises(ImportError, match="cannot import name 'export'"):
        exec(f"from nbautograd.{path} import export", {})
    parent, _, last = f"nbautograd.{path}".rpartition(".")
    assert not hasattr(importlib.import_module(parent), last)
