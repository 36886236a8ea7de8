"""`%%autograd` in a real shell: the cell behaves as without it, and its trace is there."""

import json

import pytest

from nbautograd.trace import codec
from nbautograd.trace.model import MIME_TYPE, Trace

LEAF = "x = tensor(3., requires_grad=True)"
SQUARE = f"%%autograd\n{LEAF}\ny = x * x\ny.backward()\n"


def names(trace: Trace) -> list[str]:
    return [op.name for op in trace.ops]


def test_the_trace_is_shown_in_every_form_and_kept_in_a_variable(shell):
    ran = shell.run(SQUARE)
    assert ran.error is None
    (forms,) = ran.displays
    assert {"text/plain", "image/svg+xml", MIME_TYPE} <= set(forms)
    assert names(shell.ns["_autograd"]) == ["mul"]
    assert len(forms[MIME_TYPE]["ops"]) == 1


def test_the_last_expression_is_the_result_and_the_underscore(shell):
    ran = shell.run(f"%%autograd\n{LEAF}\nx * 2")
    assert ran.result.item() == 6
    assert shell.run("_ + 1").result.item() == 7


def test_a_semicolon_silences_the_result_and_not_the_graph(shell):
    ran = shell.run(f"%%autograd\n{LEAF}\nx * 2;")
    assert ran.result is None
    assert len(ran.displays) == 1


def test_a_cell_may_await(shell):
    ran = shell.run(f"%%autograd\nimport asyncio\n{LEAF}\nawait asyncio.sleep(0)\n(x * x).backward()\nx.grad")
    assert ran.error is None
    assert ran.result.item() == 6
    assert shell.ns["_autograd"].ops[0].span.line == 5


def test_an_error_points_at_the_line_and_the_part_that_ran_is_shown(shell):
    ran = shell.run(f"%%autograd\n{LEAF}\ny = x * x\n1 / 0\nz = y + 1")
    assert ran.error == "ZeroDivisionError: division by zero"
    assert "----> 4 1 / 0" in ran.text
    assert names(shell.ns["_autograd"]) == ["mul"]
    assert shell.ns["_autograd"].error == "ZeroDivisionError: division by zero"
    assert MIME_TYPE in ran.displays[-1]


def test_a_cell_with_a_syntax_error_says_only_that(shell):
    ran = shell.run("%%autograd\nfor i in range(3)\n    pass")
    assert ran.error.startswith("SyntaxError")
    assert ran.displays == []
    assert "differentiated" not in ran.text


def test_spans_name_the_lines_of_the_cell_as_written(shell):
    shell.run("x = tensor(3., requires_grad=True)")
    shell.run("%%autograd\n\ndef f(t):\n    return t * t\n\nf(x)")
    trace = shell.ns["_autograd"]
    assert trace.ops[0].span.line == 4
    assert trace.sources[trace.ops[0].span.source].code.splitlines()[3] == "    return t * t"


def test_the_cell_as_written_is_the_one_source_of_its_trace(shell):
    shell.run(SQUARE, cell="a")
    assert [(source.cell, source.code) for source in shell.ns["_autograd"].sources] == [("a", SQUARE)]


def test_a_block_traced_in_a_cell_is_called_after_the_cell(shell):
    number = shell.ip.execution_count
    shell.run(f"import nbautograd as nb\n{LEAF}\nwith nb.trace() as t:\n    (x * x).backward()")
    assert shell.ns["t"].cell.label == f"In [{number}]"


def test_the_program_of_a_trace_is_shown_as_it_reads(shell):
    shell.run(SQUARE)
    assert repr(shell.run("_autograd.source()").result) == str(shell.ns["_autograd"].source())


def test_what_the_package_calls_is_left_out_of_a_traceback_and_what_calls_back_is_not(shell):
    missing = shell.run("import nbautograd as nb\nnb.load('no such file')")
    assert "FileNotFoundError" in missing.text
    assert "contextlib" not in missing.text
    back = shell.run("def broken(t):\n    return 1 / 0\n\nnb.vmap(broken)(nb.ones(2))")
    assert "----> 2     return 1 / 0" in back.text
    assert "vmap.py" not in back.text


def test_a_comment_may_follow_the_magic(shell):
    assert shell.run(f"%%autograd  # don't look\n{LEAF}\nx * 2").error is None


def test_options_that_make_no_sense_are_said_and_nothing_runs(shell):
    ran = shell.run("%%autograd --vieww graph\nran = True")
    assert ran.error.startswith("UsageError")
    assert "unrecognized arguments: --vieww" in ran.text
    assert "ran" not in shell.ns


def test_where_nothing_can_be_differentiated_one_line_says_so(shell):
    ran = shell.run("%%autograd\n1 + 1")
    assert ran.result == 2
    assert ran.displays[1:] == []
    assert "Nothing was recorded" in ran.text


