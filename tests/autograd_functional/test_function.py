"""Custom functions do what PyTorch's do: values, gradients, graph, and the errors of each mistake."""

import gc
import weakref

import pytest

import nbautograd


def function(t, forward, backward, name="Fn", **more):
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward), **more}
    return type(name, (t.autograd.Function,), methods)


def xy(t):
    return (t.tensor(values, dtype=t.float64, requires_grad=True) for values in ([1.0, 2.0], [3.0, 4.0]))


def keep(value, forward=lambda a: a * a):
    def run(ctx, a):
        ctx.save_for_backward(value(ctx, a))
        return forward(a)

    return run


def said(value):
    """A result as plain Python, so that both libraries' can be compared."""
    if isinstance(value, tuple | list):
        return [said(v) for v in value]
    if hasattr(value, "grad_fn"):
        name = None if value.grad_fn is None else value.grad_fn.name()
        return (value.tolist(), value.requires_grad, name)
    return value


def outcome(scenario, t):
    try:
        return said(scenario(t))
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0].split(" (Example")[0].removesuffix(".")


def double(ctx, g):
    return 2 * g


# --- what works ---


def a_square(t):
    x, _ = xy(t)
    square = function(t, keep(lambda ctx, a: a), lambda ctx, g: 2 * g * ctx.saved_tensors[0])
    y = square.apply(x)
    y.sum().backward()
    return y, x.grad, y.grad_fn.name(), type(y.grad_fn).__name__, len(y.grad_fn.next_functions)


def two_arguments_and_a_number(t):
    x, y = xy(t)

    def forward(ctx, a, b, n):
        ctx.save_for_backward(a, b)
        ctx.n = n
        return a * b * n

    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b * ctx.n, g * a * ctx.n, None

    f = function(t, forward, backward)
    z = f.apply(x, y.detach(), 3)
    z.sum().backward()
    return z, x.grad, y.grad, [fn[0].name() for fn in f.apply(x, y, 3).grad_fn.next_functions]


def the_setup_context_form(t):
    seen = []

    class Product(t.autograd.Function):
        @staticmethod
        def forward(a, b, n):
            return a * b * n

        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append((type(inputs).__name__, len(inputs)))
            ctx.save_for_backward(*inputs[:2], output)
            ctx.n = inputs[2]

        @staticmethod
        def backward(ctx, g):
            a, b, out = ctx.saved_tensors
            seen.append((ctx.needs_input_grad, said(out)[0]))
            return g * b * ctx.n, g * a * ctx.n, None

    x, y = xy(t)
    Product.apply(x, y.detach(), 2).sum().backward()
    return seen, x.grad


def several_outputs(t):
    seen = []

    def backward(ctx, g, h):
        seen.append((g.tolist(), h.tolist()))
        return 2 * g + 3 * h

    f = function(t, lambda ctx, a: (a * 2, a * 3), backward)
    x, _ = xy(t)
    a, b = f.apply(x)
    a.sum().backward()
    c, d = f.apply(x)
    (c * d).sum().backward()
    return a, b, b.output_nr, a.grad_fn is b.grad_fn, seen, x.grad


def gradients_left_as_none(t):
    seen = []

    def forward(ctx, a):
        ctx.set_materialize_grads(False)
        return a * 2, a * 3

    def backward(ctx, g, h):
        seen.append((g is None, h is None))
        return g

    x, _ = xy(t)
    function(t, forward, backward).apply(x)[0].sum().backward()
    return seen, x.grad


def an_output_without_gradient(t):
    def forward(ctx, a):
        out, flags, rounded = a * 2, a > 1, a.round()
        ctx.mark_non_differentiable(flags, rounded)
        return out, flags, rounded

    x, _ = xy(t)
    out, flags, rounded = function(t, forward, lambda ctx, g, h, r: g * 2).apply(x)
    out.sum().backward()
    return out, flags, rounded, x.grad


def outputs_that_are_no_tensors(t):
    x, _ = xy(t)
    f = function(t, lambda ctx, a: (a * 2, "text", None), lambda ctx, g, text, none: g * 2 if text is None else None)
    y, text, none = f.apply(x)
    y.sum().backward()
    return y, text, none, x.grad


def an_input_passed_through(t):
    x, _ = xy(t)
    f = function(t, lambda ctx, a: a, lambda ctx, g: g * 10)
    y = f.apply(x)
    y.sum().backward()
    return y, y is x, x.grad, x.is_leaf


def an_input_changed_in_place(t):
    def forward(ctx, a):
        a.mul_(2)
        ctx.mark_dirty(a)
        return a

    x, _ = xy(t)
    w = x * 1
    y = function(t, forward, double).apply(w)
    y.sum().backward()
    return y, y is w, w, x.grad


def a_gradient_that_is_broadcast(t):
    x, _ = xy(t)
    function(t, lambda ctx, a: a.sum(), lambda ctx, g: t.ones(3, 2, dtype=t.float64)).apply(x).backward()
    return x.grad


