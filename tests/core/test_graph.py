"""Nodes, places in the graph, hooks on several gradients, anomaly mode: as PyTorch has them."""

import numpy as np
import pytest

import nbautograd
from tests.scenarios import named, same


def vector(t, *values):
    return t.tensor(values or (1.0, 2.0), requires_grad=True)


# --- places in the graph ---


def an_edge_stands_for_an_input(t):
    x = vector(t)
    y = x.exp()
    edge = t.autograd.graph.get_gradient_edge(y)
    return edge.output_nr, edge.node.name(), edge.ownership_token, t.autograd.grad((y * 3).sum(), edge)


def an_edge_stands_for_an_output(t):
    x = vector(t)
    edge = t.autograd.graph.get_gradient_edge(x.exp())
    return t.autograd.grad(edge, x, t.ones(2))


def an_edge_outlives_its_tensor(t):
    x = vector(t)
    y = x.exp()
    edge = t.autograd.graph.get_gradient_edge(y)
    total = (y * y).sum()
    del y
    return t.autograd.grad(total, edge)


def an_edge_outlives_its_leaf(t):
    a = vector(t)
    total, edge = (a * a).sum(), t.autograd.graph.get_gradient_edge(a)
    del a
    return t.autograd.grad(total, edge)


def an_edge_of_a_scalar_needs_no_gradient(t):
    x = vector(t)
    t.autograd.backward(t.autograd.graph.get_gradient_edge(x.exp().sum()))
    return x.grad


def an_edge_of_a_leaf_gets_its_gradient(t):
    x, y = vector(t), vector(t)
    t.autograd.backward((x * y).sum(), inputs=[t.autograd.graph.get_gradient_edge(x)])
    return x.grad, y.grad


def an_edge_made_from_a_node(t):
    x = vector(t)
    return t.autograd.grad(t.autograd.graph.GradientEdge((x * 2).grad_fn, 0), x, t.ones(2))


def edges_of_one_of_several_outputs(t):
    x = vector(t)
    a, b = (x * 1).unbind(0)
    first, second = t.autograd.graph.get_gradient_edge(a), t.autograd.graph.get_gradient_edge(b)
    both = t.autograd.grad(a * 3 + b * 5, [first, second], retain_graph=True)
    alone = t.autograd.grad(a * 3, [second], allow_unused=True, retain_graph=True)
    return second.output_nr, both, alone, t.autograd.grad(second, x)


def the_gradient_of_an_output_that_backward_used_itself(t):
    x = vector(t)
    values, _ = t.linalg.eigh(t.diag(x))
    (slope,) = t.autograd.grad((values**2).sum(), x, create_graph=True)
    return t.autograd.grad(slope.sum(), values, allow_unused=True)


EDGES = [
    an_edge_stands_for_an_input,
    an_edge_stands_for_an_output,
    an_edge_outlives_its_tensor,
    an_edge_outlives_its_leaf,
    an_edge_of_a_scalar_needs_no_gradient,
    an_edge_of_a_leaf_gets_its_gradient,
    an_edge_made_from_a_node,
    edges_of_one_of_several_outputs,
    the_gradient_of_an_output_that_backward_used_itself,
]


@named(EDGES)
def test_an_edge_can_be_used_like_a_tensor(scenario):
    same(scenario)


def an_edge_of_several_elements_without_gradient(t):
    x = vector(t)
    t.autograd.grad(t.autograd.graph.get_gradient_edge(x.exp()), x)


def an_edge_with_a_gradient_of_another_shape(t):
    x = vector(t)
    t.autograd.grad(t.autograd.graph.get_gradient_edge(x.exp()), x, t.ones(3))


def an_edge_of_what_needs_no_gradient(t):
    t.autograd.graph.get_gradient_edge(t.ones(2))


@named(
    [
        an_edge_of_several_elements_without_gradient,
        an_edge_with_a_gradient_of_another_shape,
        an_edge_of_what_needs_no_gradient,
    ]
)
def test_mistakes_with_edges_get_pytorchs_errors(scenario):
    same(scenario, raises=True)


# --- nodes ---


def nodes_are_instances_of_node(t):
    x = vector(t)
    y = x * 2
    node = t.autograd.graph.Node
    return (
        isinstance(y.grad_fn, node),
        issubclass(type(y.grad_fn), node),
        isinstance(y.grad_fn.next_functions[0][0], node),
        isinstance(x, node),
    )


