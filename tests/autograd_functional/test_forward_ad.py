"""Dual tensors beside PyTorch's: ops, views, changes in place, functions of one's own, and both modes at once."""

import pytest

import nbautograd
from nbautograd.autograd import forward_ad

from .both import OURS, check, check_refused

# PyTorch warns of its own parts at its first dual tensor
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

X, V = [1.0, 2.0, 3.0], [1.0, -2.0, 0.5]


def both(program):
    """`program(lib, dual)` on a tensor that moves; its value and its tangent."""

    def run(lib):
        with lib.forward.dual_level():
            dual = lib.forward.make_dual(lib.tensor(X), lib.tensor(V))
            return [lib.forward.unpack_dual(y) for y in as_list(program(lib, dual))]

    return run


def as_list(value):
    return list(value) if isinstance(value, tuple | list) else [value]


OPS = {
    "product": lambda lib, d: d * d,
    "with a constant": lambda lib, d: d * lib.tensor([2.0, 3.0, 4.0]) + 1,
    "broadcast": lambda lib, d: d.reshape(3, 1) * lib.tensor([[1.0, 2.0]]),
    "sum and mean": lambda lib, d: (d.sum(), d.mean(0, keepdim=True)),
    "matrix product": lambda lib, d: lib.torch.outer(d, d) @ d,
    "softmax": lambda lib, d: lib.torch.softmax(d, 0),
    "no op at all": lambda lib, d: d,
    "independent": lambda lib, d: lib.tensor([1.0]),
    "several outputs": lambda lib, d: (d.split(2), d.unbind(), d.max(0).values, d.sort().values)[1],
    "split": lambda lib, d: d.split(2),
    "max": lambda lib, d: d.max(0).values,
    "cat": lambda lib, d: lib.torch.cat([d, lib.tensor(X)]),
    "truth values": lambda lib, d: d > 1.5,
    "integers": lambda lib, d: d.long(),
    "floor": lambda lib, d: d.floor(),
    "detach": lambda lib, d: d.detach(),
    "another precision": lambda lib, d: d.float() * lib.torch.ones(3),
    "mixed precision": lambda lib, d: d.float() * lib.tensor(X),
    "indices": lambda lib, d: d[[2, 0, 2]] * d[1:].prod(),
    "where": lambda lib, d: lib.torch.where(d > 1.5, d**2, d.exp()),
    "complex numbers": lambda lib, d: ((d * (1 + 2j)) ** 2).abs(),
    "a loss": lambda lib, d: lib.F.cross_entropy(d[None], lib.torch.tensor([1])),
    "normalisation": lambda lib, d: lib.F.layer_norm(d, (3,), d * 2, d),
    "gelu": lambda lib, d: lib.F.gelu(d),
    "dropout that drops nothing": lambda lib, d: lib.F.dropout(d, 0.0),
    "a linear layer": lambda lib, d: lib.F.linear(d[None], lib.torch.outer(d, d), d),
    "convolution": lambda lib, d: lib.F.conv1d(d[None, None], d[None, None, :2]),
}


@pytest.mark.parametrize("program", OPS.values(), ids=OPS)
def test_tangents_travel_through(program):
    check(both(program))


def changed(*steps):
    def program(lib, d):
        y = d.clone()
        for step in steps:
            step(lib, y, d)
        return y

    return program


def base_of_view(lib, d):
    base = lib.torch.zeros(2, 3, dtype=lib.torch.float64)
    row, column = base[0], base[:, 1]
    row.copy_(d)
    column.mul_(3)
    return base, row, column, base[0], base.t()


def old_value(lib, d):
    y = d.clone()
    z = y * y
    y.add_(1)
    return z, y


IN_PLACE = {
    "mul_": changed(lambda lib, y, d: y.mul_(d)),
    "pow_": changed(lambda lib, y, d: y.pow_(3)),
    "an element": changed(lambda lib, y, d: y[0].mul_(5)),
    "written": changed(lambda lib, y, d: y.__setitem__(slice(1), d[2] * 2)),
    "by indices": changed(lambda lib, y, d: y.__setitem__([0, 2], d[:2])),
    "by a mask": changed(lambda lib, y, d: y.__setitem__(d > 1.5, 0.0)),
    "zeroed": changed(lambda lib, y, d: y.zero_()),
    "filled": changed(lambda lib, y, d: y.fill_(d[0])),
    "overwritten by a constant": changed(lambda lib, y, d: y.copy_(lib.tensor(V))),
    "several": changed(lambda lib, y, d: y.exp_(), lambda lib, y, d: y[1:].sin_(), lambda lib, y, d: y.add_(d)),
    "a constant that starts to move": lambda lib, d: lib.torch.zeros(3, dtype=lib.torch.float64).add_(d),
    "views of a constant": base_of_view,
    "the value before": old_value,
}


