"""A captured step does what the step does, or runs it and says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nbautograd as torch
from nbautograd import nn
from nbautograd.nn import functional as F  # noqa: N812


def model(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def data(*shape: int, count: int = 6) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(*shape) for _ in range(count)]


def training(net: nn.Module, loss_of: Callable[..., Any], make: Callable[..., Any]) -> Callable[..., Any]:
    optimizer = make(net.parameters())

    def step(*batch: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(net, *batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def both(build: Callable[[], Any], batches: list[Any]) -> tuple[Any, Any, Any]:
    """The results of the step and of the captured step, each from the same start, and the latter."""
    results: list[Any] = []
    captured: Any = None
    for capturing in (False, True):
        torch.manual_seed(0)
        step = build()
        if capturing:
            step = captured = torch.capture(step)
        torch.manual_seed(2)
        results.append([step(*batch) for batch in batches])
    return results[0], results[1], captured


def assert_replayed(captured: Any, count: int) -> None:
    assert captured.explain().startswith(f"{count} call{'s' * (count != 1)} replayed, 2 run"), captured.explain()


NETS: dict[str, tuple[Callable[[], nn.Module], Callable[..., Any]]] = {
    "mlp": (
        lambda: model(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)),
        lambda net, x: F.cross_entropy(net(x), torch.tensor([0, 1, 2, 0])),
    ),
    "gelu, layer norm": (
        lambda: model(nn.Linear(5, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 1)),
        lambda net, x: (net(x) ** 2).mean(),
    ),
    "dropout": (
        lambda: model(nn.Linear(5, 8), nn.Dropout(0.4), nn.Tanh(), nn.Linear(8, 1)),
        lambda net, x: net(x).abs().sum(),
    ),
    "noise": (lambda: model(nn.Linear(5, 3)), lambda net, x: net(x + 0.1 * torch.randn(4, 5)).square().mean()),
    "views": (
        lambda: model(nn.Linear(5, 6)),
        lambda net, x: (net(x).view(4, 2, 3).transpose(1, 2).reshape(12, 2)[:, 0] * 2).exp().sum(),
    ),
    "fan-out, cat, chunk": (
        lambda: model(nn.Linear(5, 6), nn.Sigmoid()),
        lambda net, x: sum(part.prod() for part in torch.cat([net(x), net(x * 2)]).chunk(3, 1)),
    ),
    "embedding": (
        lambda: model(nn.Embedding(7, 4), nn.Flatten(), nn.Linear(20, 2)),
        lambda net, x: F.cross_entropy(net((x.abs() * 3).long().clamp(max=6)), torch.tensor([0, 1, 1, 0])),
    ),
}

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NETS)
def test_training_goes_the_same_way(name: str, optimizer: str) -> None:
    make, loss_of = NETS[name]
    plain, replayed, captured = both(
        lambda: training(make(), loss_of, OPTIMIZERS[optimizer]), [(x,) for x in data(4, 5)]
    )
    assert_replayed(captured, 4)
    assert [loss.item() for loss in plain] == [loss.item() for loss in replayed]


def test_large_elementwise_chains_run_block_by_block() -> None:
    def build() -> Any:
        x = torch.linspace(-2, 2, 100_000).requires_grad_()

        def step(scale: torch.Tensor) -> Any:
            x.grad = None
            y = (x.tanh() * scale).exp()
            ((y * y - y).sigmoid() * 3).sum().backward()
            return x.grad

        return step

    plain, replayed, captured = both(build, [(torch.tensor(v),) for v in (0.5, 1.0, 1.5, 0.1)])
    assert_replayed(captured, 2)
    assert ", block_1" in captured.source()
    assert "out=block_1)" in captured.source()
    for expected, got in zip(plain, replayed, strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-6)


def test_a_gradient_that_is_a_view_replaces_the_one_before() -> None:
    w = torch.ones(2, 3, requires_grad=True)

    @torch.capture
    def step(x: torch.Tensor) -> None:
        w.grad = None
        (x @ w.T).sum().backward()

    for _ in range(4):
        step(torch.ones(4, 3))
    assert_replayed(step, 2)
    assert w.grad.tolist() == [[4.0] * 3] * 2


def test_gradients_add_up_when_nothing_clears_them() -> None:
    w = torch.ones(3, requires_grad=True)
    step = torch.capture(lambda x: (w * x).sum().backward())
    for _ in range(5):
        step(torch.ones(3))
    assert w.grad.tolist() == [5.0, 5.0, 5.0]
    assert_replayed(step, 3)


def test_updates_by_hand_clipping_and_a_second_backward() -> None:
    def build() -> Any:
        net = model(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
        rate = torch.tensor(0.1)

        def step(x: torch.Tensor) -> torch.Tensor:
            net.zero_grad()
            loss = net(x).square().mean()
            loss.backward()
            net(x * 0.5).mean().backward()
            with torch.no_grad():
                for p in net.parameters():
                    p -= rate * p.grad.clamp(-0.05, 0.05)
            return loss

        return step

    plain, replayed, captured = both(build, [(x,) for x in data(3, 4)])
    assert_replayed(captured, 4)
    assert [loss.item() for loss in plain] == [loss.item() for loss in replayed]


def test_gradients_of_gradients() -> None:
    def build() -> Any:
        net = model(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))

        def step(points: torch.Tensor) -> torch.Tensor:
            points.grad = None
            net.zero_grad()
            u = net(points)
            (slope,) = torch.autograd.grad(u.sum(), points, create_graph=True)
            loss = (slope.square().sum(1) - 1).square().mean()
            loss.backward()
            return loss.detach() + net[0].weight.grad.sum()

        return step

    plain, replayed, captured = both(build, [(x.requires_grad_(),) for x in data(5, 2)])
    assert_replayed(captured, 4)
    np.testing.assert_allclose([v.item() for v in replayed], [v.item() for v in plain], rtol=1e-6)


def test_batch_norm_keeps_its_running_figures() -> None:
    nets: list[nn.Module] = []

    def build() -> Any:
        nets.append(model(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)))
        return training(nets[-1], lambda net, x: net(x).square().mean(), OPTIMIZERS["SGD"])

    plain, replayed, captured = both(build, [(x,) for x in data(6, 4)])
    assert_replayed(captured, 4)
    assert [loss.item() for loss in plain] == [loss.item() for loss in replayed]
    for (name, a), b in zip(nets[0].state_dict().items(), nets[1].state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_another_shape_gets_a_program_of_its_own() -> None:
    w = torch.ones(3, requires_grad=True)

    @torch.capture
    def step(x: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad((x * w).sum(), w)[0]

    for n in (2, 2, 2, 5, 5, 5, 2):
        assert step(torch.ones(n, 3)).tolist() == [n] * 3
    assert step.explain().startswith("3 calls replayed, 4 run")


def test_what_changes_round_the_step_is_noticed() -> None:
    scale = 2.0
    w = torch.ones(2, requires_grad=True)
    net = model(nn.Linear(2, 2), nn.Dropout(0.5))

    @torch.capture
    def step() -> torch.Tensor:
        return torch.autograd.grad((net(w) * scale).sum(), w)[0]

    net.eval()
    expected = [step() for _ in range(3)][-1]
    scale = 4.0
    assert torch.equal(step(), expected * 2)
    w = torch.zeros(2, requires_grad=True)
    assert torch.equal(step(), expected * 2)
    net[0].weight = nn.Parameter(net[0].weight.detach() * 0.5)
    assert torch.equal(step(), expected)
    net.train()
    assert {tuple(step().tolist()) for _ in range(20)} != {tuple(expected.tolist())}


def test_a_branch_that_depends_on_numbers_is_checked() -> None:
    w = torch.tensor(1.0, requires_grad=True)

    @torch.capture
    def step(x: torch.Tensor) -> torch.Tensor:
        y = w * x
        y = y * 10 if y > 0 else y * 2
        return torch.autograd.grad(y, w)[0]

    seen = [step(torch.tensor(x)).item() for x in (1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 4.0)]
    assert seen == [10.0, 20.0, 30.0, -2.0, -4.0, -6.0, 40.0]


def test_a_given_up_replay_draws_no_other_numbers() -> None:
    def build() -> Any:
        w = torch.tensor(1.0, requires_grad=True)

        def step(x: torch.Tensor) -> torch.Tensor:
            noise = torch.randn(3).sum()
            y = w * x + noise
            y = y * 10 if x > 0 else y * 2
            return torch.autograd.grad(y * noise, w)[0]

        return step

    plain, replayed, _ = both(build, [(torch.tensor(x),) for x in (1.0, 2.0, 3.0, -1.0, 2.0, -2.0, 5.0)])
    assert [g.item() for g in replayed] == pytest.approx([g.item() for g in plain], rel=1e-6)


REFUSED = {
    "reads numbers": ("Python reads numbers", lambda w, x: f"{(w * x).sum().item():.1f}"),
    "tolist": ("tolist()", lambda w, x: (w * x).detach().tolist()),
    "a hook": ("hook", lambda w, x: (h := w * x).register_hook(lambda g: g * 2) and h.sum().backward()),
    "no backward": ("backward has not run", lambda w, x: (w * x).sum()),
    "NumPy": ("numpy()", lambda w, x: torch.tensor(np.sin((w * x).detach().numpy()))),
    "draws": ("random", lambda w, x: torch.poisson(torch.ones(2)) + x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_replayed_runs_as_it_is_and_is_explained(name: str) -> None:
    words, function = REFUSED[name]
    w = torch.ones(2, requires_grad=True)
    step = torch.capture(lambda x: function(w, x))
    for _ in range(4):
        step(torch.ones(2))
    assert step.explain().startswith("0 calls replayed, 4 run")
    assert re.search(f"no program for .*{re.escape(words)}", step.explain()), step.explain()
    with pytest.raises(RuntimeError, match="there is no program of this step"):
        step.source()


DRAWS: dict[str, Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = {
    "bernoulli": lambda p, rng: torch.bernoulli(p),
    "bernoulli of a generator": lambda p, rng: torch.bernoulli(p * 0.5, generator=rng),
    "multinomial": lambda p, rng: p[torch.multinomial(p, 4, replacement=True)],
    "multinomial without replacement": lambda p, rng: p[torch.multinomial(p + 1, 4, generator=rng)],
    "multinomial of rows": lambda p, rng: torch.multinomial(torch.stack([p, p * p]), 1) * p,
    "normal": lambda p, rng: torch.normal(p, p.abs()) + torch.normal(0.0, p) + torch.normal(p, 2.0),
    "randperm": lambda p, rng: p[torch.randperm(4)] * torch.arange(4),
    "numbers of a network": lambda p, rng: torch.bernoulli(torch.sigmoid(p * 3)) * p,
}


@pytest.mark.parametrize("name", DRAWS)
def test_what_a_step_draws_is_drawn_anew_by_the_numbers_of_the_call(name: str) -> None:
    def build() -> Any:
        w, rng = torch.ones(4, requires_grad=True), torch.Generator().manual_seed(3)

        def step(x: torch.Tensor) -> Any:
            w.grad = None
            loss = (DRAWS[name]((w * x).detach(), rng) * w).sum()
            loss.backward()
            return [loss.detach(), w.grad]

        return step

    batches = [(torch.rand(4),) for _ in range(6)]
    plain, replayed, captured = both(build, batches)
    assert_replayed(captured, 4)
    for expected, got in zip(plain, replayed, strict=True):
        assert [t.tolist() for t in got] == [t.tolist() for t in expected]


def test_the_first_numbers_that_are_drawn_at_all_are_a_steps() -> None:
    rng = torch.Generator()
    step = torch.capture(lambda x: x + torch.rand(2, generator=rng))
    for _ in range(3):
        step(torch.zeros(2))
    assert_replayed(step, 1)


def test_what_a_step_prints_is_printed_by_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    step = torch.capture(lambda x: (print("here", flush=True), x * 2)[1])
    for _ in range(4):
        step(torch.ones(2))
    assert capsys.readouterr().out == "here\n" * 4
    assert "it prints" in step.explain()


def test_a_counter_in_python_is_noticed() -> None:
    count = 0
    w = torch.ones(2, requires_grad=True)

    @torch.capture
    def step() -> None:
        nonlocal count
        count += 1
        (w * count).sum().backward()

    for _ in range(4):
        step()
    assert count == 4
    assert w.grad.tolist() == [10.0, 10.0]
    assert "count" in step.explain()


def test_a_trace_sees_the_step_itself() -> None:
    w = torch.ones(2, requires_grad=True)
    step = torch.capture(lambda x: (w * x).sum().backward())
    for _ in range(3):
        step(torch.ones(2))
    with torch.trace() as t:
        step(torch.ones(2))
    assert [op.name for op in t.ops] == ["mul", "sum"]


def test_a_hook_registered_later_is_called() -> None:
    w = torch.ones(2, requires_grad=True)
    step = torch.capture(lambda x: (w * x).sum().backward())
    for _ in range(3):
        step(torch.ones(2))
    seen: list[Any] = []
    w.register_hook(lambda g: seen.append(g.tolist()))
    step(torch.full((2,), 3.0))
    assert seen == [[3.0, 3.0]]


def test_the_source_reads_like_the_step() -> None:
    w = torch.ones(2, 2, requires_grad=True)

    @torch.capture
    def step(x: torch.Tensor) -> torch.Tensor:
        w.grad = None
        loss = (x @ w).tanh().sum()
        loss.backward()
        return loss

    for _ in range(3):
        step(torch.ones(3, 2))
    source = step.source()
    assert "loss = (x @ w).tanh().sum()" in source
    assert "np.tanh(" in source
    assert "put(w_tensor, d_w)" in source


def test_a_tensor_may_be_given_twice() -> None:
    w = torch.tensor(2.0, requires_grad=True)
    step = torch.capture(lambda a, b: torch.autograd.grad(w * a * b, w)[0])
    for x in (1.0, 2.0, 3.0, 4.0):
        t = torch.tensor(x)
        assert step(t, t).item() == x * x
    assert_replayed(step, 2)


def test_gradients_read_after_backward_need_not_be_put_first() -> None:
    def build() -> Any:
        w = torch.tensor([1.0, -2.0], requires_grad=True)

        def step(x: torch.Tensor) -> Any:
            w.grad = None
            (w * x).exp().sum().backward()
            with torch.no_grad():
                w.sub_(w.grad * 0.1)
                w.grad.mul_(0.5)
            return w.grad + w.detach()

        return step

    plain, replayed, captured = both(build, [(x,) for x in data(2)])
    assert_replayed(captured, 4)
    assert "_grad" not in captured.source()
    assert [v.tolist() for v in replayed] == [v.tolist() for v in plain]


def test_a_step_that_fails_after_it_has_changed_something_fails_once() -> None:
    w = torch.ones(3, requires_grad=True)

    @torch.capture
    def step(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        (w * x).sum().backward()
        return w.grad[index]

    good, bad = torch.tensor([0, 2]), torch.tensor([5])
    for _ in range(3):
        step(torch.ones(3), good)
    with pytest.raises(IndexError):
        step(torch.ones(3), bad.expand(2).clone())
    assert w.grad.tolist() == [4.0] * 3


def test_scalars_that_would_fail_after_a_change_are_not_made_python_numbers() -> None:
    def build() -> Any:
        w = torch.tensor(1.0, requires_grad=True)

        def step(x: torch.Tensor) -> Any:
            (w * x).backward()
            return (w.grad * 20).exp()

        return step

    plain, replayed, captured = both(build, [(torch.tensor(float(v)),) for v in range(8)])
    assert_replayed(captured, 6)
    assert [v.item() for v in replayed] == [v.item() for v in plain]


def test_the_source_names_variables_parameters_and_modules() -> None:
    net = model(nn.Linear(4, 3), nn.Tanh())
    step = torch.capture(training(net, lambda net, x: net(x)[0].square().sum(), OPTIMIZERS["SGD"]))
    for _ in range(3):
        step(torch.ones(2, 4))
    source = step.source()
    for line in (
        "# --- forward ---", "# --- backward ---", "# --- what is changed ---", "# net.0", "loss = ",
        "net_0 = linear(batch_0, net_0_weight, net_0_bias)", "d_net_0_weight = d_net_0.T.dot(batch_0)",
        "optimizer.step()",
    ):  # fmt: skip
        assert line in source, line


def test_what_is_known_before_the_program_runs_is_worked_out() -> None:
    net = model(nn.Linear(4, 3))
    step = torch.capture(training(net, lambda net, x: F.mse_loss(net(x), x[:, :3]), OPTIMIZERS["SGD"]))
    for _ in range(3):
        step(torch.ones(2, 4))
    assert "d_net_0 = d_loss * (2 / 6) * (net_0 - t1)" in step.source()


def test_which_dimensions_are_added_up_is_worked_out() -> None:
    net = model(nn.LayerNorm(4))
    step = torch.capture(training(net, lambda net, x: F.mse_loss(net(x), x), OPTIMIZERS["SGD"]))
    for _ in range(3):
        step(torch.arange(24.0).view(2, 3, 4))
    assert step.source().count("(0, 1)") == 2


def test_what_comes_after_a_module_in_its_line_is_not_taken_for_the_modules() -> None:
    net = model(nn.Linear(4, 3), nn.Tanh())
    step = torch.capture(training(net, lambda net, x: net(x).square().mean(), OPTIMIZERS["SGD"]))
    for _ in range(3):
        step(torch.ones(2, 4))
    lines = [line.strip() for line in step.source().splitlines()]
    after = lines[lines.index("# net.1") + 2 :]
    assert after[0] == ""
    assert after[1].startswith("# <lambda>, line")
    assert "net_1 * net_1" in after[2]


@pytest.mark.parametrize("power", [2, 3, 4, 0.5, -1, -2, 1, 0, 2.5])
def test_powers_are_written_as_they_are_computed(power: float) -> None:
    def step(x: torch.Tensor) -> Any:
        y = (x**power) * 2
        y.sum().backward()
        return y.detach(), x.grad

    captured = torch.capture(step)
    for x in data(5):
        x = x.abs() + 0.5
        expected, got = (f(x.clone().requires_grad_()) for f in (step, captured))
        assert [t.tolist() for t in expected] == [t.tolist() for t in got]
    assert_replayed(captured, 4)
    if power == 2:
        assert "t1 = x * x" in captured.source()
        assert "d_x = d_t1 * (x * 2)" in captured.source()


POSITIONS = {
    "embedding": (lambda i: F.embedding(i, torch.arange(12.0).view(4, 3)), [-1, 4]),
    "cross_entropy": (lambda i: F.cross_entropy(torch.arange(8.0).view(2, 4), i), [-1, 4]),
    "nll_loss": (lambda i: F.nll_loss(torch.arange(8.0).view(2, 4), i), [4]),
    "binary_cross_entropy": (lambda i: F.binary_cross_entropy(i / 3, torch.ones(2)), [-1, 4]),
    "gather": (lambda i: torch.arange(4.0).gather(0, i), [4]),
    "index_select": (lambda i: torch.arange(4.0).index_select(0, i), [4]),
    "an index": (lambda i: torch.arange(4.0)[i], [-5, 4]),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_positions_that_do_not_exist_are_refused_as_by_the_step(name: str) -> None:
    function, bad = POSITIONS[name]
    w = torch.ones(1, requires_grad=True)

    def step(i: torch.Tensor) -> Any:
        w.grad = None
        (function(i) * w).sum().backward()
        return w.grad

    captured = torch.capture(step)
    for _ in range(3):
        captured(torch.tensor([0, 3]))
    assert_replayed(captured, 1)
    for position in bad:
        index = torch.tensor([0, position])
        with pytest.raises((IndexError, RuntimeError)) as expected:
            step(index)
        with pytest.raises((IndexError, RuntimeError)) as got:
            captured(index)
        assert str(got.value) == str(expected.value)
    if name in ("cross_entropy", "nll_loss"):
        ignored = torch.tensor([-100, 1])
        assert captured(ignored).tolist() == step(ignored).tolist()


def test_an_input_of_another_dtype_whose_gradient_needs_no_fitting() -> None:
    w = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)

    def step(i: torch.Tensor) -> Any:
        w.grad = None
        (w[:2] * i).sort()[0].sum().backward()
        return w.grad

    captured = torch.capture(step)
    for _ in range(4):
        assert captured(torch.tensor([3, 1])).tolist() == [3.0, 1.0, 0.0]
    assert_replayed(captured, 2)


def test_tensors_of_inference_mode_are_no_reason_not_to_replay_but_as_arguments():
    w = torch.ones(3, requires_grad=True)

    @torch.capture
    def step(x):
        w.grad = None
        (w * x).sum().backward()
        return w.grad.sum()

    with torch.inference_mode():
        alive = torch.ones(3)
    for _ in range(4):
        step(torch.ones(3))
    assert step.explain().startswith("2 calls replayed"), step.explain()
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        step(alive)


SUMS = {
    "a difference of products": lambda x, y: x * x - y * y,
    "a product and a number": lambda x, y: (x * y + 1.0) * 1e-30,
    "a sum of sums": lambda x, y: ((x * x + y) - y * y) / x,
    "one that is added twice": lambda x, y: (x * y + x * y) - x * y,
    "what is large only in between": lambda x, y: (x * y - x * y) + y,
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("size", [1.0, 1e18, 3e18, 1e19, 1e20])
def test_a_sum_that_outgrows_its_dtype_on_the_way_is_what_it_is(name: str, size: float) -> None:
    def build() -> Callable[..., Any]:
        def step(x: Any, y: Any) -> Any:
            return SUMS[name](x, y).detach()

        return step

    def number(value: float) -> torch.Tensor:
        return torch.tensor(value, requires_grad=True)

    batches = [(number(1.5), number(0.5))] * 3 + [(number(1.5 * size), number(0.9 * size))] * 2
    plain, replayed, captured = both(build, batches)
    assert [a.item() for a in replayed] == pytest.approx([a.item() for a in plain], rel=1e-5, nan_ok=True)
    assert "replayed" in captured.explain()


def test_a_shape_that_is_returned_is_one_of_torchs() -> None:
    captured = torch.capture(lambda x: (x * 2).shape)
    assert [type(captured(torch.ones(2, 3))) for _ in range(4)] == [torch.Size] * 4
    assert_replayed(captured, 2)
