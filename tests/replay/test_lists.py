"""Lists to which a step appends the numbers that it reads: attributes, in dictionaries, its own, which it returns."""

from __future__ import annotations

from typing import Any

import pytest

import nbautograd as torch

CALLS = 10
w = torch.ones(3, requires_grad=True)
rows: list[list[float]] = [[], []]
history: dict[str, list[float]] = {"loss": [], "size": []}
again = history


def loss_of(x: Any) -> Any:
    w.grad = None
    (loss := (w * x).sum()).backward()
    return loss


class Trainer:
    def __init__(self) -> None:
        self.losses: list[float] = []

    def appends(self, x: Any) -> None:
        self.losses.append(loss_of(x).item())

    def is_late(self) -> bool:
        return len(self.losses) > 4

    def asks_itself(self, x: Any) -> Any:
        self.losses.append(loss_of(x).item())
        return x * (2 if self.is_late() else 1)

    def asks_by_vars(self, x: Any) -> Any:
        self.losses.append(loss_of(x).item())
        return x * (2 if late_by_vars(self) else 1)


class Knowing(Trainer):
    def __init__(self) -> None:
        super().__init__()
        self.same = self.losses

    def asks_the_same(self, x: Any) -> Any:
        self.losses.append(loss_of(x).item())
        return x * (2 if len(self.same) > 4 else 1)


def late_by_vars(trainer: Any) -> bool:
    return any(len(values) > 4 for values in vars(trainer).values())


def late() -> bool:
    return any(len(values) > 4 for values in history.values())


def in_a_dictionary(trainer: Trainer, x: Any) -> None:
    history["loss"].append(loss_of(x).item())
    history["size"].append(x.abs().sum().item())


def in_a_list(trainer: Trainer, x: Any) -> None:
    rows[0].append(loss_of(x).item())


def in_one_that_a_helper_reads(trainer: Trainer, x: Any) -> Any:
    history["loss"].append(loss_of(x).item())
    return x * (2 if late() else 1)


def in_one_with_two_names(trainer: Trainer, x: Any) -> Any:
    history["loss"].append(loss_of(x).item())
    return x * (2 if len(again["loss"]) > 4 else 1)


def of_an_argument(trainer: Trainer, x: Any) -> None:
    trainer.losses.append(loss_of(x).item())


def its_own(trainer: Trainer, x: Any) -> Any:
    found = []
    for part in x.split(2):
        found.append((part * 2).sum().item())
    return {"found": found}


def its_own_that_it_reads(trainer: Trainer, x: Any) -> Any:
    found = []
    for part in x.split(2):
        found.append((part * 2).sum().item())
    return max(found)


def one_that_lasts(trainer: Trainer, x: Any) -> Any:
    found = []
    found = history["loss"]
    found.append(loss_of(x).item())
    return [*found] if len(found) > 4 else None


STEPS: dict[Any, int] = {
    Trainer.appends: 8, Trainer.asks_itself: 0, Trainer.asks_by_vars: 0, in_a_dictionary: 8, in_a_list: 8,
    Knowing.asks_the_same: 0, in_one_that_a_helper_reads: 0, in_one_with_two_names: 0, of_an_argument: 8, its_own: 8,
    its_own_that_it_reads: 0, one_that_lasts: 0,
}  # fmt: skip
"""By each step how many of its calls are replayed."""


def run(step: Any, trainer: Trainer) -> list[Any]:
    for values in (*rows, *history.values()):
        values.clear()
    found: list[Any] = []
    for call in range(CALLS):
        given = step(trainer, torch.tensor([1.0, 2.5, -4.0]) * (call + 0.3))
        given = given.tolist() if isinstance(given, torch.Tensor) else given
        found.append([given, [*trainer.losses], [[*values] for values in (*rows, *history.values())]])
    return found


@pytest.mark.parametrize("step", STEPS)
def test_numbers_may_be_appended_to_lists_that_nobody_reads_meanwhile(step: Any) -> None:
    captured = torch.capture(step)
    kind = Knowing if step is Knowing.asks_the_same else Trainer
    assert run(step, kind()) == run(captured, kind())
    assert captured.explain().startswith(f"{STEPS[step]} calls replayed"), captured.explain()


def test_a_list_may_be_another_one_in_each_call() -> None:
    trainer = Trainer()
    step = torch.capture(trainer.appends)
    for call in range(CALLS):
        if call % 5 == 4:
            trainer.losses = []
        step(torch.full((3,), float(call)))
        assert trainer.losses[-1] == 3.0 * call
    assert step.explain().startswith("5 calls replayed")
    assert "self_losses.append(" in step.source()
