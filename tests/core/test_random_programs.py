"""Programs made by chance (views, changes in place, branches, reuse, hooks) do what they do in PyTorch.

`NBAUTOGRAD_PROGRAMS=10000 pytest tests/core/test_random_programs.py` tries more of them, `NBAUTOGRAD_SEED=1` others. A
program that differs is cut down line by line before it is shown. The test stops at the first;
`NBAUTOGRAD_PROGRAMS=10000 python -m tests.core.test_random_programs` shows every one, and how many there were.

NOTE [What is not compared]
No branch asks about zero, where rounding would decide. Where PyTorch's outcome is an accident of its memory, programs
do not go: a change whose operand lies across the memory that it changes (the result depends on the order of the loop),
single elements of an expanded tensor that are changed (PyTorch warns that it will not allow it for long), a gradient
given as a tensor that shares its memory with the leaf (which then is added to), a scalar changed behind the graph's
back by `.data` (PyTorch's saved one changes too; here scalars cannot be changed), `gather` of what is changed later
(PyTorch saves it without need), what else can be seen of the order in memory of a result whose operands are in
different orders, which of its three texts for matrices that do not fit PyTorch takes (it goes by who asks for a
gradient), gradients for a tensor with a changed part (PyTorch runs the node of the change for nothing), views of what
`detach_()` took from the graph (where they lead goes by when PyTorch last looked at them; so it looks at every view
that is about to be changed), a view given to memory that it shares where a dimension of size one takes another step
than its shape says (PyTorch compares such steps, though nobody goes them), and one of several views, or a view from
under `no_grad`, after a change of their memory (PyTorch refuses even to show it). Where two leaves' gradients share
memory, of which PyTorch knows nothing (of `(a.sum() + b.sum()).backward()` for two numbers), and then one is added to,
its outcome is wrong. Hooks on a view that no path leads to crash PyTorch; hooks on a leaf that stops to require one are
forgotten here, and kept there for later.
"""

# ruff: noqa: E501  (forms of lines, to be compared at a glance)

from __future__ import annotations

import os
import random
import re
import warnings
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

COUNT, FIRST = int(os.environ.get("NBAUTOGRAD_PROGRAMS", "150")), int(os.environ.get("NBAUTOGRAD_SEED", "0"))

