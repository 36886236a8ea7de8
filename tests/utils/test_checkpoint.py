"""Checkpoints do what PyTorch's do, and give memory back."""

import contextlib
import importlib
import tracemalloc

import pytest

import nbautograd
from tests.scenarios import named, same


def checkpoints(t):
    return importlib.import_module(f"{t.__name__}.utils.checkpoint")


def inputs(t):
    w = t.arange(9.0).reshape(3, 3) / 10
    return t.tensor([1.0, 2.0, 3.0], requires_grad=True), w.requires_grad_()


class Counted:
    """A function with several saved tensors that counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, w, scale=1.0):
        self.calls += 1
        return ((x @ w).sigmoid() * x).exp() * scale


def run(t, *args, **options):
    x, w = inputs(t)
    f = Counted()
    y = checkpoints(t).checkpoint(f, x, w, *args, **options)
    y.sum().backward()
    return y.detach(), x.grad, w.grad, f.calls


OPTIONS = {
    "not reentrant": {"use_reentrant": False},
    "reentrant": {"use_reentrant": True},
    "to the end": {"use_reentrant": False, "early_stop": False},
    "without random state": {"use_reentrant": False, "preserve_rng_state": False},
    "without a check": {"use_reentrant": False, "determinism_check": "none"},
    "with keywords": {"use_reentrant": False, "scale": 2.0},
    "unsaid": {},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_values_and_gradients_are_those_of_pytorch(options):
    same(lambda t: run(t, **options))


WRONG = {
    "keywords for the reentrant": {"use_reentrant": True, "scale": 2.0},
    "an unknown check": {"use_reentrant": False, "determinism_check": "x"},
    "debug for the reentrant": {"use_reentrant": True, "debug": True},
}


@pytest.mark.parametrize("options", WRONG.values(), ids=WRONG)
def test_wrong_options_get_pytorchs_errors(options):
    same(lambda t: run(t, **options), raises=True)


def grad_of_a_checkpoint(t):
    x, w = inputs(t)
    return t.autograd.grad(checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=False).sum(), [x, w])


def twice_through_a_kept_graph(t):
    x, w = inputs(t)
    f = Counted()
    y = checkpoints(t).checkpoint(f, x, w, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad, f.calls


def a_second_derivative(t):
    x, _ = inputs(t)
    y = checkpoints(t).checkpoint(lambda a: (a**3).sum(), x, use_reentrant=False)
    (slope,) = t.autograd.grad(y, x, create_graph=True)
    return slope.detach(), t.autograd.grad(slope.sum(), x)


def without_gradients(t):
    x, w = inputs(t)
    with t.no_grad():
        return checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=False)


def inputs_without_gradient(t):
    x, w = (a.detach() for a in inputs(t))
    return checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=True), checkpoints(t).checkpoint(
        Counted(), x, w, use_reentrant=False
    )


def tensors_inside_other_structures(t):
    x, w = inputs(t)
    checkpoints(t).checkpoint(lambda d: (d["x"] @ d["w"]).exp(), {"x": x, "w": w}, use_reentrant=False).sum().backward()
    return x.grad, w.grad


def several_results(t):
    found = []
    for reentrant in (False, True):
        x, _ = inputs(t)
        a, b, c = checkpoints(t).checkpoint(lambda x: (x * 2, x.exp(), 3), x, use_reentrant=reentrant)
        (a * b).sum().backward()
        found.append((x.grad, c))
    return found


def contexts_for_both_runs(t):
    log = []

    @contextlib.contextmanager
    def note(name):
        log.append(f"+{name}")
        yield
        log.append(f"-{name}")

    x, w = inputs(t)
    both = lambda: (note("first"), note("again"))  # noqa: E731
    y = checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=False, context_fn=both, early_stop=False)
    y.sum().backward()
    return log


def the_early_stop_for_all(t):
    x, _ = inputs(t)
    ends = []

    def f(a):
        y = a.exp()
        ends.append("saved")
        return y + 1

    for enable in (True, False):
        with checkpoints(t).set_checkpoint_early_stop(enable):
            y = checkpoints(t).checkpoint(f, x, use_reentrant=False)
        y.sum().backward()
        ends.append(enable)
    return ends


def nested(t):
    found = []
    for outer_way, inner_way in ((False, False), (True, True), (True, False)):
        x, _ = inputs(t)
        calls = []

        def part(a, calls=calls):
            calls.append(1)
            return a.sin().exp()

        def whole(a, part=part, way=inner_way):
            checkpoint = checkpoints(t).checkpoint
            return checkpoint(part, checkpoint(part, a.cos(), use_reentrant=way).sigmoid(), use_reentrant=way) * a

        checkpoints(t).checkpoint(whole, x, use_reentrant=outer_way).sum().backward()
        found.append((x.grad, len(calls)))
    return found


def a_custom_function_inside(t):
    class Square(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return 2 * a * g

    x, _ = inputs(t)
    checkpoints(t).checkpoint(lambda a: Square.apply(a).exp() * a, x / 3, use_reentrant=False).sum().backward()
    return x.grad


def changes_in_place_inside(t):
    x, _ = inputs(t)
    checkpoints(t).checkpoint(lambda a: (a * 2).exp_().mul_(a).sigmoid_(), x / 10, use_reentrant=False).sum().backward()
    return x.grad


def autocast_is_the_same_again(t):
    seen = []

    def f(x, w):
        y = x.reshape(1, 3) @ w
        seen.append(y.dtype)
        return y.exp()

    x, w = inputs(t)
    for reentrant in (False, True):
        with t.autocast("cpu", dtype=t.float16):
            y = checkpoints(t).checkpoint(f, x, w, use_reentrant=reentrant)
        y.float().sum().backward()
    return seen


def a_saved_value_asked_for_from_outside(t):
    x, _ = inputs(t)
    y = checkpoints(t).checkpoint(lambda a: a.exp(), x, use_reentrant=False)
    return y.grad_fn._saved_result.detach(), y.grad_fn._saved_result.detach()


@named(
    [
        grad_of_a_checkpoint,
        twice_through_a_kept_graph,
        a_second_derivative,
        without_gradients,
        inputs_without_gradient,
        tensors_inside_other_structures,
        several_results,
        contexts_for_both_runs,
        the_early_stop_for_all,
        nested,
        a_custom_function_inside,
        changes_in_place_inside,
        autocast_is_the_same_again,
        a_saved_value_asked_for_from_outside,
    ]
)
def test_a_checkpoint_does_what_pytorchs_does(scenario):
    same(scenario)


# --- random numbers ---


@pytest.mark.parametrize("reentrant", [False, True])
def test_the_same_numbers_are_dropped_the_second_time(reentrant):
    x = nbautograd.ones(1000, requires_grad=True)
    f = nbautograd.nn.functional.dropout
    y = nbautograd.utils.checkpoint.checkpoint(lambda a: f(a.exp(), 0.5), x, use_reentrant=reentrant)
    y.sum().backward()
    assert ((x.grad != 0) == (y != 0)).all()


def test_recomputing_leaves_the_stream_of_random_numbers_as_it_was():
    x = nbautograd.ones(3, requires_grad=True)
    nbautograd.manual_seed(0)
    wanted = [nbautograd.rand(1).item() for _ in range(2)]
    nbautograd.manual_seed(0)
    y = nbautograd.utils.checkpoint.checkpoint(lambda a: a * nbautograd.rand(1), x, use_reentrant=False)
    y.sum().backward()
    assert nbautograd.rand(1).item() == wanted[1]
    assert x.grad.tolist() == pytest.approx([wanted[0]] * 3)


# --- mistakes ---


def alternating(first, second):
    calls = []

    def f(a):
        calls.append(1)
        return (first if len(calls) % 2 else second)(a)

    return f


def fewer_saved(t):
    x, _ = inputs(t)
    f = alternating(lambda a: a.exp().sin(), lambda a: a.exp())
    checkpoints(t).checkpoint(f, x, use_reentrant=False).sum().backward()


def more_saved(t):
    x, _ = inputs(t)
    f = alternating(lambda a: a.exp(), lambda a: a.exp().sin().exp())
    checkpoints(t).checkpoint(f, x, use_reentrant=False, early_stop=False).sum().backward()


def another_shape_saved(t):
    x, _ = inputs(t)
    f = alternating(lambda a: a.exp().sum(), lambda a: a[:2].exp().sum())
    checkpoints(t).checkpoint(f, x, use_reentrant=False).backward()


def the_reentrant_with_grad(t):
    x, w = inputs(t)
    t.autograd.grad(checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=True).sum(), x)


def the_reentrant_with_inputs(t):
    x, w = inputs(t)
    checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=True).sum().backward(inputs=[x])


def backward_twice(t):
    x, w = inputs(t)
    y = checkpoints(t).checkpoint(Counted(), x, w, use_reentrant=False).sum()
    y.backward()
    y.backward()


def an_input_changed_in_between(t):
    x, _ = inputs(t)
    y = x * 1
    z = checkpoints(t).checkpoint(lambda a: a.exp().sin(), y, use_reentrant=False)
    y.add_(1)
    z.sum().backward()


def a_function_that_fails(t):
    checkpoints(t).checkpoint(lambda a: 1 / 0, inputs(t)[0], use_reentrant=False)


def a_tensor_unpacked_twice_by_a_custom_function(t):
    class Greedy(t.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0] * ctx.saved_tensors[0] * g

    checkpoints(t).checkpoint(lambda a: Greedy.apply(a), inputs(t)[0], use_reentrant=False).sum().backward()


@named(
    [
        fewer_saved,
        more_saved,
        another_shape_saved,
        the_reentrant_with_grad,
        the_reentrant_with_inputs,
        backward_twice,
        an_input_changed_in_between,
        a_function_that_fails,
        a_tensor_unpacked_twice_by_a_custom_function,
    ]
)
def test_a_mistake_gets_pytorchs_error(scenario):
    same(scenario, raises=True)


def test_debug_lists_what_both_runs_saved():
    x, _ = inputs(nbautograd)
    f = alternating(lambda a: a.exp().sin(), lambda a: a.exp())
    y = nbautograd.utils.checkpoint.checkpoint(f, x, use_reentrant=False, debug=True)
    with pytest.raises(nbautograd.utils.checkpoint.CheckpointError, match="saved during recomputation:\n  0: "):
        y.sum().backward()


# --- several in a row ---


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
@pytest.mark.parametrize("reentrant", [False, True])
def test_a_sequence_is_checkpointed_segment_by_segment(segments, reentrant):
    def scenario(t):
        layers = [t.nn.Linear(3, 3) for _ in range(5)]
        for layer in layers:
            layer.weight.data.fill_(0.1)
            layer.bias.data.fill_(0.2)
        found = []
        for functions in (layers, t.nn.Sequential(*layers)):
            x, _ = inputs(t)
            y = checkpoints(t).checkpoint_sequential(functions, segments, x, use_reentrant=reentrant)
            y.sum().backward()
            found.append((y.detach(), x.grad))
        return found

    same(scenario)


def test_a_sequence_without_a_word_on_the_way_warns():
    same(lambda t: checkpoints(t).checkpoint_sequential([t.exp, t.sin], 2, inputs(t)[0]).detach())


# --- what it is for ---


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_gives_memory_back(reentrant):
    def body(a):
        for _ in range(8):
            a = a.sigmoid()
        return a

    def held_and_peak(checkpointed):
        x = nbautograd.ones(64, 1024, requires_grad=True)
        tracemalloc.start()
        y = x
        for _ in range(4):
            y = nbautograd.utils.checkpoint.checkpoint(body, y, use_reentrant=reentrant) if checkpointed else body(y)
        held, _ = tracemalloc.get_traced_memory()
        y.sum().backward()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return held, peak, x.grad

    held, peak, grad = held_and_peak(checkpointed=True)
    plain_held, plain_peak, plain_grad = held_and_peak(checkpointed=False)
    assert held < 0.2 * plain_held
    assert peak < 0.6 * plain_peak
    assert grad.tolist() == plain_grad.tolist()
