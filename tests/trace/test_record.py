"""What a trace tells of code that ran: ops, places, values, scopes, and the true order of the backward pass."""

from __future__ import annotations

import numpy as np
import pytest

from nbautograd.trace.codec import dumps, loads
from nbautograd.trace.model import Accumulate, Flow, Free, Seed, Trace
from tests.cells import Notebook


def run(code: str, *before: str) -> Trace:
    """The trace of one cell, which must be readable again; cells `before` it run untraced."""
    notebook = Notebook()
    for cell in before:
        notebook.quietly(cell)
    trace = notebook.run(code)
    loads(dumps(trace))
    return trace


def flows(trace: Trace) -> list[Flow]:
    return [e for p in trace.passes for e in p.events if isinstance(e, Flow)]


def test_ops_know_names_inputs_lines_and_columns() -> None:
    trace = run(
        "x = torch.tensor([1.0, 2.0], requires_grad=True)\nw = torch.tensor([3.0, -1.0], requires_grad=True)\n"
        "loss = (x * w).sum()\nloss.backward()"
    )
    assert [(op.name, op.node) for op in trace.ops] == [("mul", "MulBackward0"), ("sum", "SumBackward0")]
    product = trace.ops[0].span
    assert product is not None
    assert (product.line, product.column, product.end_column) == (3, 8, 13)
    assert [trace.values[i].name for i in trace.ops[0].inputs] == ["x", "w"]
    assert [v.name for v in trace.values] == ["x", "w", None, "loss"]
    assert trace.ops[0].local == ["w", "x"]
    assert sorted(trace.ops[0].saved) == ["x", "y"]


def test_values_and_gradients_are_whole_when_small() -> None:
    trace = run("x = torch.tensor([1.0, 2.0], requires_grad=True)\n(x * x).sum().backward()")
    x = trace.values[0]
    assert x.data is not None
    assert x.grad is not None
    assert x.data.data == [1.0, 2.0]
    assert x.grad.data == [2.0, 4.0]


def test_ops_in_functions_methods_and_comprehensions_have_their_own_lines() -> None:
    trace = run(
        "def double(t):\n    return t * 2.0\n\n"
        "class Model:\n    def call(self, t):\n        return t + 1.0\n\n"
        "x = torch.tensor(1.0, requires_grad=True)\n"
        "y = Model().call(double(x))\n"
        "zs = [y * float(i) for i in range(2)]"
    )
    places = [(op.span.line, op.span.function) for op in trace.ops if op.span is not None]
    assert places[:2] == [(2, "double"), (6, "call")]
    assert [line for line, _ in places[2:]] == [10, 10]
    assert len(trace.sources) == 1


def test_a_function_of_another_cell_brings_its_own_source() -> None:
    notebook = Notebook()
    notebook.run("def double(t):\n    return t * 2.0")
    trace = notebook.run("x = torch.tensor(1.0, requires_grad=True)\ny = double(x)")
    span = trace.ops[0].span
    assert span is not None
    assert (trace.sources[span.source].label, span.line) == ("In [1]", 2)


def test_results_that_no_variable_holds_are_named_after_their_line() -> None:
    trace = run(
        "def f(t):\n    h = t * 2.0\n    return h.sum()\nx = torch.tensor([1.0], requires_grad=True)\nloss = f(x)"
    )
    assert [v.name for v in trace.values if v.kind == "op"] == ["h", "loss"]


def test_parameters_have_their_path_and_ops_their_module() -> None:
    trace = run("net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())\nnet(torch.ones(1, 2)).sum().backward()")
    assert {v.name for v in trace.values if v.kind == "leaf"} == {"net.0.weight", "net.0.bias"}
    tanh = next(op for op in trace.ops if op.name == "tanh")
    assert tanh.scope is not None
    scope = trace.scopes[tanh.scope]
    assert (scope.kind, scope.name, scope.type) == ("module", "net.1", "Tanh")
    assert scope.parent is not None
    assert trace.scopes[scope.parent].name == "net"


