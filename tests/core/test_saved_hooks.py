"""Hooks for saved tensors, `grad_fn._saved_…`, changing what backward needs: as PyTorch has it."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import nbautograd
from tests.scenarios import named, same


def vector(t, *values):
    return t.tensor(values or (1.0, 2.0), requires_grad=True)


def hooks(t, pack, unpack=lambda packed: packed):
    return t.autograd.graph.saved_tensors_hooks(pack, unpack)


# --- what packs sees, and what backward gets ---


def inputs_are_packed_as_they_are_and_results_with_their_node(t):
    x, seen = vector(t), []

    def pack(tensor):
        seen.append((tensor is x, tensor.requires_grad, tensor.is_leaf, tensor))
        return tensor

    with hooks(t, pack):
        ((x * 3).exp() * x).sigmoid()
    return seen


def every_kind_of_op_hands_over_what_it_saves(t):
    x, seen = vector(t), []
    with hooks(t, lambda tensor: seen.append(tensor.detach()) or tensor):
        t.nn.functional.softmax(x, 0)
        t.cat([x, x])
        t.stack([x, x])
        x.pow(2)
        x + 1
        t.nn.functional.linear(t.ones(1, 2), x.view(1, 2), None)
    return seen


def numbers_are_not_packed(t):
    seen = []
    with hooks(t, lambda tensor: seen.append(tensor) or tensor):
        vector(t) * 2
    return seen


def unpacked_values_are_what_backward_computes_with(t):
    x = vector(t)
    with hooks(t, lambda tensor: tensor * 2, lambda packed: packed * 5):
        y = x.exp().sum()
    y.backward()
    return x.grad


def anything_can_be_packed(t):
    x = vector(t)
    with hooks(t, lambda tensor: tensor.tolist(), t.tensor):
        y = (x * x).exp().sum()
    y.backward()
    return x.grad


def the_innermost_hooks_count(t):
    x, seen = vector(t), []
    with hooks(t, lambda tensor: seen.append("outer") or tensor):
        x.exp()
        with hooks(t, lambda tensor: seen.append("inner") or tensor):
            x.exp()
        x.exp()
    x.exp()
    return seen


def hooks_run_without_recording(t):
    x, seen = vector(t), []
    with hooks(t, lambda tensor: seen.append(t.is_grad_enabled()) or (tensor * 1)):
        x.exp()
    return seen, t.is_grad_enabled()


def second_derivatives_go_through_hooks(t):
    x = vector(t)
    with hooks(t, lambda tensor: tensor.numpy(force=True).copy(), t.from_numpy):
        (slope,) = t.autograd.grad((x**3).exp().sum() * 1e-3, x, create_graph=True)
    return slope.detach(), t.autograd.grad(slope.sum(), x)


def changes_in_place_are_packed_with_their_new_values(t):
    x = vector(t)
    with hooks(t, lambda tensor: tensor.clone()):
        v = x * 1
        w = v.mul_(x).exp_()
        w[0] = w[0] * 2
        w.sigmoid_()
    w.sum().backward()
    return x.grad


def a_change_after_packing_a_copy_is_no_error(t):
    x = vector(t)
    with hooks(t, lambda tensor: tensor.clone()):
        y = x.exp()
        z = y * y
    y.add_(1)
    z.sum().backward()
    return x.grad


def a_custom_function_saves_through_hooks(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a, a.exp())
            return a * a

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    x, seen = vector(t), []
    with hooks(t, lambda tensor: seen.append(tensor.detach()) or tensor, lambda packed: seen.append("un") or packed):
        Square.apply(x).sum().backward()
    return seen, x.grad


def a_graph_kept_is_unpacked_again(t):
    x, seen = vector(t), []
    with hooks(t, lambda tensor: tensor, lambda packed: seen.append("un") or packed):
        y = x.exp().sum()
    y.backward(retain_graph=True)
    y.backward()
    return seen, x.grad


def save_on_cpu_changes_nothing_on_the_cpu(t):
    x = vector(t)
    with t.autograd.graph.save_on_cpu():
        y = (x * x).exp()
    with t.autograd.graph.save_on_cpu(pin_memory=True):
        z = y * x
    z.sum().backward()
    return x.grad


PACKING = [
    inputs_are_packed_as_they_are_and_results_with_their_node,
    every_kind_of_op_hands_over_what_it_saves,
    numbers_are_not_packed,
    unpacked_values_are_what_backward_computes_with,
    anything_can_be_packed,
    the_innermost_hooks_count,
    hooks_run_without_recording,
    second_derivatives_go_through_hooks,
    changes_in_place_are_packed_with_their_new_values,
    a_change_after_packing_a_copy_is_no_error,
    a_custom_function_saves_through_hooks,
    a_graph_kept_is_unpacked_again,
    save_on_cpu_changes_nothing_on_the_cpu,
]


@named(PACKING)
def test_hooks_see_and_give_what_they_do_in_pytorch(scenario):
    same(scenario)


# --- mistakes ---


def a_pack_hook_that_changes_its_tensor(t):
    with hooks(t, lambda tensor: tensor.add_(1)):
        vector(t).clone().exp()


def an_unpack_hook_that_returns_no_tensor(t):
    with hooks(t, lambda tensor: tensor, lambda packed: 3):
        y = vector(t).exp()
    y.sum().backward()


def a_pack_hook_that_fails(t):
    def pack(tensor):
        raise KeyError("mine")

    with hooks(t, pack):
        vector(t).exp()


def hooks_where_they_are_disabled(t):
    with t.autograd.graph.disable_saved_tensors_hooks("not here"), hooks(t, lambda tensor: tensor):
        pass


def disabling_where_hooks_are(t):
    with hooks(t, lambda tensor: tensor), t.autograd.graph.disable_saved_tensors_hooks("not here"):
        pass


MISTAKES = [
    a_pack_hook_that_changes_its_tensor,
    an_unpack_hook_that_returns_no_tensor,
    a_pack_hook_that_fails,
    hooks_where_they_are_disabled,
    disabling_where_hooks_are,
]


@named(MISTAKES)
def test_mistakes_with_hooks_get_pytorchs_errors(scenario):
    same(scenario, raises=True)


def test_after_an_error_nothing_is_left_switched_on():
    from nbautograd.core.modes import local, state

    before = state.special
    for scenario in MISTAKES:
        with pytest.raises((RuntimeError, TypeError, KeyError)):
            scenario(nbautograd)
    assert state.special == before
    assert local.saved_hooks == ()
    assert local.saved_hooks_refused is None


def test_what_hooks_packed_is_freed_with_the_graph():
    class Held:
        def __init__(self, tensor):
            self.array = tensor.detach().numpy().copy()

    held = []

    def pack(tensor):
        packed = Held(tensor)
        held.append(weakref.ref(packed))
        return packed

    x = nbautograd.ones(3, requires_grad=True)
    with hooks(nbautograd, pack, lambda packed: nbautograd.from_numpy(packed.array)):
        y = x.exp().sum()
    assert held[0]() is not None
    y.backward()
    gc.collect()
    assert held[0]() is None


def test_packing_in_half_precision_halves_what_a_graph_holds():
    def held_by(context):
        x = nbautograd.ones(64, 1024, requires_grad=True)
        tracemalloc.start()
        with context:
            y = x
            for _ in range(10):
                y = y.sigmoid()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        y.sum().backward()
        return size

    half = hooks(nbautograd, lambda tensor: tensor.half(), lambda packed: packed.float())
    assert held_by(half) < 0.62 * held_by(nbautograd.enable_grad())


def test_a_trace_goes_on_where_values_are_packed():
    x = nbautograd.tensor([1.0, 2.0], requires_grad=True)
    with nbautograd.trace() as trace, hooks(nbautograd, lambda tensor: tensor.tolist(), nbautograd.tensor):
        y = (x * x).sin().sum()
        y.backward()
    assert [op.name for op in trace.ops] == ["mul", "sin", "sum"]
    assert len(trace.passes) == 1
    assert x.grad is not None


# --- what a node shows of it ---


def saved_values_under_pytorchs_names(t):
    x, y = vector(t), vector(t, 3.0, 4.0)
    z = x.exp()
    return (
        (x * y).grad_fn._saved_self is x,
        (x * y).grad_fn._saved_other is y,
        x.pow(2).grad_fn._saved_self is x,
        x.pow(2).grad_fn._saved_exponent,
        z.grad_fn._saved_result is z,
        z.grad_fn._saved_result.grad_fn is z.grad_fn,
        (x.diag() @ y).grad_fn._saved_vec is y,
        (x @ y).grad_fn._saved_tensor is y,
        t.nn.functional.mse_loss(x, y).grad_fn._saved_target is y,
        (x * 2).grad_fn._saved_other,
        (x * 2).grad_fn._saved_self,
        (z * y).grad_fn._saved_self,
    )


def hooks_for_one_saved_tensor(t):
    x = vector(t)
    y = x * x
    y.grad_fn._raw_saved_self.register_hooks(lambda tensor: tensor * 10, lambda packed: packed)
    y.sum().backward()
    return x.grad


def a_second_pair_of_hooks_for_one_saved_tensor(t):
    y = vector(t) * vector(t)
    for _ in range(2):
        y.grad_fn._raw_saved_self.register_hooks(lambda tensor: tensor, lambda packed: packed)


def hooks_for_a_freed_tensor(t):
    y = vector(t) * vector(t)
    raw = y.grad_fn._raw_saved_self
    y.sum().backward()
    raw.register_hooks(lambda tensor: tensor, lambda packed: packed)


def a_freed_value(t):
    y = vector(t).exp()
    y.sum().backward()
    y.grad_fn._saved_result  # noqa: B018


def a_value_that_was_changed(t):
    y = vector(t).exp()
    z = y * y
    y.add_(1)
    z.grad_fn._saved_self  # noqa: B018


def a_value_that_is_not_saved(t):
    vector(t).exp().grad_fn._saved_nothing  # noqa: B018


@named([saved_values_under_pytorchs_names, hooks_for_one_saved_tensor])
def test_a_node_shows_what_it_saved(scenario):
    same(scenario)


@named(
    [
        a_second_pair_of_hooks_for_one_saved_tensor,
        hooks_for_a_freed_tensor,
        a_freed_value,
        a_value_that_was_changed,
        a_value_that_is_not_saved,
    ]
)
def test_a_node_refuses_to_show_what_pytorchs_does(scenario):
    same(scenario, raises=True)


# --- changing what backward needs ---


def mutated(change, start=(1.0, 2.0, 3.0, 4.0)):
    def scenario(t):
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            a = t.tensor(start, requires_grad=True)
            b = a.clone()
            out = b.exp() * b
            change(b)
            out.sum().backward()
            return a.grad, b.detach()

    return scenario


CHANGES = {
    "in place": lambda b: b.sin_(),
    "an item": lambda b: b.__setitem__(0, 5.0),
    "through a view": lambda b: b.view(2, 2).mul_(3),
    "several times": lambda b: b.add_(1).mul_(2).zero_(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_backward_needs_may_be_changed_where_that_is_allowed(change):
    same(mutated(change))


def steps_by(optimizer):
    def step(t, w, loss):
        loss.backward(retain_graph=True)
        optimizer(t, w).step()

    return step


DIRECT_CHANGES = {
    "a step of SGD": steps_by(lambda t, w: t.optim.SGD([w], lr=0.1)),
    "a step of Adam": steps_by(lambda t, w: t.optim.Adam([w], lr=0.1)),
    "a step of LBFGS": lambda t, w, loss: (loss.backward(retain_graph=True), t.optim.LBFGS([w]).step(lambda: loss)),
    "an initialisation": lambda t, w, loss: t.nn.init.constant_(w, 2.0),
    "another initialisation": lambda t, w, loss: t.nn.init.sparse_(w, 1.0),
}


@pytest.mark.parametrize("change", DIRECT_CHANGES.values(), ids=DIRECT_CHANGES)
def test_what_backward_needs_may_be_changed_by_optimizers_and_initialisations(change):
    def scenario(t):
        with t.autograd.graph.allow_mutation_on_saved_tensors():
            w = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
            loss = (w.exp() * w * w).sum()
            change(t, w, loss)
            w.grad = None
            loss.backward()
            return w.grad, w.detach()

    same(scenario)


def clipped(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        w, x = t.tensor([3.0, 4.0], requires_grad=True), t.tensor([1.0, 2.0], requires_grad=True)
        w.grad = t.tensor([30.0, 40.0])
        out = (w.grad * x * x).sum()
        t.nn.utils.clip_grad_norm_([w], 1.0)
        out.backward()
        (w * 2).sum().backward()
        return x.grad, w.grad


def test_a_gradient_that_backward_needs_may_be_clipped_and_added_to():
    same(clipped)


def test_a_scalar_may_be_changed_too():
    same(mutated(lambda b: b.sin_(), start=2.0))


def nested_permission(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors(), t.autograd.graph.allow_mutation_on_saved_tensors():
        pass


def backward_outside_of_the_permission(t):
    with t.autograd.graph.allow_mutation_on_saved_tensors():
        a = vector(t)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
    out.backward()


@named([nested_permission, backward_outside_of_the_permission])
def test_permission_to_change_has_pytorchs_bounds(scenario):
    same(scenario, raises=True)


def test_outside_the_permission_all_is_as_before():
    with nbautograd.autograd.graph.allow_mutation_on_saved_tensors():
        pass
    from nbautograd.core import inplace

    assert inplace.before_change is None
    x = nbautograd.tensor(np.ones(3), requires_grad=True)
    y = x.exp()
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()
