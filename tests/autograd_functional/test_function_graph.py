"""Custom functions in the graph: what `grad_fn` shows, defaults, views, modes, functions of functions."""

import pytest

from tests.scenarios import named, same


def vector(t):
    return t.tensor([1.0, 2.0], requires_grad=True)


def function(t, forward, backward, **more):
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Fn", (t.autograd.Function,), {**methods, **{k: staticmethod(v) for k, v in more.items()}})


def keeping(ctx, a, k=2):
    ctx.save_for_backward(a)
    ctx.k = k
    return a * k


def times_k(ctx, g):
    return g * ctx.k, None


def the_context_is_the_node(t):
    x = vector(t)
    y = function(t, keeping, times_k).apply(x, 3)
    node = y.grad_fn
    before = (
        node.saved_tensors[0] is x,
        node.k,
        node.needs_input_grad,
        node.name(),
        isinstance(node, t.autograd.graph.Node),
    )
    y.sum().backward()
    return before, node.k, x.grad


def backward_without_its_tensors_may_run_twice(t):
    x = vector(t)
    y = function(t, keeping, times_k).apply(x, 3).sum()
    y.backward()
    y.backward()
    return x.grad


def keywords_and_defaults(t):
    with_context = function(t, keeping, times_k)
    bare = function(t, lambda a, k=2: a * k, times_k, setup_context=lambda ctx, i, o: setattr(ctx, "k", i[1]))
    x = vector(t)
    return [
        f.apply(x, *args, **kwargs).grad_fn.k
        for f in (with_context, bare)
        for args, kwargs in (((), {}), ((3,), {}), ((), {"k": 4}))
    ]


def a_name_is_known_in_backward(t):
    seen = []
    f = function(t, keeping, lambda ctx, g: seen.append((ctx.name(), ctx.needs_input_grad)) or (g, None))
    f.apply(vector(t), 3).sum().backward()
    return seen


def a_view_changed_in_place_by_a_function(t):
    def double(ctx, a):
        ctx.mark_dirty(a)
        return a.mul_(2)

    x = vector(t)
    base = x * 1
    part = function(t, double, lambda ctx, g: g * 2).apply(base[:1])
    loose = t.ones(2)
    function(t, double, lambda ctx, g: g * 2).apply(loose)
    return part.detach(), base.detach(), t.autograd.grad(base.sum(), x), loose, loose._version


def one_input_dirty_of_two(t):
    def forward(ctx, a, b):
        ctx.mark_dirty(a)
        return a.add_(b), b * 2

    x = vector(t)
    p, q = function(t, forward, lambda ctx, g, h: (g, g + 2 * h)).apply(x * 1, x * 3)
    return p.detach(), q.detach(), t.autograd.grad((p * q).sum(), x)


def integers_and_lists_among_the_arguments(t):
    x = vector(t)
    f = function(t, lambda ctx, a, b, c: a * 2, lambda ctx, g: (g, None, None))
    f.apply(x, t.tensor([1, 2]), [x]).sum().backward()
    return x.grad, f.apply(x, 3, "text").requires_grad, function(t, lambda ctx, n: n + 1, None).apply(3)


def a_list_is_no_output(t):
    return function(t, lambda ctx, a: [a * 2], None).apply(vector(t))


def functions_of_functions(t):
    def slope_of(ctx, a, g):
        ctx.save_for_backward(a, g)
        return 3 * a**2 * g

    def bend_of(ctx, gg):
        a, g = ctx.saved_tensors
        return gg * 6 * a * g, gg * 3 * a**2

    slope = function(t, slope_of, bend_of)

    def cube(ctx, a):
        ctx.save_for_backward(a)
        return a**3

    f = function(t, cube, lambda ctx, g: slope.apply(*ctx.saved_tensors, g))
    x = vector(t)
    (first,) = t.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    (second,) = t.autograd.grad(first.sum(), x, create_graph=True)
    return first.detach(), second.detach(), t.autograd.grad(second.sum(), x)


def it_passes_gradcheck(t):
    f = function(
        t,
        lambda ctx, a: ctx.save_for_backward(a) or a**3,
        lambda ctx, g: 3 * ctx.saved_tensors[0] ** 2 * g,
    )
    x = t.tensor([0.5, 1.5], dtype=t.float64, requires_grad=True)
    return t.autograd.gradcheck(f.apply, (x,)), t.autograd.gradgradcheck(f.apply, (x,))


def a_graph_of_its_own_in_backward(t):
    def backward(ctx, g):
        with t.enable_grad():
            z = ctx.saved_tensors[0].detach().requires_grad_()
            (z * z).sum().backward()
        return g * z.grad, None

    x = vector(t)
    function(t, keeping, backward).apply(x).sum().backward()
    return x.grad


def outputs_in_inference_mode(t):
    with t.inference_mode():
        return function(t, keeping, times_k).apply(vector(t)).requires_grad