def test_under_time_the_cell_is_timed_and_traced_with_its_lines(shell):
    ran = shell.run(f"%%time\n%%autograd\n{LEAF}\ny = x * x\ny")
    assert ran.error is None
    assert "Wall time" in ran.text
    assert ran.result.item() == 9
    assert shell.ns["_autograd"].ops[0].span.line == 4


def test_an_error_under_time_fails_the_cell_and_shows_what_ran(shell):
    ran = shell.run(f"%%time\n%%autograd\n{LEAF}\ny = x * x\n1 / 0")
    assert ran.error == "ZeroDivisionError: division by zero"
    assert "----> 5 1 / 0" in ran.text
    assert "cells.py" not in ran.text
    assert names(shell.ns["_autograd"]) == ["mul"]


def test_above_time_it_works_too(shell):
    ran = shell.run(f"%%autograd\n%%time\n{LEAF}\ny = x * x\ny")
    assert ran.result.item() == 9
    trace = shell.ns["_autograd"]
    assert names(trace) == ["mul"]
    assert trace.sources[0].code.splitlines()[trace.ops[0].span.line - 1] == "%%time"


def test_a_line_magic_inside_is_no_trouble(shell):
    shell.run(f"%%autograd\n{LEAF}\n%time y = x * x\nz = y + 1")
    assert names(shell.ns["_autograd"]) == ["mul", "add"]


def test_a_cell_run_by_a_cell_belongs_to_it(shell):
    shell.run(LEAF)
    shell.run("%%autograd -o outer\ny = x * x\nget_ipython().run_cell('z = x + 1')\nw = x - 1")
    assert names(shell.ns["outer"]) == ["mul", "add", "sub"]


def test_runs_are_counted_by_the_cells_id(shell):
    shell.run(SQUARE, cell="a")
    shell.run(SQUARE + "# edited", cell="a")
    assert (shell.ns["_autograd"].cell.id, shell.ns["_autograd"].cell.run) == ("a", 2)
    shell.run(SQUARE, cell="b")
    assert shell.ns["_autograd"].cell.run == 1


def test_without_ids_the_same_code_is_the_same_cell(shell):
    shell.run(SQUARE)
    shell.run(SQUARE)
    assert shell.ns["_autograd"].cell.run == 2
    shell.run(SQUARE + "\n")
    shell.run(SQUARE.replace("y", "z"))
    assert shell.ns["_autograd"].cell.run == 1


def test_the_label_is_the_prompt_or_what_was_asked_for(shell):
    shell.run(SQUARE)
    assert shell.ns["_autograd"].cell.label == "In [2]"
    shell.run(SQUARE.replace("%%autograd", "%%autograd --label 'one step'"))
    assert shell.ns["_autograd"].cell.label == "one step"


def test_the_trace_is_stored_under_a_name(shell):
    shell.run(SQUARE.replace("%%autograd", "%%autograd -o mine"))
    assert shell.ns["mine"] is shell.ns["_autograd"]


def test_quiet_shows_nothing_and_keeps_the_trace(shell):
    ran = shell.run(SQUARE.replace("%%autograd", "%%autograd -q"))
    assert (ran.displays, ran.text) == ([], "")
    assert names(shell.ns["_autograd"]) == ["mul"]


def test_static_shows_a_picture_and_a_text_only(shell):
    (forms,) = shell.run(SQUARE.replace("%%autograd", "%%autograd --static")).displays
    assert set(forms) == {"text/plain", "image/svg+xml"}


def test_how_to_show_it_reaches_the_view(shell):
    asked = "--view code --collapse line --height 300 --step --no-animate"
    ran = shell.run(SQUARE.replace("%%autograd", f"%%autograd {asked}"))
    told = {"view": "code", "collapse": "line", "start": "step", "animate": False, "theme": "auto", "height": 300}
    assert ran.metadata[0][MIME_TYPE]["options"] == told
    ran = shell.run(SQUARE.replace("%%autograd", "%%autograd --play"))
    assert ran.metadata[0][MIME_TYPE]["options"]["start"] == "play"


def test_no_view_shows_no_graph(shell):
    assert shell.run(SQUARE.replace("%%autograd", "%%autograd --view none")).displays == []


@pytest.mark.parametrize(("ending", "begins"), [("svg", "<svg"), ("html", "<!doctype html"), ("json", "{")])
def test_a_trace_can_be_saved_in_three_forms(shell, tmp_path, ending, begins):
    path = tmp_path / f"run.{ending}"
    shell.run(SQUARE.replace("%%autograd", f'%%autograd --save "{path}"'))
    text = path.read_text(encoding="utf-8")
    assert text.lower().startswith(begins)
    if ending == "json":
        assert codec.loads(text) == shell.ns["_autograd"]
        assert json.loads(text)["cell"]["label"] == "In [2]"


