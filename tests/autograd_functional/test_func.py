"""torch.func beside PyTorch's: transforms inside each other, nested arguments, histories, batches, modules."""

import numpy as np
import pytest

import nbautograd
from nbautograd import func

from .both import OURS, check, check_refused, plain

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

X, V = [0.4, 1.3, 0.9], [1.0, -2.0, 0.5]
M = [[0.3, 1.2, 0.5], [0.7, 0.2, 1.1], [0.9, 0.4, 0.6]]


def in_place(lib, x):
    y = x.clone()
    y[1:] *= 2
    y.sin_()
    y[0] = x.sum()
    return y


def through_views(lib, x):
    z = lib.torch.zeros(2, 3, dtype=x.dtype)
    z[0] = x
    z[1].copy_(x * x)
    return (z.t() @ z).sum(1)


FUNCTIONS = {
    "product": lambda lib, x: lib.torch.sin(x) * x,
    "softmax": lambda lib, x: lib.torch.softmax(x * 2, 0),
    "matrix": lambda lib, x: (lib.tensor(M) @ x).tanh() @ lib.tensor(M),
    "cumprod": lambda lib, x: x.cumprod(0),
    "norm": lambda lib, x: x / x.norm(),
    "indices": lambda lib, x: x[[0, 2, 0]] ** 2 * x[1],
    "logsumexp": lambda lib, x: x.logsumexp(0) * x,
    "where": lambda lib, x: lib.torch.where(x > 0.8, x**2, x.exp()),
    "max": lambda lib, x: x.max() * x**3,
    "gelu": lambda lib, x: lib.F.gelu(x) ** 2,
    "cross entropy": lambda lib, x: lib.F.cross_entropy(x[None] ** 2, lib.torch.tensor([1])) * x,
    "shapes": lambda lib, x: lib.torch.outer(x, x * x).reshape(-1)[1:4] * x.sum(),
    "split and cat": lambda lib, x: lib.torch.cat([p**2 for p in x.split(2)]).flip(0) * x.prod(),
    "sort": lambda lib, x: x.sort().values ** 3,
    "einsum": lambda lib, x: lib.torch.einsum("i,ij,j->i", x, lib.tensor(M), x),
    "in place": in_place,
    "views": through_views,
    "gradient inside": lambda lib, x: lib.func.grad(lambda y: (y * x).sum() * y.prod())(x),
    "tangent inside": lambda lib, x: x * lib.func.jvp(lambda y: x * y, (x * 2,), (lib.tensor([1.0, 1, 1]),))[1],
}


def total(lib, f):
    return lambda x: f(lib, x).sin().sum()


def repeated(transform, times):
    def program(lib, f, x, v):
        def function(x):
            return total(lib, f)(x)

        for _ in range(times):
            function = transform(lib, function, v)
        return function(x)

    return program


def along(lib, f, v):
    return lambda x: (lib.func.grad(f)(x) * v).sum()


def pushed(lib, f, v):
    return lambda x: lib.func.jvp(f, (x,), (v,))[1]