def vjp_is_another_name_for_backward(t):
    x = vector(t)
    forward = staticmethod(lambda ctx, a: a * 2)
    f = type("Fn", (t.autograd.Function,), {"forward": forward, "vjp": staticmethod(lambda ctx, g: g * 5)})
    f.apply(x).sum().backward()
    return x.grad


@named(
    [
        the_context_is_the_node,
        backward_without_its_tensors_may_run_twice,
        keywords_and_defaults,
        a_name_is_known_in_backward,
        a_view_changed_in_place_by_a_function,
        one_input_dirty_of_two,
        integers_and_lists_among_the_arguments,
        a_list_is_no_output,
        functions_of_functions,
        it_passes_gradcheck,
        a_graph_of_its_own_in_backward,
        outputs_in_inference_mode,
        vjp_is_another_name_for_backward,
    ]
)
def test_a_function_is_in_the_graph_as_pytorchs_is(scenario):
    same(scenario)


def saved_tensors_after_backward(t):
    y = function(t, keeping, times_k).apply(vector(t))
    y.sum().backward()
    y.grad_fn.saved_tensors  # noqa: B018


def backward_and_vjp_both(t):
    f = function(t, keeping, times_k, vjp=times_k)
    f.apply(vector(t)).sum().backward()


def an_attribute_that_was_never_set(t):
    function(t, keeping, times_k).apply(vector(t)).grad_fn.nothing  # noqa: B018


def changed(forward, change, backward=None):
    """A scenario that changes in place what a function has returned."""

    def scenario(t):
        y = function(t, forward, backward or times_k).apply(vector(t))
        change(y)

    return scenario


VIEWS = {
    "a view": changed(lambda ctx, a: a.view(2, 1), lambda y: y.mul_(2)),
    "a view of a view": changed(lambda ctx, a: a.view(2, 1), lambda y: y.view(2).mul_(2)),
    "an item of a view": changed(lambda ctx, a: a.view(2, 1), lambda y: y[0].zero_()),
    "an input": changed(lambda ctx, a: a, lambda y: y.add_(1)),
    "a view of something new": changed(lambda ctx, a: (a * 2).view(2, 1), lambda y: y.add_(1)),
    "one of several views": changed(lambda ctx, a: (a[0], a[1]), lambda y: y[0].add_(1)),
}


@pytest.mark.parametrize("scenario", VIEWS.values(), ids=VIEWS)
def test_a_view_that_a_function_returned_must_not_be_changed(scenario):
    same(scenario, raises=True)


def returned_views_may_be_copied(t):
    x = vector(t)
    y = function(t, lambda ctx, a: a.view(2, 1), lambda ctx, g: g.view(2) * 3).apply(x)
    z = y.clone().mul_(2)
    with t.no_grad():
        y.mul_(5)
    z.sum().backward()
    return x.grad, y.detach(), function(t, lambda ctx, a: a.detach(), lambda ctx, g: g).apply(x).mul_(2).requires_grad


def test_a_view_that_a_function_returned_may_be_copied_and_changed_unrecorded():
    same(returned_views_may_be_copied)


def base_changed(forward, change=lambda b: b.mul_(2), use=lambda y: y[0].sum()):
    """A scenario that changes what a function has returned a view of, and then uses the view."""

    def scenario(t):
        b = vector(t).clone()
        y = function(t, forward, times_k).apply(b)
        change(b)
        use(y if isinstance(y, tuple) else (y,)).backward()

    return scenario


STALE = {
    "a view": base_changed(lambda ctx, a: a.view(2, 1)),
    "an input": base_changed(lambda ctx, a: a),
    "one of several views": base_changed(lambda ctx, a: (a.view(2, 1), a[0])),
    "a part of the base": base_changed(lambda ctx, a: a.view(2, 1), lambda b: b[0].zero_()),
    "its history": base_changed(lambda ctx, a: a.view(2, 1), use=lambda y: y[0].grad_fn),
    "its own change": base_changed(lambda ctx, a: a.view(2, 1), use=lambda y: y[0].mul_(3).sum()),
}


@pytest.mark.parametrize("scenario", STALE.values(), ids=STALE)
def test_a_view_that_a_function_returned_must_not_be_used_when_its_memory_was_changed(scenario):
    same(scenario, raises=True)


def used_before_the_change(t):
    x = vector(t)
    b = x.clone()
    y = function(t, lambda ctx, a: a.view(2, 1), lambda ctx, g: g.view(2) * 3).apply(b)
    used = (y * 5).sum()
    b.mul_(2)
    used.backward()
    return x.grad, y.detach(), "Invalid" in repr(y)


def test_a_view_that_a_function_returned_may_be_used_before_its_memory_is_changed():
    same(used_before_the_change)


@named([saved_tensors_after_backward, backward_and_vjp_both, an_attribute_that_was_never_set])
def test_mistakes_get_pytorchs_errors(scenario):
    same(scenario, raises=True)


def test_old_names_are_there():
    function_module = pytest.importorskip("nbautograd.autograd.function")
    assert issubclass(function_module.InplaceFunction, function_module.Function)
    assert function_module.InplaceFunction(inplace=True).inplace
