"""The backward walk: depth, order, threads, interruption and what it lets go of."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import os
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import nbautograd as torch
from nbautograd.core.modes import state

DEPTH = int(os.environ.get("NBAUTOGRAD_DEPTH", "100000"))
"""The number of ops in a row; a million take half a minute."""


def test_a_long_row_of_ops_is_walked_and_let_go_without_recursion() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(DEPTH):
        y = y * 1.0
    (slope,) = torch.autograd.grad(y, x, retain_graph=True)
    y.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(y)
    file = io.BytesIO()
    torch.save({"y": y}, file)
    node, steps = y.grad_fn, 0
    while node.next_functions:
        node, steps = node.next_functions[0][0], steps + 1
    del y, node
    assert torch.load(io.BytesIO(file.getvalue()))["y"].item() == 1.0
    assert slope.item() == x.grad.item() == 1.0
    assert steps == DEPTH
    assert sys.getrecursionlimit() <= 10_000


def test_a_long_row_of_ops_goes_through_the_general_walk_too() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x
        for _ in range(DEPTH // 10):
            y = y * 1
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    assert slope.item() == 1.0


WALKED = {
    "products": lambda x, y: (torch.tanh(x @ y) @ y.T).sum(),
    "broadcasting": lambda x, y: ((x + y[0]) * y.sum(1, keepdim=True)[:2] / (1 + x * x)).mean(),
    "two dtypes": lambda x, y: (x**2 * x.double().exp() * y[:2].double()).sum(),
    "scalars": lambda x, y: x[0, 0] * y[1, 1] ** 3 + x.sum().sigmoid() * y[1, 1],
    "several results": lambda x, y: sum((part**4 * y[0, 0]).sum() for part in x.unbind(1)),
    "complex": lambda x, y: torch.complex(x, y[:2]).exp().pow(2).abs().sum(),
    "many inputs": lambda x, y: (
        torch.cat([x, y * y, x * x]).pow(3).sum() + torch.addmm(y[0], x, y).softmax(1).square().sum()
    ),
}


@pytest.mark.parametrize("name", WALKED)
def test_derivatives_of_three_orders_are_those_of_the_general_walk(name: str) -> None:
    def derivatives() -> list[np.ndarray]:
        x = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]], requires_grad=True)
        y = torch.tensor([[1.0, 0.5, -0.5], [0.75, -1.25, 0.1], [0.2, 0.3, 0.4]], requires_grad=True)
        found = [WALKED[name](x, y)]
        for _ in range(3):
            (slope,) = torch.autograd.grad(found[-1], x, create_graph=True)
            found += [slope, (slope * slope.detach()).sum()]
        found[-1].backward(inputs=[y])
        return [t.detach().numpy() for t in (*found, y.grad)]

    short = derivatives()
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        general = derivatives()
    for one, other in zip(short, general, strict=True):
        np.testing.assert_array_equal(one, other)


QUIET = {
    "q.tanh()": False,
    "q / c": False,
    "torch.maximum(q, c)": False,
    "torch.cat([q, c]).exp()": False,
    "q * c": True,
    "c.addcmul(q, c)": True,
    "x.addcmul(q, c)": True,
    "torch.fmod(x, q)": True,
    "x * q": False,
}
"""What comes from `q`, to which no path leads, and whether PyTorch goes through it a second time."""
PASSES = {
    "numbers": lambda out: out.sum().backward(),
    "tensors": lambda out: out.sum().backward(retain_graph=False, create_graph=True),
    "hooks": lambda out: (out.register_hook(lambda g: g), out.sum().backward()),
}


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("form", QUIET)
@pytest.mark.filterwarnings("ignore:Using backward")
def test_a_second_pass_is_refused_where_something_was_freed_that_pytorch_holds(form: str, name: str) -> None:
    x, c = torch.full((2,), 0.5, requires_grad=True), torch.full((2,), 0.25)
    with torch.no_grad():
        q = x[:]
    out = eval(form, {"torch": torch, "x": x, "q": q, "c": c})
    PASSES[name](out)
    with contextlib.nullcontext() if QUIET[form] else pytest.raises(RuntimeError, match="a second time"):
        PASSES[name](out)
    if "x." in form:
        assert x.grad.tolist() == [2.0, 2.0]


def test_a_batch_of_gradients_goes_a_second_time_where_pytorch_holds_nothing() -> None:
    x, c = torch.full((2,), 0.5, requires_grad=True), torch.full((2,), 0.25)
    out, product = x.addcmul(c, c), x * c
    for _ in range(2):
        (g,) = torch.autograd.grad(out, x, torch.eye(2), is_grads_batched=True)
        assert g.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    torch.autograd.grad(product, x, torch.eye(2), is_grads_batched=True)
    with pytest.raises(RuntimeError, match="a second time"):
        torch.autograd.grad(product, x, torch.eye(2), is_grads_batched=True)


def test_a_pass_for_a_tensor_that_no_path_leads_to_goes_nowhere() -> None:
    x = torch.full((2,), 0.5, requires_grad=True)
    with torch.no_grad():
        q = x[:]
    out = (x * q.tanh()).sum()
    assert torch.autograd.grad(out, q, allow_unused=True) == (None,)
    out.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.tanh([0.5, 0.5]), rtol=1e-6)


def test_the_gradient_of_a_squeeze_that_took_nothing_away_is_no_view() -> None:
    x = torch.full((2, 1), 0.5, requires_grad=True)
    for squeezed, took in ((x.squeeze(0), False), (x.squeeze(1), True), (x.squeeze(), True)):
        (g,) = torch.autograd.grad((squeezed * squeezed).sum(), x, create_graph=True)
        assert (g._base is not None) is took


def test_a_pass_for_one_tensor_lets_go_of_what_it_has_gone_through() -> None:
    x = torch.ones(2, requires_grad=True)
    w = torch.ones(2, requires_grad=True)
    kept = np.ones(2)
    alive = weakref.ref(kept)
    seen = []
    y = x * 2
    y.register_hook(lambda _: seen.append(alive()))
    z = (y * 3 * torch.from_numpy(kept) * w).sum()
    del kept
    torch.autograd.grad(z, x)
    assert seen[0] is None


def test_a_failing_hook_leaves_every_leaf_as_it_was() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    w = torch.tensor([3.0, 4.0], requires_grad=True)
    y = x * w

    def fail(gradient: object) -> None:
        raise ValueError("no")

    y.register_hook(fail)
    z = (y * w).sum()
    with pytest.raises(ValueError, match="no"):
        z.backward()
    assert x.grad is None
    assert w.grad is None
    assert state.special == 0


def test_an_interrupt_leaves_no_gradients_in_the_nodes() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    y = x * 2.0
    z = y * 3.0

    def interrupt(gradient: object) -> None:
        raise KeyboardInterrupt

    handle = y.register_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        z.sum().backward(retain_graph=True)
    handle.remove()
    z.sum().backward()
    assert x.grad.tolist() == [6.0]


def test_backward_inside_a_hook_does_not_disturb_the_outer_walk() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    shared = x * x
    y = shared * 3.0 + shared

    def inner(gradient: object) -> None:
        shared.backward(retain_graph=True)

    y.register_hook(inner)
    (y * 1.0).backward()
    assert x.grad.item() == 4.0 + 16.0


def test_threads_do_not_mix_their_gradients() -> None:
    shared = torch.tensor(1.5, requires_grad=True)
    results: list[float] = []

    def work(k: int) -> None:
        x = torch.tensor(float(k), requires_grad=True)
        for _ in range(50):
            y = x * shared
            for _ in range(20):
                y = y * 1.0
            x.grad = None
            y.backward()
        results.append(x.grad.item())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [1.5] * 8
    assert shared.grad.item() == 50 * sum(range(8))


def test_no_grad_holds_for_its_own_thread_only() -> None:
    x = torch.tensor(1.0, requires_grad=True)
    seen: list[bool] = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        t.start()
        t.join()
        assert not (x * 2).requires_grad
    assert seen == [True]


def test_backward_frees_what_was_saved() -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2.0
    data = y._data
    kept = weakref.ref(data)
    z = (y * y).sum()
    del y, data
    assert kept() is not None
    z.backward()
    assert kept() is None


def test_a_graph_dies_with_its_last_tensor_and_leaves_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        x = torch.ones(3, requires_grad=True)
        alive = weakref.ref(x._data)
        y = (x * x).sum()
        del x, y
        assert alive() is None
    finally:
        gc.enable()


def test_contributions_are_never_added_into_an_array_that_somebody_else_holds() -> None:
    x = torch.ones(4, requires_grad=True)
    seed = torch.ones(4)
    y = x + x + x
    y.backward(seed)
    assert x.grad.tolist() == [3.0] * 4
    assert seed.tolist() == [1.0] * 4


def test_leaf_gradients_share_no_memory() -> None:
    a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    (a + b).sum().backward()
    assert not np.shares_memory(a.grad._data, b.grad._data)


def test_a_leaf_takes_over_a_gradient_that_nobody_else_holds() -> None:
    x, w = torch.ones(10, 1000), torch.ones(1000, 1000, requires_grad=True)
    y = (x @ w).sum()
    tracemalloc.start()
    y.backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert w.grad.nbytes <= peak < 1.5 * w.grad.nbytes


def test_anomaly_mode_names_the_op_whose_gradient_is_nan() -> None:
    x = torch.tensor([-1.0, 4.0], requires_grad=True)
    with (
        np.errstate(invalid="ignore"),
        torch.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match=r"Error detected in SqrtBackward0(.|\n)*x\.sqrt\(\)\.sum\(\)\.backward\(\)"),
        pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"),
    ):
        x.sqrt().sum().backward()
    assert not torch.is_anomaly_enabled()


def test_no_result_but_a_view_shares_memory_with_an_input() -> None:
    x = torch.arange(6.0).reshape(2, 3)
    for made in (x.flip(0), torch.einsum("ij->ji", x), x.roll(0, 0), x.repeat(1, 1), x.cumsum(0), x[[0, 1]], x + 0):
        assert not np.shares_memory(made._data, x._data)


def test_float32_stays_float32() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = ((x * 2.0 + 1) ** 2 / 3).mean()
    y.backward()
    assert y.dtype is torch.float32
    assert x.grad.dtype is torch.float32


def test_overflow_is_silent_and_numpys_own_settings_are_left_alone() -> None:
    before = np.geterr()
    assert torch.tensor([1e38]).mul(torch.tensor([1e38])).tolist() == [float("inf")]
    assert (torch.tensor(1e38) * torch.tensor(1e38)).item() == float("inf")
    assert np.geterr() == before