TRANSFORMS = {
    "grad": lambda lib, f, x, v: lib.func.grad(total(lib, f))(x),
    "vjp": lambda lib, f, x, v: lib.func.vjp(lambda x: f(lib, x), x)[1](v),
    "jvp": lambda lib, f, x, v: lib.func.jvp(lambda x: f(lib, x), (x,), (v,)),
    "jacrev": lambda lib, f, x, v: lib.func.jacrev(lambda x: f(lib, x))(x),
    "jacfwd": lambda lib, f, x, v: lib.func.jacfwd(lambda x: f(lib, x))(x),
    "hessian": lambda lib, f, x, v: lib.func.hessian(total(lib, f))(x),
    "reverse over reverse": lambda lib, f, x, v: lib.func.jacrev(lib.func.jacrev(total(lib, f)))(x),
    "reverse over forward": lambda lib, f, x, v: lib.func.jacrev(lib.func.jacfwd(lambda x: f(lib, x)))(x),
    "forward over forward": lambda lib, f, x, v: lib.func.jacfwd(lib.func.jacfwd(lambda x: f(lib, x)))(x),
    "forward over grad": lambda lib, f, x, v: lib.func.jvp(lib.func.grad(total(lib, f)), (x,), (v,))[1],
    "grad over forward": lambda lib, f, x, v: lib.func.grad(pushed(lib, total(lib, f), v))(x),
    "three times backward": repeated(along, 3),
    "three times forward": repeated(pushed, 3),
    "forward, backward, forward": lambda lib, f, x, v: lib.func.jvp(
        lib.func.grad(pushed(lib, total(lib, f), v)), (x,), (v,)
    )[1],
    "samples": lambda lib, f, x, v: lib.func.vmap(lib.func.grad(total(lib, f)))(lib.torch.stack([x, v.abs() + 0.5])),
    "derivative of a batch": lambda lib, f, x, v: lib.func.jacrev(
        lambda x: lib.func.vmap(lambda y: f(lib, y))(lib.torch.stack([x, x * 1.5]))
    )(x),
}
NOT_IN_PYTORCH = {
    ("in place", "reverse over forward"),
    ("views", "samples"),
    ("views", "derivative of a batch"),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_transforms_give_what_pytorchs_give(function, transform):
    if (function, transform) in NOT_IN_PYTORCH:
        pytest.skip("PyTorch refuses it")
    f, t = FUNCTIONS[function], TRANSFORMS[transform]
    check(lambda lib: t(lib, f, lib.tensor(X), lib.tensor(V)))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_linearized_function_is_its_derivative(function):
    f, x, v = FUNCTIONS[function], OURS.tensor(X), OURS.tensor(V)
    value, push = func.linearize(lambda x: f(OURS, x), x)
    for direction in (v, v * 2 - 1):
        expected = func.jvp(lambda x: f(OURS, x), (x,), (direction,))
        assert value.tolist() == expected[0].tolist()
        np.testing.assert_allclose(push(direction).numpy(), expected[1].numpy(), rtol=1e-9, atol=1e-12)
    twice = func.grad(lambda x: (func.linearize(lambda x: f(OURS, x), x)[1](v) * v).sum())(x)
    expected = func.grad(lambda x: (func.jvp(lambda x: f(OURS, x), (x,), (v,))[1] * v).sum())(x)
    np.testing.assert_allclose(twice.numpy(), expected.numpy(), rtol=1e-9, atol=1e-12)


def test_derivatives_of_normalisations_are_symmetric():
    """PyTorch's are not in forward over forward, so finite differences and symmetry say what is right."""
    for f in (
        lambda x: nbautograd.nn.functional.layer_norm(x**2, (3,)).sin(),
        lambda x: nbautograd.nn.functional.batch_norm(nbautograd.outer(x, x), None, None, training=True)[0].sin(),
    ):
        x = OURS.tensor(X)
        second = [outer(inner(f))(x) for outer in (func.jacfwd, func.jacrev) for inner in (func.jacfwd, func.jacrev)]
        for table in second:
            np.testing.assert_allclose(table.numpy(), table.mT.numpy(), rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(table.numpy(), second[0].numpy(), rtol=1e-7, atol=1e-9)
        assert nbautograd.autograd.gradcheck(func.jacfwd(f), (x.requires_grad_(),), check_forward_ad=True)


def test_perturbations_of_different_levels_are_not_confused():
    """d/dx (x · d/dy (x + y)) is 1, whichever mode takes which derivative."""

    def forward(f):
        return lambda x: func.jvp(f, (x,), (nbautograd.ones_like(x),))[1]

    for outer in (func.grad, forward):
        for inner in (func.grad, forward):
            assert outer(lambda x, inner=inner: x * inner(lambda y: x + y)(x))(OURS.tensor(2.0)).item() == 1.0
            third = outer(lambda x, inner=inner, outer=outer: x * outer(lambda y: y * inner(lambda z: x * y * z)(x))(x))
            assert third(OURS.tensor(3.0)).item() == pytest.approx(54.0)  # x · d/dy (x y²) = 2 x³


# --- arguments, structures, histories -----------------------------------------------------------------------------

FORMS = {
    "nested arguments": lambda lib, x: lib.func.grad(lambda d: (d["a"] * d["b"][0] ** 2).sum())({"a": x, "b": [x]}),
    "several arguments": lambda lib, x: lib.func.grad(lambda a, b, c: (a * b * c).sum(), argnums=(2, 0))(x, x, x),
    "from the back": lambda lib, x: lib.func.grad(lambda a, b: (a * b**2).sum(), argnums=-1)(x, x),
    "keywords": lambda lib, x: lib.func.grad(lambda a, k: (a**k).sum())(x, k=3),
    "aux": lambda lib, x: lib.func.grad(lambda a: ((a * a).sum(), {"twice": a * 2}), has_aux=True)(x),
    "value": lambda lib, x: lib.func.grad_and_value(lambda a: (a * a).sum())(x),
    "value and aux": lambda lib, x: lib.func.grad_and_value(lambda a: ((a * a).sum(), a), has_aux=True)(x),
    "independent": lambda lib, x: lib.func.grad(lambda a: lib.tensor(1.0))(x),
    "unused argument": lambda lib, x: lib.func.grad(lambda a, b: b.sum(), argnums=(0, 1))(x, x),
    "vjp of a structure": lambda lib, x: lib.func.vjp(lambda a: (a * 2, {"k": a.sum()}), x)[1]((x, {"k": x[0]})),
    "vjp twice": lambda lib, x: [lib.func.vjp(lambda a, b: a * b, x, x + 1)[1](v) for v in (x, x * 2)],
    "vjp aux": lambda lib, x: lib.func.vjp(lambda a: (a * a, a), x, has_aux=True)[2],
    "several cotangents": lambda lib, x: lib.func.vjp(lambda a: (a * a, a.sum()), x)[1]((x, x[0])),
    "jvp of a structure": lambda lib, x: lib.func.jvp(lambda d: (d["a"], {"b": d["a"] ** 2}), ({"a": x},), ({"a": x},)),
    "jvp aux": lambda lib, x: lib.func.jvp(lambda a: (a * a, a), (x,), (x,), has_aux=True),
    "jvp independent": lambda lib, x: lib.func.jvp(lambda a: lib.tensor([1.0]), (x,), (x,)),
    "jacrev of structures": lambda lib, x: lib.func.jacrev(lambda d: {"y": d["x"] ** 2, "z": [d["x"].sum()]})({"x": x}),
    "jacfwd of structures": lambda lib, x: lib.func.jacfwd(lambda d: {"y": d["x"] ** 2, "z": [d["x"].sum()]})({"x": x}),
    "jacrev of several": lambda lib, x: lib.func.jacrev(lambda a, b: (a * b, b), argnums=(0, 1))(x, x.sum()),
    "jacfwd of several": lambda lib, x: lib.func.jacfwd(lambda a, b: (a * b, b), argnums=(0, 1))(x, x.sum()),
    "jacrev in chunks": lambda lib, x: lib.func.jacrev(lambda a: a**2, chunk_size=2)(x),
    "jacrev aux": lambda lib, x: lib.func.jacrev(lambda a: (a * a, a.sum()), has_aux=True)(x),
    "jacfwd aux": lambda lib, x: lib.func.jacfwd(lambda a: (a * a, a.sum()), has_aux=True)(x),
    "hessian of several": lambda lib, x: lib.func.hessian(lambda a, b: (a * b**2).sum(), argnums=(0, 1))(x, x),
    "matrices": lambda lib, x: lib.func.jacrev(lambda m: m @ m)(lib.torch.outer(x, x)),
    "no_grad inside": lambda lib, x: lib.func.grad(detached_square(lib))(x),
    "linearized": lambda lib, x: lib.func.jvp(lambda a, b: {"k": a * b}, (x, x), (x, x * 0)),
}


def detached_square(lib):
    def function(x):
        with lib.torch.no_grad():
            c = x**2
        return (x * c).sum()

    return function


@pytest.mark.parametrize("program", FORMS.values(), ids=FORMS)
def test_arguments_and_results_may_be_nested(program):
    check(lambda lib: program(lib, lib.tensor(X)))


HISTORIES = {
    "nothing requires grad": lambda lib, x, w: lib.func.grad_and_value(lambda a: (a * a).sum())(x.detach()),
    "the argument does": lambda lib, x, w: lib.func.grad_and_value(lambda a: (a * a).sum())(x),
    "something else does": lambda lib, x, w: lib.func.grad_and_value(lambda a: (a * a * w).sum())(x.detach()),
    "a Jacobian": lambda lib, x, w: lib.func.jacrev(lambda a: a * a * w)(x.detach()),
    "a forward Jacobian": lambda lib, x, w: lib.func.jacfwd(lambda a: a * a)(x),
    "a tangent": lambda lib, x, w: lib.func.jvp(lambda a: a * a, (x,), (w,)),
    "a cotangent": lambda lib, x, w: lib.func.vjp(lambda a: a * a, x.detach())[1](w),
    "a product with the Hessian": lambda lib, x, w: lib.func.jvp(
        lib.func.grad(lambda a: (a**3).sum()), (x.detach(),), (w,)
    )[1],
    "the same the other way": lambda lib, x, w: lib.func.grad(
        lambda a: lib.func.jvp(lambda a: (a**3).sum(), (a,), (w,))[1]
    )(x.detach()),
    "the outer one of two directions": lambda lib, x, w: lib.func.jvp(
        lambda a: lib.func.jvp(lambda a: (a**3).cumsum(0) * a.sum(), (a,), (a.detach(),))[1], (x.detach(),), (w,)
    )[1],
    "the inner one of two directions": lambda lib, x, w: lib.func.jvp(
        lambda a: lib.func.jvp(lambda a: (a**3).cumsum(0) * a.sum(), (a,), (w,))[1], (x.detach(),), (x.detach(),)
    )[1],
    "a linear function": lambda lib, x, w: lib.func.grad_and_value(lambda a: (a * 2).sum())(x),
}


@pytest.mark.parametrize("program", HISTORIES.values(), ids=HISTORIES)
def test_results_have_the_histories_that_pytorchs_have(program):
    def run(lib):
        x, w = lib.tensor(X, requires_grad=True), lib.tensor(V, requires_grad=True)
        leaves = flat(program(lib, x, w))
        live = [y for y in leaves if y.requires_grad]
        grads = lib.torch.autograd.grad([y.sum() for y in live], [x, w], allow_unused=True) if live else None
        with lib.torch.no_grad():
            quiet = flat(program(lib, x, w))
        return leaves, grads, quiet

    check(run)


def flat(value):
    return [y for v in value for y in flat(v)] if isinstance(value, tuple | list) else [value]


REFUSED = {
    "no scalar": lambda lib, x: lib.func.grad(lambda a: a)(x),
    "no tensor": lambda lib, x: lib.func.grad(lambda a: 1.0)(x),
    "no aux": lambda lib, x: lib.func.grad(lambda a: a.sum(), has_aux=True)(x),
    "no such argument": lambda lib, x: lib.func.grad(lambda a: a.sum(), argnums=1)(x),
    "an argument twice": lambda lib, x: lib.func.grad(lambda a: a.sum(), argnums=(0, 0))(x),
    "no argument": lambda lib, x: lib.func.grad(lambda a: a.sum(), argnums=())(x),
    "a name": lambda lib, x: lib.func.grad(lambda a: a.sum(), argnums="a")(x),
    "integers": lambda lib, x: lib.func.grad(lambda a: a.sum())(x.long()),
    "a number": lambda lib, x: lib.func.grad(lambda a: a)(2.0),
    "vjp: a number out": lambda lib, x: lib.func.vjp(lambda a: 2.0, x),
    "vjp: nothing out": lambda lib, x: lib.func.vjp(lambda a: (), x),
    "vjp: integers out": lambda lib, x: lib.func.vjp(lambda a: a.long(), x),
    "vjp: no aux": lambda lib, x: lib.func.vjp(lambda a: a, x, has_aux=True),
    "vjp: another structure": lambda lib, x: lib.func.vjp(lambda a: (a, {"a": a}), x)[1]((x, x)),
    "vjp: another shape": lambda lib, x: lib.func.vjp(lambda a: a, x)[1](x[:2]),
    "jvp: no tuple": lambda lib, x: lib.func.jvp(lambda a: a, x, (x,)),
    "jvp: another structure": lambda lib, x: lib.func.jvp(lambda a: a, (x,), (x, x)),
    "jvp: a list": lambda lib, x: lib.func.jvp(lambda a: a, (x,), [x]),
    "jvp: nothing": lambda lib, x: lib.func.jvp(lambda: 1, (), ()),
    "jvp: numbers": lambda lib, x: lib.func.jvp(lambda a: a, (1.0,), (1.0,)),
    "jvp: integers": lambda lib, x: lib.func.jvp(lambda a: a, (x.long(),), (x,)),
    "jvp: another shape": lambda lib, x: lib.func.jvp(lambda a: a, (x,), (x[:2],)),
    "jvp: a number out": lambda lib, x: lib.func.jvp(lambda a: 2.0, (x,), (x,)),
    "jvp: strict": lambda lib, x: lib.func.jvp(lambda a: lib.tensor([1.0]), (x,), (x,), strict=True),
    "jvp: no aux": lambda lib, x: lib.func.jvp(lambda a: a, (x,), (x,), has_aux=True),
    "jacrev: chunks": lambda lib, x: lib.func.jacrev(lambda a: a, chunk_size=0),
    "jacrev: complex in": lambda lib, x: lib.func.jacrev(lambda a: a)(x + 0j),
    "jacrev: complex out": lambda lib, x: lib.func.jacrev(lambda a: a + 0j)(x),
    "jacfwd: complex in": lambda lib, x: lib.func.jacfwd(lambda a: a)(x + 0j),
    "jacfwd: complex out": lambda lib, x: lib.func.jacfwd(lambda a: a + 0j)(x),
    "jacfwd: a number out": lambda lib, x: lib.func.jacfwd(lambda a: 2.0)(x),
    "hessian: no such argument": lambda lib, x: lib.func.hessian(lambda a: a.sum(), argnums=3)(x),
    "in place on an argument": lambda lib, x: lib.func.grad(lambda a: a.mul_(2).sum())(x),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(program):
    check_refused(lambda lib: program(lib, lib.tensor(X)))


def test_directions_of_a_linearized_function_are_checked():
    push = func.linearize(lambda x: x**2, OURS.tensor(X))[1]
    for tangents, words in (
        ((OURS.tensor(X), OURS.tensor(X)), "to have the same argspec as the primals"),
        ((OURS.tensor([1.0]),), "tangent:0 with shape torch.Size"),
        ((OURS.tensor(X).float(),), "tangent:0 with dtype torch.float32"),
    ):
        with pytest.raises(RuntimeError, match=words):
            push(*tangents)


def test_where_nothing_is_recorded_and_where_precision_is_low_derivatives_are_the_same():
    def program(lib):
        x = lib.torch.tensor(X)
        with lib.torch.inference_mode():
            made = x * 2
            inside = [
                (lib.func.grad(lambda a: (a**3).sum())(a), lib.func.jvp(lambda a: a**3, (a,), (a,))) for a in (x, made)
            ]
        with lib.torch.autocast("cpu"):
            low = lib.func.jvp(lambda a: lib.torch.outer(a, a) @ a, (x,), (x,))[1]
        return inside, str(low.dtype).rpartition(".")[2], low.double().sum() > 1

    check(program)


def test_an_error_inside_leaves_no_level_open():
    def broken(x):
        raise KeyError("mine")

    for call in (
        lambda: func.jvp(broken, (OURS.tensor(X),), (OURS.tensor(V),)),
        lambda: func.jacfwd(broken)(OURS.tensor(X)),
        lambda: func.grad(broken)(OURS.tensor(X)),
    ):
        with pytest.raises(KeyError, match="mine"):
            call()
        assert nbautograd.core.modes.local.levels == ()
        assert nbautograd.core.modes.state.special == 0


def test_arguments_are_aliases_that_share_memory():
    x = nbautograd.ones(2)
    func.jvp(lambda a: a.mul_(3), (x,), (nbautograd.ones(2),))
    assert x.tolist() == [3.0, 3.0]
    assert plain(x)[2] is False
