"""What `nb.memory()` says is held."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

import nbautograd as torch
from nbautograd.utils.checkpoint import checkpoint

KB = 4000  # of 1,000 numbers in single precision
NUMBER = 4


def test_an_op_keeps_what_its_rules_ask_for() -> None:
    x = torch.ones(1000, requires_grad=True)
    before = torch.memory({})
    y = (x.exp() * x).sum()
    held = torch.memory({"y": y})
    assert held.by_op["exp"] - before.by_op["exp"] == KB  # what mul keeps are that and x itself, which count once
    assert held.by_name["y"] == KB + NUMBER
    assert held.ops - before.ops == 3


def test_backward_lets_go() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = (x.exp() * x).sum()
    y.backward()
    held = torch.memory({"y": y, "x": x})
    assert held.by_name == {"y": NUMBER, "x": 2 * KB}
    assert held.gradients >= KB


def test_a_list_of_losses_keeps_their_graphs() -> None:
    x = torch.ones(1000, requires_grad=True)
    before = torch.memory({}).saved
    losses = [(x * i).tanh().sum() for i in range(5)]
    held = torch.memory({"losses": losses})
    assert held.saved - before == 5 * KB
    assert held.by_name["losses"] == 5 * (KB + NUMBER)
    losses = [loss.item() for loss in losses]
    held = torch.memory({"losses": losses})
    assert held.saved == before
    assert not held.by_name


class Kept:
    """Something of the user's that has a tensor."""

    def __init__(self, loss: torch.Tensor) -> None:
        self.loss = loss


def test_a_variable_holds_what_it_leads_to() -> None:
    x = torch.ones(1000)
    model = torch.nn.Linear(1000, 1, bias=False)
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(2):
        model(x).sum().backward()
        optimizer.step()
    loss = model.weight.tanh().sum()
    names = {"x": x, "model": model, "optimizer": optimizer, "kept": Kept(loss), "call": lambda: loss, "n": 3}
    assert torch.memory(names).by_name == {
        "x": KB,
        "model": 2 * KB,
        "optimizer": 4 * KB + 4,  # and the number of its steps
        "kept": KB + NUMBER,
        "call": KB + NUMBER,
    }


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x


def test_what_a_function_of_the_users_and_a_checkpoint_keep_is_theirs() -> None:
    x = torch.ones(1000, requires_grad=True)
    before = torch.memory({"x": x})
    again = checkpoint(torch.exp, x * 2, use_reentrant=True, preserve_rng_state=False)
    y = Square.apply(x * 2).sum(), again.sum()
    held = torch.memory({"x": x, "y": y})
    assert held.by_op - before.by_op == {"Square": KB, "CheckpointFunction": KB}
    assert held.by_name["y"] == 2 * (KB + NUMBER)
    mine = torch.memory({"x": x, "inputs": [z := x * 2, Square.apply(z)]})
    assert mine.by_op == held.by_op  # a variable has z


def test_circles_that_nobody_holds_are_not_held() -> None:
    before = torch.memory({}).tensors
    lost = Kept(torch.ones(1000))
    lost.itself = lost  # pyright: ignore[reportAttributeAccessIssue]
    del lost
    assert torch.memory({}).tensors == before


def test_it_says_so_in_words() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = x.exp()  # held by `y` itself
    z = y.exp().sum()
    lines = str(torch.memory()).splitlines()
    assert " in gradients, " in lines[0]
    assert lines[1].startswith("  by variable: ")
    assert "z 4.0 kB" in lines[1]
    assert lines[2].startswith("kept for backward, in graphs of ")
    assert lines[3].startswith("  by op: ")
    assert lines[4].startswith("  by cell: ")
    many = torch.memory({f"x{i}": torch.ones(i) for i in range(1, 9)})
    assert str(many).splitlines()[1] == "  by variable: x8 32 B, x7 28 B, x6 24 B, x5 20 B, x4 16 B, x3 12 B, 2 more"
    assert z is not None


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbautograd")
    yield shell
    shell.run_line_magic("unload_ext", "nbautograd")
    InteractiveShell.clear_instance()


def test_cells_are_told_apart(shell: InteractiveShell) -> None:
    for cell in (
        "import nbautograd as nb\nx = nb.ones(1000, requires_grad=True)\nx_tanh = x.tanh().sum()",
        "x_exp = x.exp().sum()\nheld = nb.memory()",
    ):
        shell.run_cell(cell, store_history=True)
    held = shell.user_ns["held"]
    assert held.by_name["x_tanh"] == held.by_name["x_exp"] == KB + NUMBER
    assert len([label for label, size in held.by_cell.items() if label.startswith("In [") and size == KB]) == 2


def test_what_a_cell_showed_and_what_the_last_error_holds_is_named(shell: InteractiveShell) -> None:
    for cell in (
        "import nbautograd as nb\ndef fails():\n    x = nb.ones(1000, requires_grad=True)\n    x.exp()[x.numel()]",
        "nb.ones(1000).exp()",
        "nb.ones(1000).exp();",
        "fails()",
        "held = nb.memory()",
    ):
        shell.run_cell(cell, store_history=True)
    assert shell.user_ns["held"].by_name == {"Out[2]": KB, "the last error": 2 * KB}  # x, x.exp()