@pytest.mark.parametrize("program", IN_PLACE.values(), ids=IN_PLACE)
def test_changes_in_place_move_tangents(program):
    check(both(program))


def test_a_tensor_times_itself_in_place_moves_twice():
    """Beside the rule, not beside PyTorch, which reads the tangent that it has just changed."""
    (value, tangent) = both(lambda lib, d: d.clone().mul_(d.clone()))(OURS)[0]
    y = both(changed(lambda lib, y, d: y.mul_(y)))(OURS)[0]
    assert (y.primal.tolist(), y.tangent.tolist()) == (value.tolist(), tangent.tolist())


def second_orders(lib):
    """Reverse over forward and forward over reverse through several ops at once."""
    w = lib.tensor([0.5, 1.5, -1.0], requires_grad=True)
    with lib.forward.dual_level():
        d = lib.forward.make_dual(lib.tensor(X), lib.tensor(V))
        y = ((d * w).sin() * (w * d).tanh()).cumsum(0) * w.prod()
        tangent = lib.forward.unpack_dual(y).tangent
        (g,) = lib.torch.autograd.grad(y.sum(), w, retain_graph=True)
        (h,) = lib.torch.autograd.grad(y.sum(), w, create_graph=True)
        pushed = lib.forward.unpack_dual(h).tangent
        return [
            lib.torch.autograd.grad(tangent.sum(), w, retain_graph=True),
            lib.forward.unpack_dual(g),
            pushed,
            lib.torch.autograd.grad(pushed.sum(), w),
        ]


def test_the_two_modes_go_inside_each_other():
    check(second_orders)


def test_backward_under_an_open_level_leaves_plain_gradients():
    def program(lib):
        x = lib.tensor(X, requires_grad=True)
        with lib.forward.dual_level():
            (lib.forward.make_dual(x, lib.tensor(V)) ** 3).sum().backward()
            (lib.forward.make_dual(x, lib.tensor(V)) ** 2).sum().backward()
            return x.grad

    check(program)


def test_without_recording_tangents_travel_too():
    def program(lib):
        with lib.torch.no_grad(), lib.forward.dual_level():
            d = lib.forward.make_dual(lib.tensor(X, requires_grad=True), lib.tensor(V))
            return lib.forward.unpack_dual((d * d).sum())

    check(program)


def test_a_level_that_is_closed_takes_its_tangents_along():
    def program(lib):
        with lib.forward.dual_level():
            d = lib.forward.make_dual(lib.tensor(X), lib.tensor(V))
        before = lib.forward.unpack_dual(d).tangent
        with lib.forward.dual_level():
            return before, lib.forward.unpack_dual(d).tangent, lib.forward.unpack_dual(d * 2).tangent

    check(program)


def test_a_level_can_be_entered_by_hand_and_around_a_function():
    def program(lib):
        level = lib.forward.enter_dual_level()
        d = lib.forward.make_dual(lib.tensor(X), lib.tensor(V), level=level)
        found = lib.forward.unpack_dual(d * d, level=level)
        lib.forward.exit_dual_level(level=level)

        def slope(x):
            with lib.forward.dual_level():
                return lib.forward.unpack_dual(lib.forward.make_dual(x, x * 0 + 1).sin()).tangent

        return level, found, slope(lib.tensor(X))

    check(program)


def test_a_dual_tensor_shares_memory_and_shows_its_tangent():
    x = nbautograd.ones(2)
    with forward_ad.dual_level():
        d = forward_ad.make_dual(x, nbautograd.tensor([1.0, 2.0]))
        d.mul_(3)
        assert repr(d) == "tensor([3., 3.], tangent=tensor([3., 6.]))"
        assert forward_ad.unpack_dual(x).tangent is None
    assert x.tolist() == [3.0, 3.0]
    assert repr(d) == "tensor([3., 3.])"