def test_the_backward_events_come_in_the_engines_order() -> None:
    trace = run("x = torch.tensor(3.0, requires_grad=True)\ny = x * x\n(y + x).backward()")
    (backward,) = trace.passes
    kinds = [e.kind for e in backward.events]
    assert kinds[0] == "seed"
    assert kinds[-1] == "accumulate"
    assert backward.span is not None
    assert backward.span.line == 3
    seed = backward.events[0]
    assert isinstance(seed, Seed)
    assert seed.gradient.data == [1.0]
    names = [(trace.ops[e.op].name, e.input) for e in flows(trace)]
    assert names == [("add", 0), ("add", 1), ("mul", 0), ("mul", 1)]


def test_each_edge_tells_upstream_local_contribution_and_the_sum_so_far() -> None:
    trace = run("x = torch.tensor(3.0, requires_grad=True)\ny = x * x\n(y + x).backward()")
    into_x = [e for e in flows(trace) if trace.values[e.target].name == "x"]
    assert [(e.arrival, e.arrivals) for e in into_x] == [(1, 3), (2, 3), (3, 3)]
    assert [e.contribution.data for e in into_x] == [[1.0], [3.0], [3.0]]
    assert [e.before and e.before.data for e in into_x] == [None, [1.0], [4.0]]
    assert [e.after.data for e in into_x] == [[1.0], [4.0], [7.0]]
    last = into_x[-1]
    assert last.local is not None
    assert last.local.data == [3.0]
    assert last.upstream.data == [1.0]


def test_contribution_is_upstream_times_local_for_every_small_elementwise_edge() -> None:
    trace = run(
        "x = torch.tensor([0.5, -1.5], requires_grad=True)\n"
        "y = torch.tanh(x) * torch.exp(x) - torch.sigmoid(x) / (x * x + 2.0)\n(y * y).sum().backward()"
    )
    told = [e for e in flows(trace) if e.local is not None]
    assert len(told) > 8
    for e in told:
        assert e.local is not None
        product = np.array(e.upstream.data) * np.array(e.local.data)
        np.testing.assert_allclose(product, np.array(e.contribution.data), rtol=1e-5, atol=1e-7)


def test_a_broadcast_is_undone_by_a_sum_that_is_told() -> None:
    trace = run("b = torch.ones(3, requires_grad=True)\n(torch.ones(2, 3) + b).sum().backward()")
    reduced = [e.reduced for e in flows(trace) if e.reduced]
    assert reduced == ["sum over axis 0: (2, 3) → (3,)"]


def test_accumulating_tells_what_was_there_and_where_it_came_from() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)\n(x * 2.0).backward()")
    trace = notebook.run("(x * 5.0).backward()")
    (event,) = [e for e in trace.passes[0].events if isinstance(e, Accumulate)]
    assert event.before is not None
    assert (event.before.data, event.contribution.data, event.after.data) == ([2.0], [5.0], [7.0])
    assert [(c.label, c.line, c.run) for c in event.earlier] == [("In [1]", 2, 1)]
    (ledger,) = trace.ledgers
    assert [c.label for c in ledger.contributions] == ["In [1]", "In [2]"]
    assert [c.pass_id for c in ledger.contributions] == [None, 0]


def test_a_graph_of_an_earlier_traced_cell_is_drawn_and_names_its_cell() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)\ny = torch.exp(x) * 2.0")
    trace = notebook.run("y.backward()")
    assert [(op.name, op.span, op.origin) for op in trace.ops] == [("exp", None, "In [1]"), ("mul", None, "In [1]")]
    assert [trace.ops[e.op].name for e in flows(trace)] == ["mul", "exp"]


