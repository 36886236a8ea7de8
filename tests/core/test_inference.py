"""Inference mode and the other modes: as PyTorch has them."""

import gc

import pytest

import nbautograd
from nbautograd.core.modes import state
from tests.scenarios import named, same


def made(t):
    """A tensor from inference mode."""
    with t.inference_mode():
        return t.tensor([1.0, 2.0])


def vector(t):
    return t.tensor([1.0, 2.0], requires_grad=True)


def what_is_marked(t):
    x = vector(t)
    with t.inference_mode():
        a = t.ones(2)
        results = [a, x * 2, x.clone(), t.rand(2), a.view(2), a.detach(), x.detach(), x.view(2), t.cat([x, x]), a[0]]
        inside = [r.is_inference() for r in results], t.is_inference(a), t.is_inference_mode_enabled()
    return (
        inside,
        [r.is_inference() for r in (a.view(2), a[0], a.detach(), a.clone(), a * 2, a.to(t.float64))],
        (t.is_inference_mode_enabled()),
    )


def what_no_op_makes_is_marked_too(t):
    x, w = vector(t), t.ones(3, 3)
    with t.inference_mode():
        layer, norm = t.nn.Linear(3, 2), t.nn.BatchNorm1d(3)
        made = [
            x.argmax(),
            x.max(0)[1],
            x.sort()[1],
            t.topk(x, 1)[0],
            t.nonzero(x),
            t.unique(x),
            t.bincount(t.tensor([1])),
        ]
        made += [layer.weight, layer.bias, norm.running_mean, norm.num_batches_tracked, t.nn.Parameter(t.ones(2))]
        made += [t.multinomial(t.ones(3), 2), t.randperm(3), t.Tensor([1.0]), t.linalg.inv(t.eye(2)), t.histc(x)]
        old = [t.nn.Parameter(w), w[0], w.data, x.data, w.t()]
    return [v.is_inference() for v in made], [v.is_inference() for v in old]


def a_layer_made_inside_is_not_trained_outside(t):
    with t.inference_mode():
        layer = t.nn.Linear(3, 2)
    layer.weight.grad = t.ones(2, 3)
    t.optim.SGD(layer.parameters(), lr=0.1).step()


def nothing_is_recorded_even_with_grad_enabled(t):
    x = vector(t)
    with t.inference_mode():
        seen = [t.is_grad_enabled(), (x * 2).requires_grad]
        with t.enable_grad():
            seen += [t.is_grad_enabled(), (x * 2).requires_grad]
    return seen


def a_part_of_it_may_record(t):
    x = vector(t)
    with t.inference_mode(), t.inference_mode(False):
        y = x * 2
        return y.requires_grad, y.is_inference(), t.is_grad_enabled(), t.is_inference_mode_enabled()


def recording_is_on_after_mode_false_even_in_no_grad(t):
    with t.no_grad(), t.inference_mode(mode=False):
        return t.is_grad_enabled()


def a_normal_tensor_may_be_changed_inside(t):
    x, leaf = t.ones(2), vector(t)
    with t.inference_mode():
        x.add_(1)
        leaf.mul_(2)
    return x, x._version, x.is_inference(), leaf.detach()


def an_inference_tensor_may_be_changed_inside(t):
    a = made(t)
    with t.inference_mode():
        a.add_(1)[0] = 5
    return a


def it_may_be_an_operand_that_is_not_saved(t):
    x, a = vector(t), made(t)
    return x + a, t.stack([a, x]).requires_grad, t.where(a > 1, x, x)


def a_clone_is_a_normal_tensor(t):
    x, a = vector(t), made(t)
    return x * a.clone(), a.clone().add_(1)


def as_a_decorator(t):
    @t.inference_mode()
    def with_brackets(x):
        return x * 2

    @t.inference_mode
    def without(x):
        return x * 2

    @t.inference_mode(False)
    def off(x):
        return x * 2

    x = vector(t)
    return [(f(x).is_inference(), f(x).requires_grad, f.__name__) for f in (with_brackets, without, off)]


def generators_are_inside_at_each_step_only(t):
    seen = []

    @t.inference_mode()
    def steps():
        got = yield t.is_inference_mode_enabled()
        seen.append(got)
        yield t.is_inference_mode_enabled()
        return "end"

    @t.no_grad()
    def outer():
        seen.append((yield from steps()))
        try:
            yield t.is_grad_enabled()
        except KeyError:
            seen.append(("caught", t.is_grad_enabled()))
            yield "last"

    run = outer()
    seen.append((next(run), t.is_inference_mode_enabled(), t.is_grad_enabled()))
    seen.append((run.send("sent"), t.is_inference_mode_enabled()))
    seen.append((next(run), t.is_grad_enabled()))
    seen.append((run.throw(KeyError("x")), t.is_grad_enabled()))
    run.close()
    return seen, t.is_grad_enabled()