UNARY = [
    "a.sin()",
    "a.tanh()",
    "a.sigmoid()",
    "a.relu()",
    "-a",
    "a.abs()",
    "(a*a+1).sqrt()",
    "a**2",
    "a.exp().clamp(max=3)",
    "a*0.5",
    "a.clone()",
    "1-a",
    "2/(a*a+1)",
]
BINARY = [
    "a+b",
    "a-b",
    "a*b",
    "a/(b*b+1)",
    "torch.maximum(a,b)",
    "torch.where(a>b,a,b)",
    "a.lerp(b,0.3)",
    "a.addcmul(a,b)",
]
REDUCE = [
    "a.sum()", "a.sum(-1)", "a.mean(0,keepdim=True)", "a.amax(-1)", "a.max(-1)[0]", "a.max()", "a.softmax(-1)", "a.cumsum(0)",
    "a.logsumexp(-1)", "a.prod()", "a.std()", "a.norm()", "a.sort(-1)[0]", "a.log_softmax(0)",
]  # fmt: skip
VIEWS = [
    "a[0]", "a[:1]", "a[...,1:]", "a[::2]", "a[None]", "a.t()", "a.unsqueeze(0)", "a.squeeze(0)", "a.squeeze()", "a.reshape(-1)", "a.view(-1)",
    "a.reshape(3,-1)", "a.expand(2,3)", "a.transpose(0,-1)", "a.flatten()", "a.diagonal()", "a.unbind(0)[0]", "a.split(1)[-1]", "a.chunk(2,-1)[0]",
    "a.narrow(0,0,1)", "a.select(-1,1)", "a.view_as(b)", "a.expand_as(b)", "a[[0,0]]", "a[a>0.0123]", "a.flip(0)", "a.repeat(2,1)", "a.contiguous()",
    "a.detach()", "torch.roll(a,1,0)", "a.index_select(0,torch.tensor([0,0]))", "(a*1).gather(0,torch.zeros_like(a,dtype=torch.int64))",
]  # fmt: skip
SEVERAL = [
    "a@b",
    "torch.cat([a,b])",
    "torch.stack([a,b,a])",
    "torch.outer(a,b)",
    "a@b.t()",
    "torch.nn.functional.linear(a,b)",
]
IN_PLACE = [
    "a.add_(b)", "a.mul_(b)", "a.sub_(b)", "a.div_(b*b+1)", "a.mul_(0.5)", "a.add_(1)", "a.sin_()", "a.tanh_()", "a.sigmoid_()", "a.relu_()", "a.zero_()",
    "a.fill_(0.5)", "a.copy_(b)", "a.neg_()", "a.clamp_(max=0.5)", "a.masked_fill_(a>0.0123,0.1)", "a[0]=b", "a[0]=0.3", "a[...,1:]=0.2", "a[a>0.0123]=0.1", "a[:]=b",
    "a.pow_(2)", "a.lerp_(b,0.5)", "a[0]+=b", "a.t()[0].mul_(2)", "a.data.mul_(0.9)", "a.detach().mul_(0.9)", "a.detach_()", "a.exp_().clamp_(max=2)",
    "a.addcmul_(a,b)", "a.sqrt_()", "a.square_()", "a[[0,0]]=0.7",
]  # fmt: skip
OTHER = [
    "a.requires_grad_()", "a.retain_grad()", "a.register_hook(lambda g: g*2)", "a.register_hook(lambda g: seen.append(g.clone()))", "del a", "a.requires_grad_(False)", "a.grad=None",
    "b.grad.zero_()", "a.grad_fn.register_hook(lambda i,o: None)",
]  # fmt: skip
BACKWARD = [
    "a.sum().backward()", "a.sum().backward(retain_graph=True)", "(a*a).sum().backward()", "a.backward()", "a.backward(torch.ones_like(a))",
    "a.backward(b.detach().clone())", "a.sum().backward(inputs=[b])", "(a.sum()+b.sum()).backward()", "torch.autograd.backward([a.sum(),b.sum()])",
]  # fmt: skip
GRADS = [
    "torch.autograd.grad(a.sum(),b,create_graph=True)[0]*1", "torch.autograd.grad(a.sum(),b,retain_graph=True)[0].clone()",
    "torch.autograd.grad((a*a).sum(),b,create_graph=True,allow_unused=True)[0]", "torch.autograd.grad(a.sum(),b)[0].clone()",
]  # fmt: skip
REFUSED = " its base or"
"""What PyTorch's refusals of views have in common whose memory was changed; see NOTE [What is not compared]."""
SHAPES = ["()", "(3,)", "(2,3)", "(1,3)", "(2,1)", "(3,3)"]


