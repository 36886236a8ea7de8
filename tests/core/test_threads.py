"""Several threads: modes are each thread's own, and gradients of shared leaves add up."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.core.modes import state


def together(*functions):
    """Run the functions at once, one thread each, and return what they returned."""
    with ThreadPoolExecutor(len(functions)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(f) for f in functions]]


def test_grad_mode_is_each_threads_own():
    x = torch.ones(2, requires_grad=True)
    inside, done = threading.Event(), threading.Event()

    def without():
        with torch.no_grad():
            inside.set()
            assert done.wait(60)
            return (x * 2).requires_grad, torch.is_grad_enabled()

    def beside():
        assert inside.wait(60)
        found = (x * 2).requires_grad, torch.is_grad_enabled()
        done.set()
        return found

    assert together(without, beside) == [(False, False), (True, True)]
    assert state.special == 0


def test_a_new_thread_starts_with_everything_as_it_is_by_default():
    def modes():
        return torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")

    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.float16):
        assert together(modes) == [(True, False, False)]
        assert modes() == (False, True, True)


def test_hooks_for_saved_tensors_are_each_threads_own():
    x = torch.ones(2, requires_grad=True)
    seen = []

    def exp():
        return x.exp().grad_fn._saved_result.tolist()

    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        together(exp)
        assert seen == []
        x.exp()
    assert len(seen) == 1


def test_inference_mode_of_one_thread_does_not_mark_what_another_makes():
    entered, made = threading.Event(), threading.Event()

    def infer():
        with torch.inference_mode():
            entered.set()
            assert made.wait(60)
            return torch.ones(2).is_inference()

    def make():
        assert entered.wait(60)
        found = (torch.ones(2) * 2).is_inference()
        made.set()
        return found

    assert together(infer, make) == [True, False]


@pytest.mark.parametrize("create_graph", [False, True])
def test_backward_from_several_threads_adds_up_on_shared_leaves(create_graph):
    w = torch.tensor(np.ones(16), requires_grad=True)
    start = threading.Barrier(4)

    def train():
        start.wait(60)
        for _ in range(25):
            if create_graph:
                (slope,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
                slope.sum().backward()
            else:
                (w * w * 3).sum().backward()

    together(*[train] * 4)
    assert w.grad.tolist() == [600.0] * 16
    assert state.special == 0


def test_backward_may_wait_for_another_threads_backward():
    x = torch.ones(2, requires_grad=True)
    inner = torch.ones(2, requires_grad=True)

    def wait(g):
        together(lambda: (inner * g * 3).sum().backward())

    class Waits(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            wait(g)
            return g * 2

    y = x.exp().log()
    y.register_hook(wait)
    x.register_post_accumulate_grad_hook(lambda leaf: wait(leaf.grad))
    (Waits.apply(y) + y).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert inner.grad.tolist() == [3.0 + 9.0 + 9.0] * 2


def test_two_passes_are_in_one_graph_at_once():
    x = torch.ones(2, requires_grad=True)
    shared = x * 3
    meeting = threading.Barrier(2)
    outer = [(shared * k).sum() for k in (1.0, 10.0)]
    shared.register_hook(lambda g: meeting.wait(60) > 1 or None)
    together(*[lambda y=y: y.backward(retain_graph=True) for y in outer])
    assert x.grad.tolist() == [33.0, 33.0]


def test_large_gradients_of_shared_leaves_lose_nothing():
    w = torch.tensor(np.zeros(200_000), requires_grad=True)
    start = threading.Barrier(4)

    def train():
        start.wait(60)
        for _ in range(10):
            (w + w).sum().backward()

    together(*[train] * 4)
    assert w.grad.unique().tolist() == [80.0]


def test_a_custom_function_in_another_thread_leaves_the_recorder_in_place():
    began, ended = threading.Event(), threading.Event()

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            began.set()
            assert ended.wait(60)
            return x * 2

    with torch.trace() as t:
        other = threading.Thread(target=lambda: Slow.apply(torch.ones(1)))
        other.start()
        assert began.wait(60)
        _ = torch.ones(1, requires_grad=True) * 3
        ended.set()
        other.join()
    assert [op.name for op in t.ops] == ["mul"]


def test_a_graph_shared_by_threads_gives_each_its_own_gradients():
    x = torch.tensor(np.arange(4.0), requires_grad=True)
    shared = (x.exp() * x).sin()
    wanted = [torch.autograd.grad((shared * k).sum(), x, retain_graph=True)[0].tolist() for k in range(1, 5)]
    start = threading.Barrier(4)

    def differentiate(k):
        start.wait(60)
        return [torch.autograd.grad((shared * k).sum(), x, retain_graph=True)[0].tolist() for _ in range(20)]

    found = together(*[lambda k=k: differentiate(k) for k in range(1, 5)])
    assert found == [[w] * 20 for w in wanted]


def test_hooks_of_threads_see_their_own_pass():
    x = torch.ones(3, requires_grad=True)
    seen = {}

    def run(k):
        y = x * k
        y.register_hook(lambda g: seen.setdefault(threading.get_ident(), []).append((g * k).tolist()))
        for _ in range(10):
            y.sum().backward(retain_graph=True)
        return threading.get_ident()

    start = threading.Barrier(3)
    first, second, third = together(*[lambda k=k: (start.wait(60), run(k))[1] for k in (1.0, 2.0, 3.0)])
    assert [seen[t] for t in (first, second, third)] == [[[k] * 3] * 10 for k in (1.0, 2.0, 3.0)]
    assert x.grad.tolist() == [60.0] * 3


def test_a_backward_inside_a_hook_leaves_the_outer_pass_as_it_was():
    x = torch.ones(2, requires_grad=True)
    inner = torch.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: torch.enable_grad()(lambda: (inner * inner).sum().backward())())
    (y * 3 + x).sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]
    assert inner.grad.tolist() == [2.0, 2.0]


def test_an_error_in_one_threads_backward_does_not_disturb_another():
    x = torch.ones(2, requires_grad=True)

    def fails():
        y = x * 2
        y.register_hook(lambda g: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            y.sum().backward()

    def works():
        z = torch.ones(2, requires_grad=True)
        for _ in range(20):
            (z * x.detach()).sum().backward()
        return z.grad.tolist()

    assert together(fails, works, fails, works)[1::2] == [[20.0, 20.0]] * 2
    assert x.grad is None


def test_what_a_thread_switched_on_ends_with_it():
    before = state.special
    together(lambda: torch.set_grad_enabled(False))
    assert state.special == before
    assert (torch.ones(2, requires_grad=True) * 2).requires_grad