def a_node_has_a_dictionary_for_anything(t):
    y = vector(t) * 2
    y.grad_fn.metadata["note"] = 3
    return y.grad_fn.metadata, (y * 2).grad_fn.next_functions[0][0].metadata


def hooks_on_nodes_run_round_them(t):
    x, seen = vector(t), []
    y = x.exp()
    y.grad_fn.register_prehook(lambda grads: seen.append(["before", grads]) or (grads[0] * 10,))
    y.grad_fn.register_hook(lambda given, got: seen.append(["after", given, got]) or (given[0] + 1,))
    y.sum().backward()
    return seen, x.grad


def versions_can_be_counted_by_hand(t):
    a, b = t.ones(2), t.ones(2)
    t.autograd.graph.increment_version(a)
    t.autograd.graph.increment_version([a, b])
    return a._version, b._version


def hooks_on_the_node_of_a_leaf_run_round_the_addition(t):
    x, seen = vector(t), []
    node = x.view_as(x).grad_fn.next_functions[0][0]
    node.register_hook(lambda given, got: seen.append([given, got, x.grad.clone()]))
    node.register_prehook(lambda grads: (grads[0] * 2,))
    x.register_hook(lambda g: seen.append(g))
    (x * 3).sum().backward()
    return seen, x.grad


def nodes_can_be_called(t):
    x = vector(t)
    y, parts = x.exp(), x.split(1)
    leaf = y.grad_fn.next_functions[0][0]
    return [
        y.grad_fn(t.ones(2)),
        y.sum().grad_fn(t.tensor(2.0)),
        (x * 2).grad_fn(t.ones(2)),
        (x * x).grad_fn(t.ones(2)),
        parts[1].grad_fn(None, t.ones(1)),
        leaf(t.ones(2)),
        leaf(t.ones(2)),
        x.grad,
    ]


def a_gradient_can_be_withheld(t):
    x = vector(t)
    y = x.exp()
    y.grad_fn.register_prehook(lambda grads: (None,))
    y.sum().backward()
    return x.grad


@named(
    [
        hooks_on_the_node_of_a_leaf_run_round_the_addition,
        nodes_can_be_called,
        a_gradient_can_be_withheld,
        nodes_are_instances_of_node,
        a_node_has_a_dictionary_for_anything,
        hooks_on_nodes_run_round_them,
        versions_can_be_counted_by_hand,
    ]
)
def test_nodes_are_pytorchs(scenario):
    same(scenario)


def after_hook(returned):
    def scenario(t):
        y = vector(t).exp()
        y.grad_fn.register_hook(lambda given, got: returned(given[0]))
        y.sum().backward()

    return scenario


def before_hook(returned):
    def scenario(t):
        y = vector(t).exp()
        y.grad_fn.register_prehook(lambda got: returned(got[0]))
        y.sum().backward()

    return scenario


def a_node_called_after_backward(t):
    y = vector(t).exp()
    y.sum().backward()
    y.grad_fn(t.ones(2))


REFUSED = {
    "a tensor": lambda g: g,
    "a list": lambda g: [g],
    "too many": lambda g: (g, g),
    "a number": lambda g: (1.0,),
}


@pytest.mark.parametrize(
    "scenario",
    [*map(after_hook, REFUSED.values()), *map(before_hook, REFUSED.values()), a_node_called_after_backward],
    ids=[*(f"after: {name}" for name in REFUSED), *(f"before: {name}" for name in REFUSED), "called after backward"],
)
def test_what_hooks_on_nodes_must_not_return_is_refused_in_pytorchs_words(scenario):
    same(scenario, raises=True)


# --- one hook for several gradients ---


def four_tensors(t):
    a, b = (t.tensor([[1.0, 2.0]], requires_grad=True) for _ in range(2))
    return a, b, a * b, a + b


def all_gradients_at_once(t):
    a, b, c, d = four_tensors(t)
    seen = []
    handle = t.autograd.graph.register_multi_grad_hook((a, b, c, d), lambda grads: seen.append(list(grads)))
    c.sum().backward(retain_graph=True)
    c.sum().backward(inputs=(a,), retain_graph=True)
    (c + d).sum().backward(retain_graph=True)
    handle.remove()
    c.sum().backward()
    return seen