def test_a_graph_of_an_untraced_cell_is_drawn_from_its_nodes() -> None:
    trace = run("y.backward()", "x = torch.tensor(3.0, requires_grad=True)\ny = torch.exp(x) * 2.0")
    assert [(op.name, op.node) for op in trace.ops] == [("exp", "ExpBackward0"), ("mul", "MulBackward0")]
    assert [v.name for v in trace.values if v.kind == "leaf"] == ["x"]


def test_the_second_backward_error_names_the_cell_that_built_the_graph() -> None:
    notebook = Notebook()
    notebook.run("x = torch.tensor(3.0, requires_grad=True)\ny = x * x")
    notebook.run("y.backward()")
    notebook.run("try:\n    y.backward()\nexcept RuntimeError as e:\n    error = str(e)")
    assert "second time" in notebook.namespace["error"]
    assert "In [1]" in notebook.namespace["error"]


def test_a_cell_that_raises_keeps_the_part_that_ran() -> None:
    trace = run("x = torch.tensor([1.0, 2.0], requires_grad=True)\ny = x * 2.0\nz = y + torch.ones(3)")
    assert [op.name for op in trace.ops] == ["mul"]
    assert trace.error is not None
    assert trace.error.startswith("RuntimeError: The size of tensor a (2) must match")


def test_in_place_ops_and_views_keep_the_graph_whole() -> None:
    trace = run("y = torch.ones(3, requires_grad=True) * 1.0\ny[0] = 5.0\ny[1:].mul_(2.0)\n(y * 2.0).sum().backward()")
    assert any(op.in_place for op in trace.ops)
    assert {e.op for e in flows(trace)} >= {op.id for op in trace.ops if op.node == "CopySlices"}


def test_grad_is_a_pass_of_its_own_kind() -> None:
    trace = run("x = torch.tensor(3.0, requires_grad=True)\n(g,) = torch.autograd.grad(x**3, x, create_graph=True)")
    assert (trace.passes[0].kind, trace.passes[0].create_graph) == ("grad", True)
    assert trace.ledgers == []


def test_several_outputs_are_values_of_one_op() -> None:
    trace = run("x = torch.arange(4.0, requires_grad=True)\na, b = torch.split(x, 2)\n(a * b).sum().backward()")
    split = trace.ops[0]
    assert len(split.outputs) == 2
    assert [trace.values[i].output for i in split.outputs] == [0, 1]


# --- steps ---