def set_grad_enabled_as_function_context_and_decorator(t):
    seen = []
    before = t.set_grad_enabled(False)
    seen.append(t.is_grad_enabled())
    before.__exit__(None, None, None)
    seen.append(t.is_grad_enabled())
    with t.set_grad_enabled(False):
        seen.append(t.is_grad_enabled())
        with t.enable_grad():
            seen.append(t.is_grad_enabled())
    decorator = t.set_grad_enabled(False)

    @decorator
    def inside():
        return t.is_grad_enabled()

    return [*seen, t.is_grad_enabled(), inside(), t.is_grad_enabled()]


def multithreading_is_a_switch(t):
    enabled = t.autograd.is_multithreading_enabled
    seen = [enabled()]
    with t.autograd.set_multithreading_enabled(False):
        seen.append(enabled())
    return [*seen, enabled()]


@named(
    [
        what_is_marked,
        what_no_op_makes_is_marked_too,
        nothing_is_recorded_even_with_grad_enabled,
        a_part_of_it_may_record,
        recording_is_on_after_mode_false_even_in_no_grad,
        a_normal_tensor_may_be_changed_inside,
        an_inference_tensor_may_be_changed_inside,
        it_may_be_an_operand_that_is_not_saved,
        a_clone_is_a_normal_tensor,
        as_a_decorator,
        generators_are_inside_at_each_step_only,
        set_grad_enabled_as_function_context_and_decorator,
        multithreading_is_a_switch,
    ]
)
def test_modes_are_pytorchs(scenario):
    same(scenario)


def refused(action):
    return lambda t: action(t, made(t), vector(t))


REFUSED = {
    "added to in place": lambda t, a, x: a.add_(1),
    "filled": lambda t, a, x: a.fill_(1),
    "zeroed": lambda t, a, x: a.zero_(),
    "an item set": lambda t, a, x: a.__setitem__(0, 2),
    "copied into": lambda t, a, x: a.copy_(t.ones(2)),
    "given as out=": lambda t, a, x: t.add(t.ones(2), t.ones(2), out=a),
    "changed through a view": lambda t, a, x: a.view(2).mul_(2),
    "changed under no_grad": lambda t, a, x: t.no_grad()(lambda: a.add_(1))(),
    "its version read": lambda t, a, x: a._version,
    "asked to require grad": lambda t, a, x: a.requires_grad_(),
    "multiplied with one that requires grad": lambda t, a, x: x * a,
    "multiplied with a result": lambda t, a, x: x.exp() * a,
    "the exponent": lambda t, a, x: x.pow(a),
    "the input of a layer": lambda t, a, x: t.nn.Linear(2, 1)(a),
    "an operand in place": lambda t, a, x: (x * 3).mul_(a),
    "made a parameter": lambda t, a, x: t.nn.Parameter(a),
    "backward from it": lambda t, a, x: a.sum().backward(),
}


@pytest.mark.parametrize("action", REFUSED.values(), ids=REFUSED)
def test_an_inference_tensor_outside_is_refused_where_pytorch_refuses_it(action):
    same(refused(action), raises=True)


def test_a_custom_function_must_not_keep_an_inference_tensor():
    def keep(t):
        class Keep(t.autograd.Function):
            @staticmethod
            def forward(ctx, x, a):
                ctx.save_for_backward(a)
                return x * 1

            @staticmethod
            def backward(ctx, g):
                return g, None

        return Keep.apply(vector(t), made(t))

    same(keep, raises=True)


def test_a_layer_made_inside_is_refused_by_an_optimizer_outside():
    same(a_layer_made_inside_is_not_trained_outside, raises=True)


def test_ops_take_the_short_path_again_when_the_last_inference_tensor_dies():
    gc.collect()
    before = state.special
    a = made(nbautograd)
    view = a.view(2)
    assert state.special == before + 1
    del a
    assert state.special == before + 1
    del view
    assert state.special == before


def test_all_tensors_of_one_block_share_one_mark():
    gc.collect()
    before = state.special
    with nbautograd.inference_mode():
        held = [nbautograd.ones(2) for _ in range(100)]
    assert state.special == before + 1
    del held
    assert state.special == before