def a_gradient_of_another_dtype(t):
    x, _ = xy(t)
    function(t, lambda ctx, a: a * 2, lambda ctx, g: g.float()).apply(x).sum().backward()
    return x.grad


def no_gradient_at_all(t):
    x, _ = xy(t)
    function(t, lambda ctx, a: a * 2, lambda ctx, g: None).apply(x).sum().backward()
    return x.grad


def trailing_nones(t):
    x, _ = xy(t)
    function(t, lambda ctx, a: a * 2, lambda ctx, g: (g, None, None)).apply(x).sum().backward()
    return x.grad


def nothing_recorded(t):
    x, _ = xy(t)
    f = function(t, lambda ctx, a: a * 2, double)
    with t.no_grad():
        y = f.apply(x)
    return y, f.apply(x.detach())


def modes_inside(t):
    seen = []

    def forward(ctx, a):
        seen.append(t.is_grad_enabled())
        return a * 2

    def backward(ctx, g):
        seen.append((t.is_grad_enabled(), ctx.needs_input_grad))
        return g * 2

    x, _ = xy(t)
    f = function(t, forward, backward)
    f.apply(x).sum().backward()
    t.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return seen


def a_second_derivative(t):
    x, _ = xy(t)
    cube = function(t, keep(lambda ctx, a: a, lambda a: a**3), lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2)
    (slope,) = t.autograd.grad(cube.apply(x).sum(), x, create_graph=True)
    (bend,) = t.autograd.grad(slope.sum(), x, create_graph=True)
    return slope.tolist(), bend.tolist(), t.autograd.grad(bend.sum(), x)


