"""What `nb.memory()` says is held."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

import nbautograd as torch

KB = 4000  # of 1,000 numbers in single precision


def test_an_op_keeps_what_its_rules_ask_for() -> None:
    x = torch.ones(1000, requires_grad=True)
    before = torch.memory({})
    y = (x.exp() * x).sum()
    held = torch.memory({"y": y})
    assert held.by_op["exp"] - before.by_op["exp"] == KB  # what mul keeps are that and x itself, which count once
    assert held.by_name["y"] == KB
    assert held.ops - before.ops == 3


def test_backward_lets_go() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = (x.exp() * x).sum()
    y.backward()
    held = torch.memory({"y": y})
    assert held.by_name["y"] == 0
    assert held.gradients >= KB


def test_a_list_of_losses_keeps_their_graphs() -> None:
    x = torch.ones(1000, requires_grad=True)
    before = torch.memory({}).saved
    losses = [(x * i).tanh().sum() for i in range(5)]
    assert torch.memory({}).saved - before == 5 * KB
    losses = [loss.item() for loss in losses]
    assert torch.memory({}).saved == before


def test_it_says_so_in_words() -> None:
    x = torch.ones(1000, requires_grad=True)
    y = x.exp()  # held by `y` itself
    z = y.exp().sum()
    text = str(torch.memory())
    assert "kept for backward by" in text
    assert "by op: " in text
    assert "z 4.0 kB" in text
    assert z is not None


def test_cells_are_told_apart() -> None:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbautograd")
    try:
        for cell in (
            "import nbautograd as nb\nx = nb.ones(1000, requires_grad=True)\nx_tanh = x.tanh().sum()",
            "x_exp = x.exp().sum()\nheld = nb.memory()",
        ):
            shell.run_cell(cell, store_history=True)
        held = shell.user_ns["held"]
        assert held.by_name["x_tanh"] == held.by_name["x_exp"] == KB
        assert len([label for label, size in held.by_cell.items() if label.startswith("In [") and size == KB]) == 2
    finally:
        shell.run_line_magic("unload_ext", "nbautograd")
        InteractiveShell.clear_instance()