STEPS = {
    "a plain loop": (
        "for i in range(3):\n    (w * w).sum().backward()\n    w.data -= 0.1 * w.grad\n    w.grad = None",
        1,
        3,
    ),
    "batches in epochs": (
        "for e in range(2):\n    for b in range(3):\n        (w * w).sum().backward()\n"
        "        w.data -= 0.1 * w.grad\n        w.grad = None",
        2,
        6,
    ),
    "layers and parameters inside": (
        "for e in range(3):\n    h = w\n    for k in range(4):\n        h = h * 1.5\n    h.sum().backward()\n"
        "    for p in [w]:\n        p.data -= 0.1 * p.grad\n        p.grad = None",
        1,
        3,
    ),
    "several losses in a step": (
        "for i in range(3):\n    for k in range(2):\n        (w * w).sum().backward()\n"
        "    w.data -= 0.1 * w.grad\n    w.grad = None",
        1,
        3,
    ),
    "a step in a function": (
        "def step():\n    (w * w).sum().backward()\n    w.data -= 0.1 * w.grad\n    w.grad = None\n"
        "for i in range(3):\n    step()",
        5,
        3,
    ),
    "while": (
        "i = 0\nwhile i < 3:\n    (w * w).sum().backward()\n    w.data -= 0.1 * w.grad\n    w.grad = None\n    i += 1",
        2,
        3,
    ),
    "no training": ("y = w\nfor i in range(4):\n    y = y * 1.5", 2, 4),
    "one branch or another": (
        "for i in range(4):\n    if i % 2:\n        y = w * 2.0\n    else:\n        y = w * 3.0\n"
        "    y.sum().backward()\n    w.data -= 0.1 * w.grad\n    w.grad = None",
        1,
        4,
    ),
    "a comprehension is none": ("ys = [w * float(i) for i in range(5)]", None, 0),
    "no loop": ("a = w * 2.0\nb = w * 3.0", None, 0),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_rounds_of_the_loop_that_trains_are_steps(name: str) -> None:
    code, line, count = STEPS[name]
    trace = run(code, "w = torch.tensor([1.0, 2.0], requires_grad=True)")
    steps = [scope for scope in trace.scopes if scope.kind == "step"]
    assert [scope.index for scope in steps] == list(range(count))
    assert {scope.span.line for scope in steps if scope.span} == ({line} if line else set())


def test_steps_have_figures() -> None:
    trace = run(
        "for i in range(3):\n    loss = (w * w).sum()\n    loss.backward()\n"
        "    w.data -= 0.25 * w.grad\n    w.grad = None",
        "w = torch.tensor([4.0], requires_grad=True)",
    )
    assert [(s.index, s.loss, s.grad_norm, s.kept) for s in trace.steps] == [
        (0, 16.0, 8.0, True),
        (1, 4.0, 4.0, True),
        (2, 1.0, 2.0, True),
    ]


MAKE_NET = "net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))"


def test_what_modules_do_to_their_own_parameters_and_buffers_is_no_part_of_the_graph() -> None:
    trace = run(f"{MAKE_NET}\nloss = net(torch.ones(3, 2)).sum()\nloss.backward()")
    assert [op.name for op in trace.ops] == ["linear", "batch_norm", "sum"]
    assert trace.op_count == 3
    assert not trace.folds


def test_a_parameter_is_told_with_the_numbers_it_was_used_with_not_those_of_the_memory_it_was_made_in() -> None:
    trace = run(
        f"{MAKE_NET}\nwith torch.no_grad():\n    net[0].bias.fill_(7.0)\n"
        "net(torch.ones(3, 2)).sum().backward()\nwith torch.no_grad():\n    net[0].bias.zero_()"
    )
    data = {value.name: value.data.data for value in trace.values if value.data}
    assert data["net.0.bias"] == [7.0, 7.0]
    assert data["net.1.weight"] == [1.0, 1.0]


def test_unrecorded_ops_that_the_user_has_a_name_for_stay_and_so_does_what_they_come_from() -> None:
    trace = run(
        "x = torch.tensor(2.0, requires_grad=True)\n(x * x).backward()\n"
        "with torch.no_grad():\n    kept = (x + 1.0) * 3.0\n    x -= 0.1 * x.grad\n    print(x * 5.0)"
    )
    assert [(op.name, op.node is None) for op in trace.ops] == [
        ("mul", False),
        ("add", True),
        ("mul", True),
        ("mul", True),
        ("sub", True),
    ]


def test_data_that_was_prepared_is_a_constant_and_what_was_not_recorded_keeps_its_history() -> None:
    trace = run(
        "x = torch.tensor(2.0, requires_grad=True)\ndata = torch.ones(3) / 4.0\n"
        "with torch.no_grad():\n    scale = (x * 3.0).exp()\n((x * data).sum() * scale).backward()"
    )
    assert [op.name for op in trace.ops] == ["mul", "exp", "mul", "sum", "mul"]
    (data,) = [value for value in trace.values if value.name == "data"]
    assert (data.kind, data.data and data.data.data) == ("constant", [0.25, 0.25, 0.25])


def test_where_nothing_was_recorded_every_op_stays() -> None:
    assert [op.name for op in run("x = torch.tensor(2.0)\nprint(x * 5.0)").ops] == ["mul"]


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("x[:, 0]", {"index": "[:, 0]"}),
        ("x[..., 1:]", {"index": "[…, 1:]"}),
        ("x[::2]", {"index": "[::2]"}),
        ("x.double()", {"dtype": "float64"}),
        ("torch.nn.functional.conv1d(x[None], torch.ones(1, 2, 1))", {}),
        ("torch.nn.functional.conv1d(x[None], torch.ones(1, 2, 1), padding=1)", {"padding": "(1,)"}),
    ],
)
def test_settings_are_told_as_a_person_writes_them(code: str, params: dict[str, str]) -> None:
    trace = run(f"x = torch.ones(2, 2, requires_grad=True)\ny = {code}")
    assert trace.ops[-1].params == params