def a_second_derivative_through_the_output(t):
    def forward(ctx, a):
        out = a.exp()
        ctx.save_for_backward(out)
        return out

    x, _ = xy(t)
    f = function(t, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    (slope,) = t.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return slope.tolist(), t.autograd.grad(slope.sum(), x)


def a_second_derivative_through_one_of_two_outputs(t):
    def forward(ctx, a):
        out, other = a.exp(), a * 2
        ctx.save_for_backward(out)
        return other, out

    x, _ = xy(t)
    f = function(t, forward, lambda ctx, g, h: 2 * g + h * ctx.saved_tensors[0])
    (slope,) = t.autograd.grad(f.apply(x)[1].sum(), x, create_graph=True)
    return slope.tolist(), t.autograd.grad(slope.sum(), x)


def a_graph_kept_for_a_second_pass(t):
    x, _ = xy(t)
    y = function(t, keep(lambda ctx, a: a), lambda ctx, g: 2 * g * ctx.saved_tensors[0]).apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


def a_second_pass_with_nothing_saved(t):
    x, _ = xy(t)
    y = function(t, lambda ctx, a: a * 2, double).apply(x).sum()
    y.backward()
    y.backward()
    return x.grad


def hooks_on_the_node(t):
    x, _ = xy(t)
    y = function(t, lambda ctx, a: a * 2, double).apply(x)
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.grad_fn.register_hook(lambda gi, go: seen.append((gi[0].tolist(), go[0].tolist())))
    y.sum().backward()
    return seen


def only_one_input_wanted(t):
    x, y = xy(t)
    z = function(t, lambda ctx, a, b: a * b, lambda ctx, g: (g * 2, g * 3)).apply(x, y)
    return t.autograd.grad(z.sum(), y)


def saved_nothing_and_none(t):
    def forward(ctx, a):
        ctx.save_for_backward(a, None)
        return a * 2

    seen = []
    x, _ = xy(t)
    function(t, forward, lambda ctx, g: (seen.append(ctx.saved_tensors[1]), g)[1]).apply(x).sum().backward()
    return seen


# --- mistakes ---


def applied(backward, *args, forward=lambda ctx, a, *rest: a * 2):
    def scenario(t):
        x, _ = xy(t)
        function(t, forward, lambda ctx, *g: backward(t, *g)).apply(x, *args).sum().backward()
        return x.grad

    return scenario


def a_missing_gradient(t):
    x, y = xy(t)
    function(t, lambda ctx, a, b: a * b, lambda ctx, g: g).apply(x, y).sum().backward()


def a_number_as_gradient(t):
    x, y = xy(t)
    function(t, lambda ctx, a, b: a * 2, lambda ctx, g: (g, 3.0)).apply(x, y).sum().backward()


def a_number_saved(t):
    x, _ = xy(t)
    function(t, keep(lambda ctx, a: 3), double).apply(x)


def a_second_backward(t):
    x, _ = xy(t)
    y = function(t, keep(lambda ctx, a: a), lambda ctx, g: 2 * g * ctx.saved_tensors[0]).apply(x).sum()
    y.backward()
    y.backward()


def a_leaf_marked_dirty(t):
    def forward(ctx, a):
        ctx.mark_dirty(a)
        return a.mul_(2)

    x, _ = xy(t)
    function(t, forward, double).apply(x)


def a_dirty_input_not_returned(t):
    def forward(ctx, a):
        ctx.mark_dirty(a)
        return a * 2

    x, _ = xy(t)
    function(t, forward, double).apply(x * 1)


def no_forward(t):
    x, _ = xy(t)
    type("Fn", (t.autograd.Function,), {}).apply(x)


def no_backward(t):
    x, _ = xy(t)
    forward = staticmethod(lambda ctx, a: a * 2)
    type("Fn", (t.autograd.Function,), {"forward": forward}).apply(x).sum().backward()


def an_instance_called(t):
    x, _ = xy(t)
    function(t, lambda ctx, a: a * 2, double)()(x)


def differentiated_twice(t):
    x, _ = xy(t)
    once = t.autograd.function.once_differentiable
    f = function(t, keep(lambda ctx, a: a), once(lambda ctx, g: 2 * g * ctx.saved_tensors[0]))
    (slope,) = t.autograd.grad((f.apply(x) ** 2).sum(), x, create_graph=True)
    assert slope.tolist() == [4.0, 32.0]
    slope.sum().backward()


WORKING = [
    a_square,
    two_arguments_and_a_number,
    the_setup_context_form,
    several_outputs,
    gradients_left_as_none,
    an_output_without_gradient,
    outputs_that_are_no_tensors,
    an_input_passed_through,
    an_input_changed_in_place,
    a_gradient_that_is_broadcast,
    a_gradient_of_another_dtype,
    no_gradient_at_all,
    trailing_nones,
    nothing_recorded,
    modes_inside,
    a_second_derivative,
    a_second_derivative_through_the_output,
    a_second_derivative_through_one_of_two_outputs,
    a_graph_kept_for_a_second_pass,
    a_second_pass_with_nothing_saved,
    hooks_on_the_node,
    only_one_input_wanted,
    saved_nothing_and_none,
]
MISTAKES = [
    a_missing_gradient,
    a_number_as_gradient,
    a_number_saved,
    a_second_backward,
    a_leaf_marked_dirty,
    a_dirty_input_not_returned,
    no_forward,
    no_backward,
    an_instance_called,
    differentiated_twice,
]
MISTAKES_WITH_NAMES = {
    "a gradient too many": applied(lambda t, g: (g, g)),
    "a gradient for a number": applied(lambda t, g: (g, g), 3),
    "a wrong shape": applied(lambda t, g: t.ones(3)),
    "a shape too small": applied(lambda t, g: t.ones(1)),
}


@pytest.mark.parametrize("scenario", WORKING, ids=lambda f: f.__name__)
def test_it_does_what_pytorch_does(scenario):
    torch = pytest.importorskip("torch")
    found, reference = outcome(scenario, nbautograd), outcome(scenario, torch)
    assert found == reference
    assert not (isinstance(found, tuple) and str(found[0]).endswith("Error"))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("scenario", [*MISTAKES, *MISTAKES_WITH_NAMES.values()], ids=lambda f: f.__name__)
def test_a_mistake_gets_pytorchs_error(scenario):
    torch = pytest.importorskip("torch")
    found, reference = outcome(scenario, nbautograd), outcome(scenario, torch)
    assert reference[0].endswith("Error")
    assert found[0] == reference[0]
    assert found[1] == reference[1]


@pytest.mark.parametrize("value", [[1.0, 2.0], 1.0])
def test_a_saved_tensor_changed_in_place_is_noticed(value):
    x = nbautograd.tensor(value, requires_grad=True)
    y = function(nbautograd, keep(lambda ctx, a: a), lambda ctx, g: 2 * g * ctx.saved_tensors[0]).apply(x)
    with nbautograd.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.* is at version 1; expected version 0"):
        y.sum().backward()


def test_a_node_lets_go_of_what_was_saved_after_backward():
    arrays = []

    def forward(ctx, a):
        kept = a * 2
        ctx.save_for_backward(kept)
        ctx.note = "stays"
        arrays.append(weakref.ref(kept._data))
        return a * 2

    x = nbautograd.ones(2, requires_grad=True)
    y = function(nbautograd, forward, double).apply(x)
    (gone,) = arrays
    assert gone() is not None
    y.sum().backward()
    gc.collect()
    assert gone() is None
    assert y.grad_fn.note == "stays"


def test_a_trace_shows_one_op_for_the_whole_function():
    import nbautograd as nb

    x = nb.tensor([1.0, 2.0], requires_grad=True)
    f = function(nb, keep(lambda ctx, a: a), lambda ctx, g: 2 * g * ctx.saved_tensors[0], name="Square")
    with nb.trace() as t:
        f.apply(x).sum().backward()
    assert [op.name for op in t.ops] == ["Square", "sum"]
    assert t.ops[0].node == "SquareBackward"


def test_variable_gives_a_tensor_that_shares_memory():
    x = nbautograd.tensor([1.0])
    v = nbautograd.autograd.Variable(x, requires_grad=True)
    assert v.requires_grad
    assert isinstance(x, nbautograd.autograd.Variable)
    x[0] = 3
    assert v.item() == 3
