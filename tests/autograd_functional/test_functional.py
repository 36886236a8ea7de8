"""Jacobians, Hessians and their products are PyTorch's, in shape, value and graph; so are the errors."""

import collections

import numpy as np
import pytest

import nbautograd


def given(t, *shapes):
    draw = np.random.default_rng(0)
    return tuple(t.tensor(draw.standard_normal(shape), requires_grad=True) for shape in shapes)


def nested(value):
    if isinstance(value, tuple):
        return tuple(nested(v) for v in value)
    return np.asarray(value.detach().numpy()), value.requires_grad


def same(a, b):
    if isinstance(a, tuple) and isinstance(a[0], tuple | np.ndarray) and isinstance(a[-1], tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
        return
    assert a[0].shape == b[0].shape
    np.testing.assert_allclose(a[0], b[0], rtol=1e-9, atol=1e-12)
    assert a[1] == b[1]


FUNCTIONS = {
    "one to one": (lambda t: lambda x: (x.exp() * x).sum(), [(3,)]),
    "scalar": (lambda t: lambda x: x**3, [()]),
    "vector to vector": (lambda t: lambda x: x**2 * x.sum(), [(3,)]),
    "matrix to vector": (lambda t: lambda x: (x @ x).sum(0), [(3, 3)]),
    "two to one": (lambda t: lambda x, y: (x * y.exp()).sum(), [(3,), (3,)]),
    "two to two": (lambda t: lambda x, y: (x @ y, x.sum() * y), [(2, 3), (3,)]),
    "one unused": (lambda t: lambda x, y: x * 2, [(2,), (3,)]),
}
SCALARS = {
    "quartic": (lambda t: lambda x: (x**4).sum(), [(3,)]),
    "scalar": (lambda t: lambda x: x**3, [()]),
    "one element": (lambda t: lambda x: (x**3).sum().reshape(1), [(2,)]),
    "two inputs": (lambda t: lambda x, y: (x**2 * y.exp()).sum() + (x * y).sum() ** 2, [(3,), (3,)]),
    "matrix": (lambda t: lambda x: (x @ x).sin().sum(), [(2, 2)]),
    "linear": (lambda t: lambda x: x.sum() * 3, [(3,)]),
}
each_function = pytest.mark.parametrize(("make", "shapes"), FUNCTIONS.values(), ids=FUNCTIONS)
each_scalar = pytest.mark.parametrize(("make", "shapes"), SCALARS.values(), ids=SCALARS)
with_or_without_graph = pytest.mark.parametrize("create_graph", [False, True])


def in_both(run):
    torch = pytest.importorskip("torch")
    same(nested(run(nbautograd)), nested(run(torch)))


def arguments(t, shapes):
    xs = given(t, *shapes)
    return xs if len(xs) > 1 else xs[0]


@each_function
@with_or_without_graph
def test_jacobians(make, shapes, create_graph):
    in_both(lambda t: t.autograd.functional.jacobian(make(t), arguments(t, shapes), create_graph=create_graph))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@each_function
def test_jacobians_column_by_column_are_the_same(make, shapes):
    jacobian = nbautograd.autograd.functional.jacobian
    xs = given(nbautograd, *shapes)
    xs = tuple(x.detach() for x in xs) if len(xs) > 1 else xs[0].detach()
    rows = jacobian(make(nbautograd), xs)
    columns = jacobian(make(nbautograd), xs, strategy="forward-mode", vectorize=True)
    same(nested(rows), nested(columns))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@each_scalar
@pytest.mark.parametrize("outer", ["forward-mode", "reverse-mode"])
def test_hessians_in_one_run(make, shapes, outer):
    def values(t):
        found = t.autograd.functional.hessian(
            make(t), arguments(t, shapes), vectorize=True, outer_jacobian_strategy=outer
        )
        table = found if isinstance(found, tuple | list) else ((found,),)
        return [np.asarray(part.detach().numpy()) for row in table for part in row]

    for got, expected in zip(values(nbautograd), values(pytest.importorskip("torch")), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_forward_mode_asks_for_vectorize_as_in_pytorch():
    functional, x = nbautograd.autograd.functional, nbautograd.ones(1)
    with pytest.raises(NotImplementedError, match="only implemented for `vectorize=True`"):
        functional.jacobian(lambda x: x, x, strategy="forward-mode")
    with pytest.raises(NotImplementedError, match="only implemented for `vectorize=True`"):
        functional.hessian(lambda x: x.sum(), x, outer_jacobian_strategy="forward-mode")


@each_scalar
@with_or_without_graph
def test_hessians(make, shapes, create_graph):
    in_both(lambda t: t.autograd.functional.hessian(make(t), arguments(t, shapes), create_graph=create_graph))


@each_function
@with_or_without_graph
def test_vjp(make, shapes, create_graph):
    def run(t):
        xs = given(t, *shapes)
        ys = make(t)(*xs)
        v = tuple(t.ones_like(y).detach() * 2 for y in ys) if isinstance(ys, tuple) else t.ones_like(ys).detach() * 2
        return t.autograd.functional.vjp(make(t), xs if len(xs) > 1 else xs[0], v, create_graph=create_graph)

    in_both(run)


@each_function
@with_or_without_graph
def test_jvp(make, shapes, create_graph):
    def run(t):
        xs = given(t, *shapes)
        v = tuple((x * 2).cos().detach() for x in xs)
        many = len(xs) > 1
        return t.autograd.functional.jvp(make(t), xs if many else xs[0], v if many else v[0], create_graph=create_graph)

    in_both(run)


@each_scalar
@with_or_without_graph
@pytest.mark.parametrize("product", ["vhp", "hvp"])
def test_products_with_hessians(make, shapes, create_graph, product):
    def run(t):
        xs = given(t, *shapes)
        v = tuple((x * 2).cos().detach() for x in xs)
        many = len(xs) > 1
        function = getattr(t.autograd.functional, product)
        return function(make(t), xs if many else xs[0], v if many else v[0], create_graph=create_graph)

    in_both(run)


def test_a_jacobian_with_a_graph_can_be_differentiated():
    def run(t):
        (x,) = given(t, (2,))
        t.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
        return x.grad

    in_both(run)


BAD = {
    "input": lambda t, f: f.jacobian(lambda x: x, 3),
    "inputs": lambda t, f: f.jacobian(lambda x: x, (t.ones(1), 3)),
    "output": lambda t, f: f.jacobian(lambda x: 3, t.ones(1)),
    "no v for outputs": lambda t, f: f.vjp(lambda x: x, t.ones(2)),
    "no v for inputs": lambda t, f: f.jvp(lambda x: x.sum(), t.ones(2)),
    "size of v": lambda t, f: f.vjp(lambda x: x, t.ones(2), t.ones(3)),
    "size of one v": lambda t, f: f.jvp(lambda x, y: x, (t.ones(2), t.ones(2)), (t.ones(2), t.ones(3))),
    "number of v": lambda t, f: f.jvp(lambda x, y: x, (t.ones(2), t.ones(2)), (t.ones(2),)),
    "two v for one": lambda t, f: f.jvp(lambda x: x, t.ones(2), (t.ones(2), t.ones(2))),
    "two outputs of a scalar function": lambda t, f: f.hessian(lambda x: (x.sum(), x.sum()), t.ones(2)),
    "many elements": lambda t, f: f.hvp(lambda x: x, t.ones(2), t.ones(2)),
    "strategy": lambda t, f: f.jacobian(lambda x: x, t.ones(1), strategy="both"),
    "forward with graph": lambda t, f: f.jacobian(lambda x: x, t.ones(1), True, strategy="forward-mode"),
    "forward and strict": lambda t, f: f.jacobian(lambda x: x, t.ones(1), strict=True, strategy="forward-mode"),
    "batches and strict": lambda t, f: f.jacobian(lambda x: x * 2, t.ones(1), strict=True, vectorize=True),
    "hessian: strategy": lambda t, f: f.hessian(lambda x: x.sum(), t.ones(1), outer_jacobian_strategy="both"),
    "strict: unused input": lambda t, f: f.jacobian(lambda x, y: x, (t.ones(1), t.ones(1)), strict=True),
    "strict: detached": lambda t, f: f.vjp(lambda x: x.detach(), t.ones(1), strict=True),
    "strict: linear": lambda t, f: f.hessian(lambda x: (x * 3).sum(), t.ones(2), strict=True),
    "strict: vjp": lambda t, f: f.vjp(lambda x, y: x, (t.ones(1), t.ones(1)), t.ones(1), strict=True),
    "strict: jvp": lambda t, f: f.jvp(lambda x: t.ones(2, requires_grad=True) * 1, t.ones(2), t.ones(2), strict=True),
    "strict: vhp": lambda t, f: f.vhp(lambda x: (x * 3).sum(), t.ones(2), t.ones(2), strict=True),
    "strict: hvp": lambda t, f: f.hvp(lambda x: (x * 3).sum(), t.ones(2), t.ones(2), strict=True),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_input_gets_pytorchs_error(make):
    torch = pytest.importorskip("torch")
    found = []
    for t in (nbautograd, torch):
        with pytest.raises(Exception, match=r"\w") as caught:
            make(t, t.autograd.functional)
        text = str(caught.value).splitlines()[0].removesuffix(".")
        found.append((caught.type, text.replace("nbautograd.core.tensor", "torch")))
    assert found[0] == found[1]


def test_gradients_of_a_dict_of_inputs_come_as_a_dict_as_in_pytorch():
    torch = pytest.importorskip("torch")
    found = []
    for library in (nbautograd, torch):
        named = {"x": library.ones(2, requires_grad=True), "y": library.full((2,), 3.0, requires_grad=True)}
        loss = (named["x"] ** 2 * named["y"]).sum()
        grads = library.autograd.grad(loss, named, retain_graph=True)
        rows = library.autograd.grad(named["x"] * 2, named, library.eye(2), is_grads_batched=True, allow_unused=True)
        loss.backward(inputs=named)
        found.append(repr((grads, rows, named["y"].grad)))
        for wrong, error in ((collections.OrderedDict(named), TypeError), ({}, RuntimeError), ([], RuntimeError)):
            for call in (library.autograd.grad, lambda y, inputs: y.backward(inputs=inputs)):
                with pytest.raises(error) as caught:
                    call(loss, wrong)
                found[-1] += str(caught.value)
    assert found[0] == found[1]
