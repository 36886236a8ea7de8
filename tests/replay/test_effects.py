"""What a step leaves behind and hands out: gradients, shared memory, random numbers, modes, arguments, closures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import nn

optim = torch.optim
ones = torch.ones
SCENES: dict[str, tuple[Callable[[Any], Iterator[Any]], bool]] = {}


def scene(replayed: bool = True) -> Any:
    """A scene whose step is replayed, or never is."""

    def note(function: Any) -> Any:
        SCENES[function.__name__] = (function, replayed)
        return function

    return note


def leaf(*numbers: float) -> Any:
    return torch.tensor([*numbers] or [1.0, 2.0], requires_grad=True)


# --- gradients ---


@scene()
def an_argument_with_a_history(capture: Any) -> Iterator[Any]:
    w = leaf()
    step = capture(lambda x: (x * x).sum().backward())
    for call in range(6):
        x = leaf() if call < 4 else w * 3
        step(x)
        yield (x if call < 4 else w).grad


@scene()
def an_argument_with_a_hook(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: (x * x).sum().backward())
    for call in range(6):
        x = leaf()
        if call > 3:
            x.register_hook(lambda g: g * 5)
        step(x)
        yield x.grad


@scene()
def an_argument_that_has_another_name(capture: Any) -> Iterator[Any]:
    w = leaf()

    def step(x: Any) -> Any:
        w.grad = None
        (x * w).sum().backward()
        return w.grad

    step = capture(step)
    for call in range(8):
        yield step(w if call in (3, 6) else leaf())


@scene()
def gradients_that_are_cleared_elsewhere_and_then_not(capture: Any) -> Iterator[Any]:
    w = leaf()
    optimizer = optim.SGD([w], lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (w * x).sum().backward()
        return w.grad.clone()

    step = capture(step)
    for call in range(10):
        if call < 4:
            w.grad = None
        yield step(ones(2))


@scene()
def gradients_that_are_asked_for(capture: Any) -> Iterator[Any]:
    w = leaf()

    def step(x: Any) -> Any:
        before = None if w.grad is None else w.grad * 1
        (w * x).sum().backward()
        return before

    step = capture(step)
    for call in range(10):
        if call in (4, 8):
            w.grad = None
        yield step(ones(2))


@scene()
def a_leaf_of_the_step(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        attacked = x.detach().clone().requires_grad_()
        (attacked * attacked).sum().backward()
        return x + attacked.grad.sign()

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * (call - 3))


@scene()
def two_backward_passes_and_a_look_between(capture: Any) -> Iterator[Any]:
    w = leaf()

    def step(x: Any) -> Any:
        (w * x).sum().backward()
        first = w.grad * 1
        (w * w * x).sum().backward()
        return first, w.grad.clone()

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * call)


@scene()
def the_gradient_of_relu_of_a_number(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        (y := (x * 1).relu()).backward()
        return y.detach(), x.grad

    step = capture(step)
    for x in (1.0, 2.0, 3.0, 0.0, -0.0, -1.0):
        yield step(torch.tensor(x, requires_grad=True))


# --- numbers that do not fit ---


@scene()
def numbers_that_overflow_on_the_way(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: x.exp().log())
    for x in (1.0, 2.0, 3.0, 100.0, 1.0):
        yield step(torch.tensor(x)).round()


@scene()
def numbers_that_vanish_on_the_way(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: (x.exp() * x.exp()).log())
    for x in (1.0, 2.0, 3.0, -80.0, 1.0):
        yield step(torch.tensor(x)).isinf()


# --- memory ---


@scene(replayed=False)
def a_view_of_what_an_optimizer_changes(capture: Any) -> Iterator[Any]:
    w = leaf()
    flat, optimizer = w.data, optim.SGD([w], lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (w * x).sum().backward()
        before = flat * 1
        optimizer.step()
        return before, flat * 1

    step = capture(step)
    for _ in range(6):
        yield step(ones(2))


@scene(replayed=False)
def an_array_under_two_tensors(capture: Any) -> Iterator[Any]:
    array = np.ones(3, np.float32)
    a, b = torch.from_numpy(array), torch.from_numpy(array)

    def step(x: Any) -> Any:
        a.add_(x)
        return b * 1

    step = capture(step)
    for _ in range(6):
        yield step(ones(3))


@scene()
def arguments_in_one_memory(capture: Any) -> Iterator[Any]:
    def step(a: Any, b: Any) -> Any:
        a.add_(1.0)
        return a * b

    step = capture(step)
    for _ in range(4):
        yield step(ones(3), ones(3))
    for t in (ones(4), ones(4)):
        yield step(t[:3], t[1:])


@scene()
def an_argument_in_the_memory_of_what_the_step_reads(capture: Any) -> Iterator[Any]:
    w = ones(3)

    def step(a: Any) -> Any:
        a.add_(1.0)
        return a * w

    step = capture(step)
    for _ in range(4):
        yield step(ones(3))
    yield step(w[:])


@scene(replayed=False)
def a_change_that_backward_does_not_notice(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        y = x.tanh()
        y.data.mul_(0.5)
        y.sum().backward()
        return x.grad

    step = capture(step)
    for _ in range(5):
        yield step(leaf())


@scene()
def rows_of_a_table(capture: Any) -> Iterator[Any]:
    table, row = torch.zeros(3, 2), ones(2)

    def step(x: Any) -> Any:
        table[0] = x
        table[1:].mul_(2).add_(row)
        y = x * 1
        y[0] = 5.0
        return y.sum(), table.sum()

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * call)
        yield table


@scene()
def what_is_put_into_a_table_and_then_changed(capture: Any) -> Iterator[Any]:
    w, table = leaf(), torch.zeros(2)
    optimizer = optim.SGD([w], lr=0.5)

    def step(x: Any) -> Any:
        table[:] = x
        x.mul_(2)
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()
        return table * w.detach(), x + 0

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * call), table


@scene()
def data_that_is_used_before_its_tensor(capture: Any) -> Iterator[Any]:
    net, average = nn.Linear(2, 1), nn.Linear(2, 1)
    old = torch.zeros(1, 2)

    def step(x: Any) -> Any:
        old.copy_(average.weight.detach())
        for p, q in zip(net.parameters(), average.parameters(), strict=True):
            q.data = q.data * 0.5 + p.data * 0.5
        return average(x).detach()

    step = capture(step)
    for call in range(6):
        net.bias.data.add_(call)
        yield step(ones(2) * call), old, *average.parameters()


@scene(False)
def data_that_two_tensors_have(capture: Any) -> Iterator[Any]:
    a, b = ones(2), torch.zeros(2)
    b.data = a.data
    step = capture(lambda x: (a * x, b * x, a.detach() * x, b.detach() + x))
    for call in range(6):
        if call == 3:
            a.data = ones(2) * 7
        yield step(ones(2) * call)


@scene()
def data_that_is_set(capture: Any) -> Iterator[Any]:
    w, v = leaf(), leaf()

    def step(x: Any) -> Any:
        w.grad = v.grad = None
        (w * v * x).sum().backward()
        w.data -= 0.1 * w.grad
        v.data = v.data - 0.1 * v.grad

    step = capture(step)
    for _ in range(6):
        step(ones(2))
        yield w, v


# --- what is handed out ---


@scene()
def a_gradient_that_is_handed_out(capture: Any) -> Iterator[Any]:
    w = leaf()

    def step(x: Any) -> Any:
        w.grad = None
        (w * x).sum().backward()
        return w.grad

    step = capture(step)
    for _ in range(5):
        step(ones(2)).mul_(3)
        yield w.grad


@scene()
def a_tensor_that_is_changed_and_handed_out(capture: Any) -> Iterator[Any]:
    w = ones(3)
    step = capture(lambda x: w.add_(x))
    for _ in range(5):
        step(ones(3)).mul_(2)
        yield w


@scene(replayed=False)
def a_part_of_an_argument(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: x[:2])
    for _ in range(5):
        x = torch.zeros(3)
        step(x).add_(1)
        yield x


@scene(replayed=False)
def a_tensor_and_a_part_of_it(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        y = x * 2
        return y, y[:1]

    step = capture(step)
    for _ in range(5):
        whole, part = step(ones(3))
        whole.add_(1)
        yield part


@scene(replayed=False)
def a_leaf_that_is_handed_out(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        w = leaf()
        (w * x).sum().backward()
        return w

    step = capture(step)
    for call in range(5):
        yield step(ones(2) * call).grad


@scene(replayed=False)
def an_object_of_each_call(capture: Any) -> Iterator[Any]:
    class Output:
        def __init__(self, loss: Any) -> None:
            self.loss = loss

    step = capture(lambda x: Output(x * 2))
    for call in range(5):
        yield step(ones(2) * call).loss


@scene(replayed=False)
def a_tensor_put_into_an_argument(capture: Any) -> Iterator[Any]:
    step = capture(lambda x, into: into.append((x * 2).detach()))
    for call in range(5):
        into: list[Any] = []
        step(ones(2) * call, into)
        yield into[0]


@scene(replayed=False)
def a_tensor_put_into_a_deque(capture: Any) -> Iterator[Any]:
    last: deque[Any] = deque(maxlen=2)
    step = capture(lambda x: last.append((x * 2).detach()))
    for call in range(5):
        step(ones(2) * call)
        yield last[-1]


@scene(replayed=False)
def numbers_read_before_they_change(capture: Any) -> Iterator[Any]:
    w = ones(1)

    def step(x: Any) -> Any:
        before = w.item()
        w.add_(x)
        return before

    step = capture(step)
    for _ in range(5):
        yield torch.tensor(step(ones(1)))


# --- functions that decide by numbers ---


@scene()
def functions_that_look_at_numbers(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        y = x * 2 if torch.equal(x.abs(), x) else x * 3
        return y / (x > 0).nonzero().shape[0], x.argmax(), (x > 1).any()

    step = capture(step)
    for numbers in ([1.0, 2.0], [2.0, 1.0], [3.0, 1.0], [-1.0, 1.0], [-1.0, 2.0], [4.0, 5.0], [0.0, 2.0], [7.0, 2.0]):
        yield step(torch.tensor(numbers))


# --- optimizers, seeds and modes ---


def _closing(optimizer: Any, w: Any) -> Any:
    def step(x: Any) -> None:
        def closure() -> Any:
            optimizer.zero_grad()
            loss = (w * w * x).sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    return step


@scene(replayed=False)
def a_closure(capture: Any) -> Iterator[Any]:
    for make in (lambda w: optim.SGD([w], lr=0.1), lambda w: optim.LBFGS([w], lr=0.1)):
        w = leaf()
        step = capture(_closing(make(w), w))
        for call in range(5):
            step(ones(2) * call)
            yield w


@scene()
def an_optimizer_of_ones_own(capture: Any) -> Iterator[Any]:
    class Descent(optim.Optimizer):
        def __init__(self, params: Any, rate: float) -> None:
            super().__init__(params, {})
            self.rate = rate
            self.mean = torch.zeros(2)

        def step(self) -> None:
            with torch.no_grad():
                for p in self.param_groups[0]["params"]:
                    p -= self.rate * p.grad
                    self.mean += p

    w = leaf()
    optimizer = Descent([w], 0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (w * w * x).sum().backward()
        optimizer.step()
        return optimizer.mean * 2

    step = capture(step)
    for call in range(8):
        optimizer.rate = 0.1 + (call > 4)
        yield step(ones(2)), w


@scene(replayed=False)
def a_seed(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        torch.manual_seed(3)
        return x * torch.rand(2)

    step = capture(step)
    for _ in range(5):
        yield step(ones(2))


@scene(replayed=False)
def a_mode_that_stays(capture: Any) -> Iterator[Any]:
    step = capture(lambda x: torch.set_grad_enabled(False) and x * 2)
    for _ in range(5):
        torch.set_grad_enabled(True)
        step(ones(2))
        yield torch.tensor(torch.is_grad_enabled())
    torch.set_grad_enabled(True)


@scene(replayed=False)
def an_argument_that_is_to_require_grad(capture: Any) -> Iterator[Any]:
    def step(x: Any) -> Any:
        x.requires_grad_()
        (x * x).sum().backward()
        return x.grad

    step = capture(step)
    for _ in range(5):
        yield step(x := ones(2)), torch.tensor(x.requires_grad)


@scene()
def clipping(capture: Any) -> Iterator[Any]:
    net = nn.Linear(2, 2)
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad(set_to_none=False)
        net(x).square().sum().backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return norm, norm * 2

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * call), *net.parameters()


@scene()
def biases_with_the_same_gradient(capture: Any) -> Iterator[Any]:
    net = nn.RNN(2, 2).double()
    params = list(net.parameters())

    def step(x: Any) -> None:
        net.zero_grad()
        for p, g in zip(params, torch.autograd.grad(net(x)[0].sum(), params), strict=True):
            p.grad = g
        nn.utils.clip_grad_norm_(params, 0.5)

    step = capture(step)
    for call in range(6):
        step(torch.ones(3, 1, 2).double() * call)
        yield [p.grad for p in params]


# --- what arguments hold, and optimizers ---


@scene(False)
def a_list_whose_tensors_change_places(capture: Any) -> Iterator[Any]:
    def step(pair: Any) -> Any:
        pair[0], pair[1] = pair[1], pair[0]
        return pair[0] * 2

    step = capture(step)
    for call in range(6):
        pair = [ones(2) * call, ones(2)]
        yield step(pair)
        yield pair


@scene(False)
def a_dictionary_that_holds_what_came_of_its_tensor(capture: Any) -> Iterator[Any]:
    state = {"h": ones(2)}

    def step(state: Any) -> Any:
        state["h"] = state["h"] * 2
        return state["h"] + 1

    step = capture(step)
    for _ in range(6):
        yield step(state)
        yield [*state.values()]


@scene()
def what_an_optimizer_keeps_by_another_name(capture: Any) -> Iterator[Any]:
    w = leaf()
    optimizer = optim.SGD([w], lr=0.5, momentum=0.5)
    (w * 2).sum().backward()
    optimizer.step()
    kept = optimizer.state[w]["momentum_buffer"]

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        kept.mul_(0.5)
        (w * x).sum().backward()
        optimizer.step()
        return kept * 2

    step = capture(step)
    for call in range(6):
        yield step(ones(2) * call), w


def plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", SCENES)
def test_a_step_leaves_the_same_behind(name: str) -> None:
    play, replayed = SCENES[name]
    captured: list[Any] = []

    def capture(step: Any) -> Any:
        captured.append(torch.capture(step))
        return captured[-1]

    found: list[Any] = []
    for how in (lambda step: step, capture):
        torch.manual_seed(0)
        found.append([plain(value) for value in play(how)])
    assert found[0] == found[1], captured[0].explain()
    assert captured[0].explain().startswith("0 calls") != replayed, captured[0].explain()