class Program:
    """Lines made by chance; each is run on PyTorch at once, which tells what the next one can use."""

    def __init__(self, chance: random.Random, torch: Any) -> None:
        self.chance = chance
        self.run = Run(torch)
        self.lines: list[str] = []
        self.made = 0
        for i in range(self.chance.randint(2, 4)):
            needs = ", requires_grad=True" if i == 0 or self.chance.random() < 0.6 else ""
            shape = self.chance.choice(SHAPES)
            self.add(
                f"{self.new()} = torch.tensor(numbers({self.chance.randint(0, 99)}, {shape}), dtype=torch.float64{needs})"
            )
        for _ in range(self.chance.randint(3, 14)):
            if not self.run.over:
                self.add(self.line())
        self.add(self.using("a.sum().backward()"))

    def new(self) -> str:
        self.made += 1
        return f"v{self.made}"

    def using(self, form: str) -> str:
        """`form` with two of the program's tensors for its `a` and `b`; newer ones more often."""
        names = [name for name, value in self.run.space.items() if name[0] == "v" and value is not None]
        if not names:
            return "pass"
        pick = lambda: names[-min(self.chance.randint(1, len(names)) for _ in range(3))]  # noqa: E731
        a, b = pick(), pick()
        if self.is_accident(form, self.run.space[a], self.run.space[b]):
            return "pass"
        return "".join({"a": a, "b": b}.get(word, word) for word in words(form))

    def is_accident(self, form: str, a: Any, b: Any) -> bool:
        """See NOTE [What is not compared]."""
        whole = a if a._base is None else a._base
        if not whole.is_contiguous() and any(word in form for word in (".contiguous", ".view", "reshape", "flatten")):
            return True
        if form.endswith("inputs=[b])") and has_changed_part(b):
            return True
        if form == "a.detach_()" and any(getattr(t, "_base", None) is a for t in self.run.space.values()):
            return True
        if form in ("a.detach_()", "a.requires_grad_(False)") and a._backward_hooks:
            return True
        if form not in IN_PLACE:
            return False
        if ("[[" in form or "[a>" in form or "masked" in form) and a.numel() > a.untyped_storage().size() // a.itemsize:
            return True
        if ".data" in form and not (a if a._base is None else a._base).ndim:
            return True
        if "b" not in words(form) or a.untyped_storage().data_ptr() != b.untyped_storage().data_ptr():
            return False
        return not (takes_plain_steps(a) and takes_plain_steps(b))

    def line(self) -> str:
        kinds = (UNARY, BINARY, REDUCE, VIEWS, SEVERAL, GRADS, IN_PLACE, OTHER, BACKWARD)
        kind = self.chance.choices(kinds, (4, 6, 3, 7, 2, 1, 7, 1, 1))[0]
        line = self.using(self.chance.choice(kind))
        if kind in kinds[:6]:
            other = self.using("a if a.sum()>0.0123 else b")
            line = f"{self.new()} = " + (line if self.chance.random() > 0.04 else other)
        quiet = self.chance.random() < 0.06
        return f"with torch.no_grad(): {line}" if quiet else line

    def add(self, line: str) -> None:
        before = len(self.run.errors)
        self.run.line(line)
        refused = REFUSED in "".join(self.run.errors[before:])
        if len(self.run.errors) == before or (
            self.chance.random() < 0.3 and not refused
        ):  # few that cannot run are kept
            self.lines.append(line)
        else:
            self.run = Run(self.run.torch, self.lines)


def has_changed_part(t: Any) -> bool:
    """Whether a part of PyTorch's `t` was changed, or PyTorch refuses to tell."""
    try:
        return type(t.grad_fn).__name__ == "CopySlices"
    except RuntimeError:
        return True


def takes_plain_steps(t: Any) -> bool:
    """Whether the elements of PyTorch's `t` lie in a row, and dimensions of size one say nothing else."""
    return t.stride() == t.new_empty(t.shape).stride()


def words(form: str) -> list[str]:
    """`form` cut so that `a` and `b` stand alone where they are names."""
    out, word = [], ""
    for c in form + " ":
        if c.isalnum() or c in "_.":
            word += c
        else:
            head, dot, tail = word.partition(".")
            out += [head, dot + tail, c]
            word = ""
    return out[:-1]


def numbers(seed: int, shape: tuple[int, ...]) -> Any:
    """Few enough to be equal by chance, but for nothing that is computed to be so: rounding would decide there."""
    few = np.random.default_rng(seed).uniform(-1.5, 1.5, shape).round(2)
    return (few + few**3 / 1000).tolist()


