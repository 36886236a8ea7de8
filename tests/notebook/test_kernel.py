"""The magic in a real kernel: what arrives at the front end, and what an interrupt leaves behind."""

from nbautograd.trace.model import MIME_TYPE

WIDGET = "application/vnd.jupyter.widget-view+json"
LEAF = "x = tensor(3., requires_grad=True)"
CELL = f"%%autograd\n{LEAF}\ny = x * x\ny.backward()\nx.grad"


def test_result_and_bundle_arrive(kernel):
    ran = kernel.run(CELL, cell="bundle")
    result, forms = ran.displays
    assert result["text/plain"] == "tensor(6.)"
    assert set(forms) == {"text/plain", "image/svg+xml", MIME_TYPE, WIDGET}
    assert forms[MIME_TYPE]["cell"]["id"] == "bundle"


def test_fifty_runs_open_one_comm(kernel):
    first = kernel.run(CELL, cell="comms").messages.count("comm_open")
    again = sum(kernel.run(CELL, cell="comms").messages.count("comm_open") for _ in range(50))
    assert first > 0
    assert again == 0


def test_a_cell_may_await_and_its_trace_has_the_lines(kernel):
    ran = kernel.run(f"%%autograd\nimport asyncio\n{LEAF}\nawait asyncio.sleep(0)\ny = x * x")
    assert ran.error is None
    (forms,) = ran.displays
    assert forms[MIME_TYPE]["ops"][0]["span"]["line"] == 5


def test_an_interrupt_shows_what_ran_and_leaves_the_next_cell_right(kernel):
    request = kernel.begin(f"%%autograd\nimport time\n{LEAF}\ny = x * x\nprint('asleep', flush=True)\ntime.sleep(60)")
    kernel.end(request, until="asleep")
    kernel.interrupt()
    ran = kernel.end(request)
    assert ran.error.startswith("KeyboardInterrupt")
    (forms,) = ran.displays
    assert len(forms[MIME_TYPE]["ops"]) == 1

    assert kernel.run("z = x * 5").displays == []
    assert len(kernel.run("%%autograd\nz = x * 5").displays[0][MIME_TYPE]["ops"]) == 1


def test_an_interrupted_await_leaves_the_next_cell_right(kernel):
    request = kernel.begin(
        f"%%autograd\nimport asyncio\n{LEAF}\ny = x * x\nprint('asleep', flush=True)\n"
        "for _ in range(600): await asyncio.sleep(0.1)"
    )
    kernel.end(request, until="asleep")
    kernel.interrupt()
    assert kernel.end(request).error is not None
    assert kernel.run("z = x * 5").displays == []
    assert len(kernel.run("%%autograd\nz = x * 5").displays[0][MIME_TYPE]["ops"]) == 1


def test_options_that_make_no_sense_fail_the_cell(kernel):
    ran = kernel.run("%%autograd --vieww\nprint('ran')")
    assert "UsageError" in (ran.error or ran.text)
    assert "'ran'" not in ran.text
