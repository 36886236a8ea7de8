"""autograd.grad with a batch of starting gradients, beside PyTorch's."""

import pytest

import nbautograd

from .both import OURS, check, check_refused

pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")


def batched(lib, outputs, inputs, grads, **settings):
    return lib.torch.autograd.grad(outputs, inputs, grads, retain_graph=True, is_grads_batched=True, **settings)


def setting(lib):
    x, w = (lib.tensor(v, requires_grad=True) for v in ([1.0, 2.0, 3.0], [0.5, 1.0, 1.5]))
    return x, w, x * x, (x * w).sum(), lib.torch.eye(3, dtype=lib.torch.float64)


BATCHES = {
    "one output": lambda lib, x, w, y, z, eye: batched(lib, y, x, eye),
    "tuples": lambda lib, x, w, y, z, eye: batched(lib, (y, z), (x, w), (eye, eye[0])),
    "unused": lambda lib, x, w, y, z, eye: batched(lib, y, (x, w), eye, allow_unused=True),
    "a batch of a batch": lambda lib, x, w, y, z, eye: lib.func.vmap(lambda g: batched(lib, y, x, g)[0])(
        lib.torch.stack([eye, eye * 2])
    ),
    "second order": lambda lib, x, w, y, z, eye: lib.torch.autograd.grad(
        batched(lib, y, x, eye, create_graph=True)[0].pow(2).sum(), x
    ),
}


@pytest.mark.parametrize("program", BATCHES.values(), ids=BATCHES)
def test_a_batch_of_gradients_gives_a_batch(program):
    check(lambda lib: program(lib, *setting(lib)))


REFUSED = {
    "different numbers": lambda lib, x, w, y, z, eye: batched(lib, (y, z), x, (eye, eye[0, :2])),
    "no batch": lambda lib, x, w, y, z, eye: batched(lib, y, x, eye[0]),
    "nothing": lambda lib, x, w, y, z, eye: lib.torch.autograd.grad(y, x, is_grads_batched=True),
    "unused": lambda lib, x, w, y, z, eye: batched(lib, y, w, eye),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(program):
    check_refused(lambda lib: program(lib, *setting(lib)))


def test_a_batch_of_another_shape_is_refused():
    x, _, y, _, eye = setting(OURS)
    with pytest.raises(RuntimeError, match=r"grad_output\[0\] has a shape of torch.Size\(\[2\]\) and output\[0\]"):
        batched(OURS, y, x, eye[:, :2])


def test_an_empty_batch_gives_an_empty_batch():
    x, w, y, _, eye = setting(OURS)
    found = batched(OURS, y, (x, w), eye[:0], allow_unused=True)
    assert [tuple(g.shape) for g in found] == [(0, 3), (0, 3)]


def test_only_inputs_is_taken_and_where_torch_has_it():
    for library in (nbautograd, pytest.importorskip("torch")):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        (g,) = library.autograd.grad((x * x).sum(), x, None, True, True, True, False)
        assert g.tolist() == [2, 4]
        with pytest.warns(FutureWarning, match="only_inputs argument is deprecated and is ignored now"):
            library.autograd.grad((x * x).sum(), x, only_inputs=False)