REFUSED = {
    "no level": lambda lib: lib.forward.make_dual(lib.tensor(X), lib.tensor(V)),
    "no level to close": lambda lib: lib.forward.exit_dual_level(),
    "levels inside each other": lambda lib: (lib.forward.enter_dual_level(), lib.forward.enter_dual_level()),
    "a level that is not the last": lambda lib: (lib.forward.enter_dual_level(), lib.forward.exit_dual_level(level=1)),
    "another shape": lambda lib: (
        lib.forward.enter_dual_level(),
        lib.forward.make_dual(lib.tensor(X), lib.tensor([1.0])),
    ),
    "integers": lambda lib: (lib.forward.enter_dual_level(), lib.forward.make_dual(lib.torch.arange(3), lib.tensor(X))),
    "an integer tangent": lambda lib: (
        lib.forward.enter_dual_level(),
        lib.forward.make_dual(lib.tensor(X), lib.torch.arange(3)),
    ),
    "a second tangent": lambda lib: (
        lib.forward.enter_dual_level(),
        lib.forward.make_dual(lib.forward.make_dual(lib.tensor(X), lib.tensor(V)), lib.tensor(V)),
    ),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(program):
    check_refused(program)


# --- functions of one's own ---------------------------------------------------------------------------------------


def scaled(lib, jvp):
    """y = k·x for a number k, and whether x > 2, with a `jvp` to try out."""

    class Scaled(lib.torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.k = k
            ctx.save_for_forward(x)
            ctx.save_for_backward(x)
            return x * k, x.detach() + 1

        @staticmethod
        def backward(ctx, g, h):
            return g * ctx.k, None

    if jvp is not None:
        Scaled.jvp = staticmethod(jvp)
    return Scaled


def right(ctx, t, k):
    assert k is None
    (x,) = ctx.saved_tensors
    return t * ctx.k, t + x * 0


def test_a_functions_own_jvp_gives_its_tangents():
    check(both(lambda lib, d: scaled(lib, right).apply(d, 3)))
    check(both(lambda lib, d: scaled(lib, right).apply(d.sin() * 2, 3)[0].exp()))


def test_a_functions_tangents_are_differentiated_backward():
    def program(lib):
        x = lib.tensor(X, requires_grad=True)
        with lib.forward.dual_level():
            d = lib.forward.make_dual(x, lib.tensor(V))
            tangent = lib.forward.unpack_dual(scaled(lib, right).apply(d**2, 3)[0]).tangent
            return tangent, lib.torch.autograd.grad(tangent.sum(), x)

    check(program)


def test_a_jvp_may_let_go_of_what_it_has_used():
    def program(lib):
        class Exponential(lib.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.result = x.exp()
                return ctx.result.clone()

            @staticmethod
            def jvp(ctx, t):
                result = t * ctx.result
                del ctx.result
                return result

        x = lib.tensor(X, requires_grad=True)
        options = {"check_backward_ad": False, "check_undefined_grad": False, "check_batched_grad": False}
        return lib.torch.autograd.gradcheck(Exponential.apply, (x,), check_forward_ad=True, **options)

    check(program)


def test_a_function_in_place_moves_its_argument():
    def program(lib, d):
        class Twice(lib.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x.mul_(2)

            @staticmethod
            def jvp(ctx, t):
                return t.mul_(2)

        y = d.clone()
        Twice.apply(y)
        return y

    check(both(program))


@pytest.mark.parametrize("zeros", [True, False])
def test_arguments_that_do_not_move_have_zeros_or_nothing(zeros):
    seen = []

    def program(lib, d):
        class Product(lib.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, y, n):
                ctx.set_materialize_grads(zeros)
                return x * y

            @staticmethod
            def jvp(ctx, *tangents):
                seen.append([None if t is None else t.tolist() for t in tangents])
                return tangents[0] * 2

        return Product.apply(d, lib.tensor(X), lib.torch.arange(3))

    check(both(program))
    assert seen[0] == seen[1] == [V, [0.0] * 3 if zeros else None, None]


@pytest.mark.parametrize(
    "jvp",
    [None, lambda ctx, t, k: t, lambda ctx, t, k: (t, 3), lambda ctx, t, k: (t.sum(), t)],
    ids=["no jvp", "too few", "no tensor", "another shape"],
)
def test_a_wrong_jvp_is_refused_in_pytorchs_words(jvp):
    check_refused(both(lambda lib, d: scaled(lib, jvp).apply(d, 3)))


def test_a_saved_output_keeps_its_tangent_for_backward():
    def program(lib):
        class Exponential(lib.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                ctx.save_for_forward(y)
                return y

            @staticmethod
            def backward(ctx, g):
                return g * ctx.saved_tensors[0]

            @staticmethod
            def jvp(ctx, t):
                return t * ctx.saved_tensors[0]

        x = lib.tensor(X, requires_grad=True)
        apply = Exponential.apply if lib is OURS else lib.torch.exp  # PyTorch cannot do it with a function of one's own
        with lib.forward.dual_level():
            d = lib.forward.make_dual(x, lib.tensor(V))
            (g,) = lib.torch.autograd.grad(apply(d).sum(), d, create_graph=True)
            return [t.detach() for t in lib.forward.unpack_dual(g)]

    check(program)