def test_watched_tensors_are_compared_before_and_after(shell):
    ran = shell.run(SQUARE.replace("%%autograd", "%%autograd --watch x,q"))
    assert "x       — → 3." in ran.text
    assert "x.grad  — → 6." in ran.text
    ran = shell.run("%%autograd --watch x\nx.grad = None\nz = x * 2")
    assert "x       3.  (unchanged)" in ran.text
    assert "x.grad  6. → None" in ran.text


def test_how_much_is_kept_of_each_tensor_can_be_chosen(shell):
    cell = "%%autograd --values {}\nx = tensor([1., 2.], requires_grad=True)\ny = x * x\ny.sum().backward()"
    kept = {}
    for values in ("none", "stats", "full"):
        shell.run(cell.format(values))
        trace = shell.ns["_autograd"]
        kept[values] = trace.values[trace.ops[0].outputs[0]].data
    assert kept["none"] is None or kept["none"].data is None
    assert kept["full"].data == [1.0, 4.0]


def test_no_more_ops_are_kept_than_allowed_and_the_rest_is_counted(shell):
    shell.run("%%autograd --max-nodes 10\nx = tensor(1., requires_grad=True)\ny = x\nfor _ in range(50): y = y * 1.01")
    trace = shell.ns["_autograd"]
    assert len(trace.ops) <= 10
    assert trace.op_count == 50
    assert trace.folds


def test_running_a_cell_again_without_clearing_is_found(shell):
    shell.run(LEAF)
    cell = "%%autograd\n(x * x).backward()"
    shell.run(cell, cell="a")
    ran = shell.run(cell, cell="a")
    (finding,) = shell.ns["_autograd"].findings
    assert finding.code == "NB102"
    assert "12" in finding.message
    assert finding.message in ran.displays[0]["text/plain"] or finding.title in ran.displays[0]["text/plain"]


@pytest.mark.parametrize("option", ["--mute NB102", "--mute NB1xx", "--check none", "--check NB2xx", "--grad-accum 2"])
def test_a_finding_can_be_silenced(shell, option):
    shell.run(LEAF)
    cell = f"%%autograd {option}\n(x * x).backward()"
    shell.run(cell, cell="a")
    shell.run(cell, cell="a")
    assert [finding.code for finding in shell.ns["_autograd"].findings if finding.severity != "note"] == []


def test_anomaly_stops_at_the_first_gradient_that_is_nan(shell):
    cell = "%%autograd {}\nx = tensor(0., requires_grad=True)\n(x.sqrt() * 0).backward()"
    assert shell.run(cell.format("")).error is None
    assert "SqrtBackward0" in shell.run(cell.format("--anomaly")).error
    assert shell.run(cell.format("")).error is None


SHAPES = "torch.ones(2, 3) @ torch.ones(2, 3)"


@pytest.mark.parametrize("code", [SHAPES, f"%%autograd\n{SHAPES}", "x = torch.tensor(1.0)\nx.backward()"])
def test_a_traceback_shows_the_users_line_and_none_of_the_engines(shell, code):
    shell.run("import nbautograd as torch")
    text = shell.run(code).text
    assert "----> " in text
    assert "hint:" in text
    assert "core/" not in text


@pytest.mark.parametrize("colours", ["nocolor", "neutral"])
def test_a_traceback_shows_the_cell_as_it_was_typed(shell, colours):
    shell.ip.colors = colours
    text = shell.run("%%autograd --step\nx = tensor(1.0)\nx.nope()").text
    assert "1 %%autograd --step\n" in text
    assert "#%%" not in text


def test_a_traceback_passes_through_the_engine_to_the_users_own_rule(shell):
    shell.run(
        "import nbautograd as torch\nclass Broken(torch.autograd.Function):\n"
        "    @staticmethod\n    def forward(ctx, x):\n        return x * 2.0\n"
        "    @staticmethod\n    def backward(ctx, g):\n        return g / nothing"
    )
    text = shell.run("Broken.apply(torch.tensor(1.0, requires_grad=True)).backward()").text
    assert "return g / nothing" in text
    assert "core/" not in text


def test_whoever_wants_the_engines_frames_can_have_them(shell):
    shell.run("import nbautograd as torch")
    shell.run("%config AutogradMagics.short_errors = False")
    assert "core/" in shell.run(SHAPES).text
    shell.run("%config AutogradMagics.short_errors = True")
    shell.run("%unload_ext nbautograd")
    assert "core/" in shell.run(SHAPES).text


def test_a_file_that_cannot_be_written_does_not_keep_the_trace_from_being_shown(shell, tmp_path):
    ran = shell.run(SQUARE.replace("%%autograd", f"%%autograd --save {tmp_path}/missing/trace.svg"))
    assert ran.error is None
    assert "was not saved" in ran.text
    assert len(ran.displays) == 1
