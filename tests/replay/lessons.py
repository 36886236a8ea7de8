"""Lessons made by chance: a net, a training step, and what a learner does between the calls of it."""

from __future__ import annotations

import linecache
import random
from pathlib import Path
from threading import Thread
from typing import Any


def _read() -> dict[str, list[str]]:
    """What lessons are made of, by kind: a line each, with the indented lines below it."""
    found: dict[str, list[str]] = {}
    pieces: list[str] = []
    for line in Path(__file__).with_name("pieces.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            pieces = found[line[2:]] = []
        elif line.startswith(" "):
            pieces[-1] += f"\n{line}"
        elif line:
            pieces.append(line)
    return found


PIECES = _read()
SETUP = """
torch.manual_seed(1)
net = nn.Sequential({layers})
params = list(net.parameters())
optimizer = torch.optim.{optimizer}
{schedule}
class Config:
    gain = 1.0
config, settings, scale, level, noise, factor, rate = Config(), dict(gain=1.0), 1.0, 0.1, 0.1, 1, 0.05
flag, threaded = True, False
losses, kept, extras, data = [], [], [0.2], [torch.randn({batch}, {inputs}) for _ in range(4)]
big, mask, order = torch.randn({batch} + 4, {inputs}), torch.linspace(0.5, 1.5, 64), torch.arange({batch} - 1, -1, -1)
seen_mean, criterion = torch.tensor(0.0), nn.MSELoss()
helper = lambda h: h * config.gain + 0.01
saved = dict((k, v.clone()) for k, v in net.state_dict().items())
average, speed = [p.detach().clone() for p in params], [torch.zeros_like(p) for p in params]
"""
CALL = """
try:
    if threaded:
        box = []
        thread = Thread(target=lambda: box.append(step(x, y)))
        thread.start()
        thread.join()
        result = box[0]
    else:
        result = step(x, y)
except Exception as error:
    result = type(error).__name__
kept.append(result)
if {two}:
    other(x)
states = [optimizer.state[p] for p in params]
lasting = [params, [p.grad for p in params], list(net.buffers()), average, states, mask, seen_mean]
seen.append(look([result, kept[-2:], losses[:], lasting, torch.rand(2)]))
"""
OTHER = """
@capture
def other(x):
    (net(x).square().sum() * 0.01).backward()
    return net(x).sum().detach()
"""
TARGETS = {
    "numbers": "y = torch.randn(x.shape[0], 3)",
    "classes": "y = torch.randint(3, (x.shape[0],))",
    "chances": "y = torch.rand(x.shape[0], 3)",
}


class Lesson:
    """`source` is the text of a function `lesson(torch, nn, F, capture, look, Thread)`, which returns what is seen."""

    CALLS = 14

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        sizes = {"inputs": chance.choice([2, 3, 5]), "batch": chance.choice([4, 6])}
        kind = chance.choice(["numbers", "numbers", "classes", "chances"])
        layers = self._layers(sizes["inputs"])
        scheduled, two = chance.random() < 0.3, chance.random() < 0.15
        schedule = f"schedule = torch.optim.lr_scheduler.{self._one('schedules')}" if scheduled else ""
        optimizer = self._one("optimizers")
        lines = [
            "def lesson(torch, nn, F, capture, look, Thread):",
            _in(SETUP.format(layers=", ".join(layers), optimizer=optimizer, schedule=schedule, **sizes)),
            _in("@capture\ndef step(x, y):\n" + _in(self._step(kind, len(layers)))),
            _in(OTHER if two else ""),
            _in(f"seen = []\nfor call in range({self.CALLS}):"),
            _in(self._one("inputs").format(**sizes), 2),
            _in(TARGETS[kind], 2),
            *[
                _in(f"if call == {chance.randrange(2, self.CALLS)}:\n{_in(piece)}", 2)
                for piece in self._some("between", 3)
            ],
            _in("schedule.step()" if scheduled else "", 2),
            _in(CALL.format(two=two), 2),
            _in("return seen"),
        ]
        self.source = "\n".join(line for line in "\n".join(lines).splitlines() if line.strip()) + "\n"

    def _one(self, kind: str) -> str:
        return self._chance.choice(PIECES[kind])

    def _some(self, kind: str, most: int) -> list[str]:
        return self._chance.sample(PIECES[kind], self._chance.randint(0, most))

    def _maybe(self, kind: str) -> list[str]:
        return self._some(kind, 1) if self._chance.random() < 0.5 else []

    def _layers(self, inputs: int) -> list[str]:
        hidden = self._chance.choice([4, 6])
        between = [piece.format(n=hidden) for piece in self._some("layers", 1)]
        return [f"nn.Linear({inputs}, {hidden})", *between, self._one("activations"), f"nn.Linear({hidden}, 3)"]

    def _step(self, kind: str, layers: int) -> str:
        """The lines of the step."""
        chance = self._chance
        clear, cut = self._one("clearing"), chance.randrange(1, layers)
        clear = f"if flag:\n{_in(clear)}" if chance.random() < 0.1 else clear
        first, last = (clear, "") if chance.random() < 0.8 else ("", clear)
        update = "optimizer.step()" if chance.random() < 0.8 else self._one("by hand")
        return "\n".join([
            first, f"h = net[:{cut}](x)", *self._some("on h", 3), f"out = net[{cut}:](h)", f"loss = {self._one(kind)}",
            *self._maybe("on the loss"), self._one("backward"), *self._maybe("before the update"), update,
            *self._maybe("after the update"), last, self._one("returned"),
        ])  # fmt: skip


def _in(text: str, depth: int = 1) -> str:
    return "\n".join(" " * 4 * depth + line for line in text.splitlines())


def run(source: str, torch: Any, capture: Any, look: Any) -> list[Any]:
    """What is seen in a lesson."""
    space: dict[str, Any] = {"__name__": "lesson"}
    linecache.cache["<lesson>"] = (len(source), None, source.splitlines(True), "<lesson>")
    exec(compile(source, "<lesson>", "exec"), space)
    return space["lesson"](torch, torch.nn, torch.nn.functional, capture, look, Thread)