PASSES = {
    "a chain with a fan-out": "h = w * 2.0\n(h * h.exp() + w).sum().backward()",
    "a hook": "h = w * 3.0\nh.register_hook(lambda g: g * 2)\n(h * h).sum().backward()",
    "only what is asked for": "h = w * 2.0\ntorch.autograd.grad((h**3).sum() + w.sum(), [h, w])",
    "gradients of gradients": "(g,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)\ng.sum().backward()",
    "several outputs": "a, b = torch.split(torch.exp(w), 1)\n(a * b).sum().backward()",
    "in place": "y = w * 1.0\ny[0] = 5.0\ny[1:].mul_(2.0)\n(y * 2.0).sum().backward()",
    "broadcast": "(torch.ones(3, 2) + w).sum().backward()",
    "an earlier cell's graph": "earlier.sum().backward()",
    "one that is kept": "y = (w * w).sum()\ny.backward(retain_graph=True)\ny.backward()",
    "an error": (
        "class Bad(torch.autograd.Function):\n    forward = staticmethod(lambda ctx, x: x * x)\n"
        "    backward = staticmethod(lambda ctx, g: 1 / 0)\n"
        "u = w.exp()\n((Bad.apply(w * 1.0) + u * 2.0) * 2.0).sum().backward()"
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_without_numbers_a_pass_tells_the_same_events_in_the_same_order(name: str) -> None:
    def told(values: str) -> list[tuple[object, ...]]:
        notebook = Notebook()
        notebook.quietly("w = torch.tensor([1.0, 2.0], requires_grad=True)\nearlier = torch.exp(w.view(2, 1)) * 2.0")
        trace = notebook.run(PASSES[name], values=values)
        found: list[tuple[object, ...]] = [(p.kind, p.error, len(p.events)) for p in trace.passes]
        for event in [event for run in trace.passes for event in run.events]:
            match event:
                case Flow():
                    edge = event.op, event.input, event.target, event.arrival, event.arrivals, event.reduced
                    found.append((*edge, event.upstream.shape, event.contribution.shape, event.after.dtype))
                case Free():
                    found.append(("free", *event.ops))
                case _:
                    found.append((event.kind, event.value))
        return found

    assert told("none") == told("stats")


@pytest.mark.parametrize("values", ["none", "stats"])
@pytest.mark.parametrize(
    "use",
    [
        "",
        "s.backward()",
        "s.backward(retain_graph=True)",
        "torch.autograd.grad(s, h)",
        "torch.autograd.grad(s, w, create_graph=True)",
        "h.register_hook(lambda g: 1 / 0)\ntry: s.backward()\nexcept ZeroDivisionError: pass",
        "v = y * 1.0\nv.mul_(2.0)\nv.sum().backward()\ndel v",
        "h.register_hook(lambda g: g * 2)\ns.backward()",
    ],
)
def test_a_graph_that_the_user_has_let_go_of_is_not_held(use: str, values: str) -> None:
    notebook = Notebook()
    notebook.quietly("import gc, weakref\nw = torch.ones(5, requires_grad=True)")
    notebook.run(
        f"h = torch.exp(w * 1.0)\ny = torch.tanh(h)\ns = (y * y).sum() * 2.0\n{use}\n"
        "saved = weakref.ref(y._data)\ndel h, y, s\nw.grad = None\ngc.collect()\nheld = saved() is not None",
        values=values,
    )
    assert not notebook.namespace["held"]
