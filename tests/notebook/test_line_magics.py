"""The line magics and the settings, in a real shell."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.notebook.conftest import Shell

LEAF = "x = tensor(3., requires_grad=True)"


def test_loading_brings_two_names_where_they_are_free():
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance()
    ip.user_ns["tensor"] = "mine"
    ip.run_cell("%load_ext nbautograd")
    assert ip.user_ns["tensor"] == "mine"
    assert ip.user_ns["nb"].__name__ == "nbautograd"
    InteractiveShell.clear_instance()


def test_unloading_takes_the_magics_away_and_reloading_brings_them_back(shell):
    shell.run("%unload_ext nbautograd")
    assert "not found" in shell.run("%%autograd\n1").text
    shell.run("%reload_ext nbautograd")
    assert shell.run(f"%%autograd\n{LEAF}\nx * x").error is None


def test_the_question_mark_shows_what_the_magic_takes(shell):
    text = shell.run("%%autograd?").text
    assert "--grad-accum K" in text
    assert "play its backward pass" in text


def test_an_expression_is_traced_and_its_value_is_the_result(shell):
    shell.run(LEAF)
    ran = shell.run("%autograd x * x")
    assert ran.result.item() == 9
    assert [op.name for op in shell.ns["_autograd"].ops] == ["mul"]


def test_options_may_stand_before_the_expression(shell):
    shell.run(LEAF)
    assert shell.run("%autograd -q -x * 2").displays == []
    assert "what to trace" in shell.run("%autograd --static").text


def test_in_auto_mode_every_cell_is_traced_and_others_are_left_in_peace(shell):
    shell.run(LEAF)
    assert "Every cell is traced" in shell.run("%autograd on").text
    assert len(shell.run("y = x * x").displays) == 1
    ran = shell.run("1 + 1;")
    assert (ran.displays, ran.text) == ([], "")
    shell.run("%autograd off")
    assert shell.run("y = x * x").displays == []


def test_status_lists_the_traces_and_clear_forgets_them(shell):
    shell.run(f"%%autograd --label mine\n{LEAF}\n(x * x).backward()")
    text = shell.run("%autograd status").text
    assert "1 of at most 20" in text
    assert "mine: 1 op, 1 backward pass" in text
    shell.run("%autograd clear")
    assert "0 of at most 20" in shell.run("%autograd").text
    assert "_autograd" not in shell.ns


def test_after_clear_a_cell_counts_from_one_and_old_runs_warn_no_more(shell):
    shell.run(LEAF)
    cell = "%%autograd\n(x * x).backward()"
    shell.run(cell, cell="a")
    shell.run("%autograd clear")
    shell.run(cell, cell="a")
    assert shell.ns["_autograd"].cell.run == 1
    assert shell.ns["_autograd"].findings == []


def test_grads_tells_which_run_of_which_cell_brought_what(shell):
    shell.run(LEAF)
    for _ in range(2):
        shell.run("%%autograd\n(x * x).backward()", cell="a")
    assert shell.run("%grads x").text == (
        "x.grad = 12\n  6  from In [3], line 2\n  6  from In [4], run 2 of that cell, line 2\n"
    )


def test_grads_prints_what_one_pass_brought_once(shell):
    shell.run(f"{LEAF}\nw = nb.arange(7.).requires_grad_()")
    shell.run("%%autograd\n(x * w).sum().backward()")
    assert shell.run("%grads").text == (
        "x.grad = 21  from In [3], line 2\nw.grad = [3, 3, 3, 3, 3, …]  from In [3], line 2\n"
    )


def test_grads_says_when_it_saw_nothing_come(shell):
    shell.run(f"{LEAF}\n(x * x).backward()\nempty = tensor(1., requires_grad=True)")
    text = shell.run("%grads").text
    assert "x.grad = 6" in text
    assert "not traced" in text
    assert "empty.grad = None" in text


def test_grads_and_zerograd_know_modules(shell):
    shell.run("net = nb.nn.Linear(2, 1)\nnet(nb.ones(1, 2)).sum().backward()")
    assert "net.weight.grad" in shell.run("%grads").text
    assert shell.run("%zerograd net").text == "Cleared: net.weight, net.bias.\n"
    assert shell.ns["net"].weight.grad is None


def test_zerograd_clears_and_says_what(shell):
    shell.run(f"{LEAF}\n(x * x).backward()")
    assert shell.run("%zerograd").text == "Cleared: x.\n"
    assert shell.run("%zerograd x").text == "There was nothing to clear.\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "No variable is called 'nowhere'"),
        ("y", "'y' is no leaf: it was computed, by MulBackward0"),
        ("c", "'c' does not require a gradient"),
        ("text", "'text' is no tensor and no module, but of type str"),
    ],
)
def test_what_has_no_grad_is_told_apart(shell, name, says):
    shell.run(f"{LEAF}\ny = x * x\nc = tensor(1.)\ntext = 'hello'")
    for magic in ("%grads", "%zerograd"):
        ran = shell.run(f"{magic} {name}")
        assert ran.error.startswith("UsageError")
        assert says in ran.text


def test_gradcheck_passes_for_float32_leaves_and_leaves_them_alone(shell):
    shell.run(
        "x = tensor([1., 2.], requires_grad=True)\nw = tensor([3., 4.], requires_grad=True)\nd = tensor([1., 1.])"
    )
    assert "by w, x agrees" in shell.run("%gradcheck (x * w * d).sin().sum()").text
    assert shell.run("x.dtype, x.grad").result == (shell.ns["nb"].float32, None)


def test_gradcheck_varies_the_parameters_of_modules(shell):
    shell.run("net = nb.nn.Linear(2, 1)\ndata = nb.ones(3, 2)")
    assert "by net.weight, net.bias agrees" in shell.run("%gradcheck net(data).pow(2).mean()").text
    assert shell.ns["net"].weight.dtype == shell.ns["nb"].float32


def test_gradcheck_of_a_wrong_rule_fails_the_cell(shell):
    shell.run(
        f"{LEAF}\n"
        "class Wrong(nb.autograd.Function):\n"
        "    @staticmethod\n"
        "    def forward(ctx, x): return x * 2\n"
        "    @staticmethod\n"
        "    def backward(ctx, g): return g * 3\n"
    )
    assert shell.run("%gradcheck Wrong.apply(x)").error.startswith("GradcheckError")


def test_gradcheck_wants_an_expression_with_a_leaf(shell):
    assert "of what?" in shell.run("%gradcheck").text
    assert "none of the names" in shell.run("%gradcheck 1 + 1").text


def test_explain_gives_a_findings_page(shell):
    assert "a cell again" in shell.run("%explain NB102").text
    assert shell.run("%explain NB1xx").text.count("NB10") >= 3
    assert "knows nothing of NB999" in shell.run("%explain NB999").text
    assert "nothing to explain" in shell.run("%explain").text
    assert "is no code" in shell.run("%explain hello").text


def test_explain_without_a_code_speaks_of_the_last_trace(shell):
    shell.run(LEAF)
    for _ in range(2):
        shell.run("%%autograd\n(x * x).backward()", cell="a")
    assert "NB102" in shell.run("%explain").text


def test_settings_come_from_the_configuration():
    config = Config()
    config.AutogradMagics.auto = True
    config.AutogradMagics.static = True
    shell = Shell(config)
    (forms,) = shell.run(f"{LEAF}\ny = x * x").displays
    assert set(forms) == {"text/plain", "image/svg+xml"}


def test_settings_can_be_changed_and_are_checked(shell):
    assert "AutogradMagics.max_nodes" in shell.run("%config AutogradMagics").text
    shell.run("%config AutogradMagics.keep = 1")
    for _ in range(3):
        shell.run(f"%%autograd\n{LEAF}\nx * x")
    assert "1 of at most 1" in shell.run("%autograd status").text
    shell.run("%config AutogradMagics.view = 'tree'")
    shell.run("%config AutogradMagics.muted = ['hello']")
    assert "Current: 'auto'" in shell.run("%config AutogradMagics").text
    assert shell.run(f"%%autograd\n{LEAF}\nx * x").error is None


def test_a_trace_on_the_last_line_is_drawn(shell):
    shell.run(f"%%autograd -q\n{LEAF}\nx * x")
    ip = shell.ip
    forms, _ = ip.display_formatter.format(shell.ns["_autograd"])
    assert forms["image/svg+xml"].startswith("<svg")


def test_gradcheck_of_something_that_is_no_expression_says_so(shell):
    assert shell.run("%gradcheck x *").text.startswith("UsageError: %gradcheck: 'x *' is no expression")