def the_first_gradient_of_each_pass(t):
    a, b, c, _ = four_tensors(t)
    seen = []
    handle = t.autograd.graph.register_multi_grad_hook((a, b, c), seen.append, mode="any")
    c.sum().backward(retain_graph=True)
    (c * 2).sum().backward(retain_graph=True)
    handle.remove()
    c.sum().backward()
    return seen


@named([all_gradients_at_once, the_first_gradient_of_each_pass])
def test_one_hook_for_several_gradients(scenario):
    same(scenario)


def another_mode(t):
    t.autograd.graph.register_multi_grad_hook((vector(t),), print, mode="some")


def test_another_mode_is_refused():
    same(another_mode, raises=True)


# --- anomaly mode ---


def a_gradient_that_is_not_a_number(t):
    x = vector(t, 0.0, -1.0)
    with t.autograd.set_detect_anomaly(True):
        x.sqrt().sum().backward()


def a_value_changed_in_place(t):
    with t.autograd.set_detect_anomaly(True):
        y = vector(t).exp()
        z = y * y
        y.add_(1)
        z.sum().backward()


def a_node_made_before_anomaly_mode(t):
    y = vector(t, -1.0).sqrt()
    with t.autograd.set_detect_anomaly(True):
        y.sum().backward()


def a_failure_in_the_second_derivative(t):
    x = vector(t, 0.0)
    with t.autograd.set_detect_anomaly(True):
        y = x * x
        (slope,) = t.autograd.grad((y**1.5).sum(), x, create_graph=True)
        slope.sqrt().sum().backward()


@named(
    [
        a_gradient_that_is_not_a_number,
        a_value_changed_in_place,
        a_node_made_before_anomaly_mode,
        a_failure_in_the_second_derivative,
    ]
)
def test_anomaly_mode_warns_and_raises_as_pytorch_does(scenario):
    same(scenario, raises=True)


def switches_of_anomaly_mode(t):
    seen = []

    def note():
        seen.append((t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()))

    with t.autograd.set_detect_anomaly(True):
        note()
        with t.autograd.set_detect_anomaly(False):
            note()
        with t.autograd.set_detect_anomaly(True, check_nan=False):
            note()
            vector(t, -1.0).sqrt().sum().backward()
        note()
    note()
    return seen


def test_anomaly_mode_can_be_nested_and_told_not_to_look_for_nan():
    same(switches_of_anomaly_mode)


def a_block_of_anomaly_mode(t):
    with t.autograd.detect_anomaly():
        inside = t.is_anomaly_enabled()
    return inside, t.is_anomaly_enabled()


def test_a_block_of_anomaly_mode_warns_of_its_cost():
    same(a_block_of_anomaly_mode)


def test_the_error_and_the_warning_quote_the_line_that_made_the_node():
    x = nbautograd.tensor([-1.0], requires_grad=True)
    with nbautograd.autograd.set_detect_anomaly(True):
        y = x.sqrt()  # the line in question
    with (
        nbautograd.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="Error detected in SqrtBackward0(.|\n)*# the line in question"),
        np.errstate(all="ignore"),
        pytest.raises(RuntimeError, match="# the line in question"),
    ):
        y.backward()


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("a * b", 2), ("a.addcmul(b, c)", 2), ("a.addcdiv(b, c)", 2), ("a.lerp(b, c)", 2), ("a**b", 2),
        ("torch.maximum(a, b)", 2), ("torch.atan2(a, b)", 2), ("torch.clamp(a, b, c)", 3), ("torch.mv(a, b[0])", 1),
    ],
)  # fmt: skip
def test_of_several_changed_values_pytorchs_error_tells_the_one_that_it_looks_at_first(form: str, first: int) -> None:
    values = [nbautograd.full((3, 3), 0.3 + 0.1 * i, requires_grad=True) * 1 for i in range(3)]
    out = eval(form, dict(zip("abc", values, strict=True), torch=nbautograd))
    for changes, value in enumerate(values, 1):
        for _ in range(changes):
            value.detach().mul_(1.0)
    with pytest.raises(RuntimeError, match=f"is at version {first};"):
        out.sum().backward()