class Run:
    """A program on one library: its tensors, and what it raised line by line."""

    def __init__(self, torch: Any, lines: Any = ()) -> None:
        self.torch = torch
        self.seen: list[Any] = []
        self.space: dict[str, Any] = {"torch": torch, "numbers": numbers, "seen": self.seen}
        self.errors: list[str] = []
        self.over = False
        self.first_versions: dict[str, int] = {}
        for line in lines:
            self.line(line)

    def line(self, line: str) -> None:
        if self.over:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                target = self.target(line)
                if ".register_hook(" in line and self.is_quiet(target):
                    return
                if target is not None and target._base is not None:
                    _ = target.is_leaf  # PyTorch looks at it
                exec(line, self.space)
                name = line.removeprefix("with torch.no_grad(): ").partition(" = ")[0]
                if name in self.space:
                    self.first_versions[name] = self.space[
                        name
                    ]._version  # PyTorch's kernels count changes of their own
            except Exception as error:
                self.over = ".backward(" in line  # PyTorch leaves some gradients, this engine none
                self.errors.append(f"{line} -> {type(error).__name__}: {key_words(str(error))}")

    def target(self, line: str) -> Any:
        """The tensor that the line begins with."""
        found = re.match(r"(v\d+)", line.removeprefix("with torch.no_grad(): "))
        return self.space.get(found[1]) if found else None

    def is_quiet(self, t: Any) -> bool:
        """Whether `t` is a view that no path leads to; see NOTE [What is not compared]."""
        return t is not None and t.requires_grad and t.grad_fn is None and t._base is not None

    def gradients_share(self) -> bool:
        """Whether the gradients of two of PyTorch's leaves are one memory; see NOTE [What is not compared]."""
        tensors = {id(t): t for name, t in self.space.items() if name[0] == "v" and t is not None}.values()
        grads = [t.grad for t in tensors if t._base is None and t.is_leaf and t.grad is not None]
        places = [g.untyped_storage().data_ptr() for g in grads if g.numel()]
        return len(set(places)) < len(places)

    def outcome(self) -> dict[str, Any]:
        found: dict[str, Any] = {"errors": self.errors, "hooks": [g.tolist() for g in self.seen]}
        if self.over:
            return found
        for name, t in self.space.items():
            if name[0] == "v" and t is not None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    grad = t.grad
                found[name] = {
                    "value": t.tolist(), "shape": tuple(t.shape), "requires_grad": t.requires_grad, "leaf": t.is_leaf, "version": t._version - self.first_versions[name],
                    "grad": None if grad is None else grad.tolist(), "output_nr": t.output_nr,
                }  # fmt: skip
        return found


PRODUCTS = "mat1 and mat2 shapes|Expected size for first two dimensions of batch2|size mismatch, got input"
"""PyTorch's texts for matrices that do not fit; see NOTE [What is not compared]."""


def key_words(text: str) -> str:
    text = re.sub(f"^({PRODUCTS}).*", "matrices that do not fit", text.splitlines()[0])
    return re.sub(r"^a view of |^Output \d of \w+( is a view of a view which was)?", "", text)[:50]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and a and not isinstance(a[0], str):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-7, atol=1e-9, equal_nan=True))
    return type(a) is type(b) and a == b


def differs(lines: list[str], torch: Any, nb: Any) -> bool:
    try:
        run = Run(torch, lines)
        expected = run.outcome()
    except RuntimeError:  # one of several views whose base was changed: PyTorch refuses even to show it
        return False
    refused = any(REFUSED in error for error in expected["errors"])
    return not refused and not same(expected, Run(nb, lines).outcome()) and not run.gradients_share()


def shortest(lines: list[str], torch: Any, nb: Any) -> list[str]:
    """`lines` without those that the difference does not need."""
    for i in reversed(range(len(lines))):
        fewer = lines[:i] + lines[i + 1 :]
        if differs(fewer, torch, nb):
            lines = fewer
    return lines


def report(lines: list[str], torch: Any, nb: Any) -> str:
    a, b = Run(torch, lines).outcome(), Run(nb, lines).outcome()
    rows = [
        f"{k}:\n  torch      {a.get(k)}\n  nbautograd {b.get(k)}" for k in {**a, **b} if not same(a.get(k), b.get(k))
    ]
    return "\n".join([*lines, *rows])


def mismatch(chance: random.Random) -> str:
    """The shortest text of a program made by chance that differs, and where it does; nothing if it does not."""
    torch = pytest.importorskip("torch")
    import nbautograd as nb

    lines = Program(chance, torch).lines
    return report(shortest(lines, torch, nb), torch, nb) if differs(lines, torch, nb) else ""


def for_programs(test: Any) -> Any:
    """`test` called with the sources of chance of `COUNT` programs."""
    settings = hypothesis.settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    given = hypothesis.given(strategies.randoms(use_true_random=True))
    return hypothesis.seed(FIRST)(settings(given(test)))


@for_programs
def test_programs_made_by_chance_do_what_they_do_in_pytorch(chance: random.Random) -> None:
    found = mismatch(chance)
    if found:
        pytest.fail(found, pytrace=False)


def show_all() -> None:
    """Print every program that differs."""
    found: list[str] = []

    @for_programs
    def try_one(chance: random.Random) -> None:
        found.append(mismatch(chance))
        if found[-1]:
            print(found[-1], end="\n\n", flush=True)

    try_one()
    print(f"seed {FIRST}: {len(found)} programs, {len(found) - found.count('')} mismatches")


if __name__ == "__main__":
    show_all()
