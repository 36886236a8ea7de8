"""vmap beside PyTorch's."""

import pytest

import nbautograd
from nbautograd.func import vmap

from .both import check, check_refused

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

X, V = [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], [1.0, -2.0, 0.5]


def double(a):
    return a * 2


BATCHES = {
    "first dimension": lambda lib, x, v: lib.func.vmap(double)(x),
    "second dimension": lambda lib, x, v: lib.func.vmap(double, in_dims=1, out_dims=1)(x),
    "last dimension": lambda lib, x, v: lib.func.vmap(double, in_dims=-1, out_dims=-1)(x),
    "turned": lambda lib, x, v: lib.func.vmap(double, out_dims=1)(x),
    "one for all": lambda lib, x, v: lib.func.vmap(lib.torch.dot, in_dims=(0, None))(x, v),
    "both": lambda lib, x, v: lib.func.vmap(lib.torch.dot)(x, x),
    "nested": lambda lib, x, v: lib.func.vmap(lib.func.vmap(double))(x),
    "pairs of all": lambda lib, x, v: lib.func.vmap(
        lambda a: lib.func.vmap(lambda b: (a * b).sum(), in_dims=1)(x.t()), out_dims=1
    )(x),
    "several results": lambda lib, x, v: lib.func.vmap(lambda a, b: (a.sum(), {"k": b}), out_dims=(0, {"k": 1}))(x, x),
    "lists": lambda lib, x, v: lib.func.vmap(lambda a: [a, (a, a)], out_dims=[0, (1, 0)])(x),
    "one place for all results": lambda lib, x, v: lib.func.vmap(lambda a: (a, a), out_dims=1)(x),
    "a place in brackets": lambda lib, x, v: lib.func.vmap(double, out_dims=(0,))(x),
    "no batch out": lambda lib, x, v: lib.func.vmap(lambda a: (a, 3), out_dims=(0, None))(x),
    "a constant": lambda lib, x, v: lib.func.vmap(lambda a: v)(x),
    "a constant once": lambda lib, x, v: lib.func.vmap(lambda a: v, out_dims=None)(x),
    "a dict": lambda lib, x, v: lib.func.vmap(lambda d: d["a"] * d["b"], in_dims=({"a": 0, "b": None},))(
        {"a": x, "b": v}
    ),
    "a number": lambda lib, x, v: lib.func.vmap(lambda a, k: a * k, in_dims=(0, None))(x, 2),
    "keywords": lambda lib, x, v: lib.func.vmap(lambda a, k: a * k)(x, k=x),
    "in chunks": lambda lib, x, v: lib.func.vmap(double, chunk_size=1)(x),
    "no samples": lambda lib, x, v: lib.func.vmap(lambda a: (a * 2, a.sum()), out_dims=(1, 0))(x[:0]),
    "in place": lambda lib, x, v: (lib.func.vmap(lambda a: a.mul_(2))(x), x),
    "shapes inside": lambda lib, x, v: lib.func.vmap(lambda a: a * a.shape[0] * a.dim())(x),
    "Jacobians": lambda lib, x, v: lib.func.vmap(lib.func.jacrev(lib.torch.sin))(x),
    "forward Jacobians": lambda lib, x, v: lib.func.vmap(lib.func.jacfwd(lib.torch.sin))(x),
    "Hessians": lambda lib, x, v: lib.func.vmap(lib.func.hessian(lambda a: a.sin().prod()))(x),
    "gradients": lambda lib, x, v: lib.func.vmap(lib.func.grad(lambda w, a: (w * a).sin().sum()), in_dims=(None, 0))(
        v, x
    ),
    "inside a Jacobian": lambda lib, x, v: lib.func.jacrev(lib.func.vmap(lib.torch.sin))(x),
    "inside a tangent": lambda lib, x, v: lib.func.jvp(lib.func.vmap(lib.torch.sin), (x,), (x,)),
    "directions": lambda lib, x, v: lib.func.vmap(lambda t: lib.func.jvp(lib.torch.sin, (v,), (t,))[1])(x),
    "cotangents": lambda lib, x, v: lib.func.vmap(lib.func.vjp(lib.torch.sin, v)[1])(x),
}


@pytest.mark.parametrize("program", BATCHES.values(), ids=BATCHES)
def test_batches_are_what_pytorchs_are(program):
    check(lambda lib: program(lib, lib.tensor(X), lib.tensor(V)))


REFUSED = {
    "no tensor": lambda lib, x, v: lib.func.vmap(double)(3.0),
    "no input": lambda lib, x, v: lib.func.vmap(double)(),
    "no such dimension": lambda lib, x, v: lib.func.vmap(double, in_dims=2)(x),
    "a scalar": lambda lib, x, v: lib.func.vmap(double)(x.sum()),
    "too many places": lambda lib, x, v: lib.func.vmap(double, in_dims=(0, 0))(x),
    "a word": lambda lib, x, v: lib.func.vmap(double, in_dims="a")(x),
    "a word inside": lambda lib, x, v: lib.func.vmap(double, in_dims=("a",))(x),
    "a list": lambda lib, x, v: lib.func.vmap(double, in_dims=[0])(x),
    "nothing to map": lambda lib, x, v: lib.func.vmap(double, in_dims=(None,))(x),
    "different sizes": lambda lib, x, v: lib.func.vmap(lambda a, b: a)(x, v),
    "too many places out": lambda lib, x, v: lib.func.vmap(double, out_dims=(0, 1))(x),
    "a word out": lambda lib, x, v: lib.func.vmap(double, out_dims="a")(x),
    "no tensor out": lambda lib, x, v: lib.func.vmap(lambda a: (a, 3))(x),
    "nothing out": lambda lib, x, v: lib.func.vmap(lambda a: None)(x),
    "a batch for all": lambda lib, x, v: lib.func.vmap(double, out_dims=None)(x),
    "another randomness": lambda lib, x, v: lib.func.vmap(double, randomness="x")(x),
    "empty chunks": lambda lib, x, v: lib.func.vmap(double, chunk_size=0),
    "random numbers": lambda lib, x, v: lib.func.vmap(lambda a: lib.torch.rand(2))(x),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(program):
    check_refused(lambda lib: program(lib, lib.tensor(X), lib.tensor(V)))


def test_random_numbers_are_the_same_or_different_for_all_samples():
    x = nbautograd.ones(3, 1)
    same = vmap(lambda a: nbautograd.rand(4), randomness="same")(x)
    assert (same == same[0]).all()
    different = vmap(lambda a: nbautograd.rand(4), randomness="different")(x)
    assert not (different == different[0]).all()


def test_a_batch_keeps_its_history():
    def program(lib):
        x, w = lib.tensor(X, requires_grad=True), lib.tensor(V, requires_grad=True)
        y = lib.func.vmap(lambda a: (a * w).sin().sum())(x)
        return y, lib.torch.autograd.grad(y.sum(), [x, w])

    check(program)


def test_it_stands_at_the_top_too():
    assert nbautograd.vmap is vmap
    assert nbautograd.func.vmap is vmap
