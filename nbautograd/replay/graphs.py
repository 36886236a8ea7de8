"""A captured step on a GPU: what it computes is a CUDA graph, launched at once; what it changes is done after that.

NOTE [CUDA graphs]
A graph repeats the same kernels on the same memory. So everything that is computed is one function without effects: it
reads arguments, gradients and random numbers from buffers into which they are copied before each launch, parameters
where they lie, and leaves its results in buffers out of which they are copied. Gradients are then put into place and
optimizers step as they always do. What lies between is in a memory pool that nobody else uses, for a launch writes
there again. Where a graph cannot be had (something waits for the GPU), the same calls are made one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from nbautograd.core.array import cupy, is_cupy
from nbautograd.core.tensor import Tensor
from nbautograd.replay.calls import Call, Item, Itself, RefusalError, Var, variables
from nbautograd.replay.order import ordered, used
from nbautograd.replay.program import BusyError, _generators
from nbautograd.replay.runtime import accumulate, put, tensor_of, write
from nbautograd.replay.tape import Tape

FEEDS = ("read", "draw", "seed")
"""Kinds of calls that bring numbers in; the others compute."""


class GraphProgram:
    """A step as a CUDA graph with what goes in and what comes out; see NOTE [CUDA graphs]."""

    def __init__(self, tape: Tape, arguments: dict[int, str], result: Any) -> None:
        self._running = Lock()
        calls = [c for c in used(tape.calls, variables(result)) if c.kind != "within"]  # which would wait
        parts, self._effects = ordered(calls)
        if len(parts) > 1:
            raise RefusalError("on a GPU a step can change things only in the end")
        self._feeds = [c for c in parts[0] if c.kind in FEEDS]
        self._calls = [c for c in parts[0] if c.kind not in FEEDS]
        self._arguments = {t: i for i, t in enumerate(arguments)}
        self._result = result
        promised = {id(v) for call in self._effects for v in call.outs}
        wanted = {id(v): v for v in (*_read_by(self._effects), *variables(result)) if id(v) not in promised}
        self._wanted = list(wanted.values())
        self._check()
        self._generators = _generators(calls)
        self.length = len(calls)
        self.source = _listing(arguments, self._feeds, self._calls, self._effects)
        self.why = "it has not been launched yet"
        """Why there is no graph; empty where there is one."""
        self._graph: Any = None
        self._done: Any = None
        self._pool: Any = None
        self._buffers: dict[int, Any] = {}
        self._results: dict[int, Any] = {}
        self._failed = False
        _forget(calls)

    def _check(self) -> None:
        """Refuse what would wait for the GPU or compute beside it.

        Raises: RefusalError.
        """
        for call in (*self._feeds, *self._calls):
            if call.kind in ("check", "shape"):
                raise RefusalError("Python decides by numbers that are on a GPU")
            if call.kind == "draw" and variables(call.args):
                raise RefusalError("it draws random numbers by chances that it computes")
            if any(v.array is not None and not is_cupy(v.array) for v in (*call.reads(), *call.outs)):
                raise RefusalError("it computes on the CPU and on a GPU")

    def change(self) -> None:
        """Nothing of optimizers is written out."""

    def replay(self, tensors: list[Tensor]) -> Any:
        """Run the program.

        Raises: BusyError.
        """
        if not self._running.acquire(blocking=False):  # its buffers are in use
            raise BusyError("the program is running already, in another thread or around this call")
        try:
            fed = self._fed(tensors)
            if self._graph is not None and any(fed[v] is not a for v, a in self._fixed.items()):
                self._graph, self._failed = None, False  # a parameter lies elsewhere now
            if self._graph is None and not self._failed:
                self._capture(fed)
            results = self._computed(fed) if self._graph is None else self._launched(fed)
            for call in self._effects:
                self._change(call, results, tensors)
            return _filled(self._result, results, lambda t: self._here(t, tensors))
        finally:
            self._running.release()

    def _fed(self, tensors: list[Tensor]) -> dict[int, Any]:
        """By variable the numbers that this call begins with."""
        fed: dict[int, Any] = {}
        for call in self._feeds:
            if call.kind == "read":
                t, of = call.args[0]
                t = self._here(t, tensors)
                source: Any = t._grad if of else t
                found = source._data
            elif call.kind == "draw":
                found = call.function(*call.args)
            else:
                found = call.args[0]
            fed[id(call.outs[0])] = found
        return fed

    def _here(self, t: Tensor, tensors: list[Tensor]) -> Tensor:
        """What stands for the tensor `t` of the noted run: this call's argument, or itself."""
        place = self._arguments.get(id(t))
        return t if place is None else tensors[place]

    def _computed(self, fed: dict[int, Any]) -> dict[int, Any]:
        """By variable the numbers that effects and results ask for."""
        known = dict(fed)
        for call in self._calls:
            args = [_filled_in(a, known) for a in call.args]
            if call.name == "astype":
                found = args[0].astype(args[1])
            elif call.kind == "known":
                found = args[0]
            else:
                found = call.function(*args, **_filled_in(call.settings, known))
            for v, array in zip(call.outs, found if call.several else (found,), strict=True):
                known[id(v)] = array
        return {id(v): known[id(v)] for v in self._wanted}

    def _capture(self, fed: dict[int, Any]) -> None:
        """Write the kernels of one run down as a graph; where that fails, say why and never try again."""
        library = cupy()
        self._fixed = {id(c.outs[0]): fed[id(c.outs[0])] for c in self._feeds if self._is_fixed(c)}
        self._buffers = {v: a if v in self._fixed else a.copy() for v, a in fed.items()}
        stream = library.cuda.Stream(non_blocking=True)
        stream.wait_event(library.cuda.get_current_stream().record())
        self._pool = library.cuda.MemoryPool()
        with stream, library.cuda.using_allocator(self._pool.malloc):
            self._computed(self._buffers)  # what is compiled or looked up at first use is from now on
            stream.synchronize()
            stream.begin_capture()
            try:
                self._results = self._computed(self._buffers)
            except Exception as error:
                self.why, self._failed = f"a CUDA graph cannot hold this: {error}", True
            graph: Any = None
            try:
                graph = stream.end_capture()
            except Exception as error:
                self.why = self.why if self._failed else f"a CUDA graph cannot hold this: {error}"
                self._failed = True
        if not self._failed:
            self._graph, self.why = graph, ""

    def _is_fixed(self, call: Call) -> bool:
        """Whether what a feed brings in stays where it is: tensors that last, and constants."""
        if call.kind == "read":
            t, of = call.args[0]
            return not of and id(t) not in self._arguments
        return call.kind == "seed"

    def _launched(self, fed: dict[int, Any]) -> dict[int, Any]:
        stream = cupy().cuda.get_current_stream()
        if self._done is not None:
            stream.wait_event(self._done)  # another stream may have launched it last
        for v, buffer in self._buffers.items():
            if fed[v] is not buffer:
                buffer[...] = fed[v]
        self._graph.launch()
        self._done = stream.record()
        return self._results

    def _change(self, call: Call, results: dict[int, Any], tensors: list[Tensor]) -> None:
        """Do what the step does to what lasts."""
        if call.kind == "step":
            call.args[0].step()
            return
        if call.kind == "call":
            first, *rest = call.args
            found = call.function([self._here(t, tensors) for t in first], *rest, **call.settings)
            results.update({id(v): found._data for v in call.outs})
            return
        t = self._here(call.args[0][0], tensors)
        if call.kind == "clear":
            t.grad = None
        elif call.kind == "put":
            t.data = tensor_of(results[id(call.args[1])])
        elif call.kind == "write":
            target: Any = t._grad if call.args[0][1] else t
            write(target, results[id(call.args[1])])
        elif call.entry == "first":
            put(t, results[id(call.args[1])].copy())
        else:
            accumulate(t, results[id(call.args[1])])


def _read_by(effects: list[Call]) -> list[Var]:
    return [v for call in effects for v in call.reads()]


def _filled_in(value: Any, known: dict[int, Any]) -> Any:
    """A nest of values with arrays in the place of variables."""
    if isinstance(value, Var):
        return known[id(value)]
    if isinstance(value, slice):
        return slice(*[_filled_in(v, known) for v in (value.start, value.stop, value.step)])
    if isinstance(value, dict):
        return {k: _filled_in(v, known) for k, v in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_filled_in(v, known) for v in value)
    return value


def _filled(value: Any, known: dict[int, Any], here: Callable[[Tensor], Tensor]) -> Any:
    """What the step returns: tensors with numbers of their own, and those that `here` gives for what was there."""

    def inside(part: Any) -> Any:
        return _filled(part, known, here)

    if isinstance(value, Var):
        return tensor_of(known[id(value)])
    if isinstance(value, Item):
        return known[id(value.var)].item()
    if isinstance(value, Itself):
        t = here(value.value) if isinstance(value.value, Tensor) else value.value
        return t.grad if value.of else t
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inside, value))
    if isinstance(value, list | tuple):
        return type(value)(map(inside, value))
    if isinstance(value, dict):
        return {k: inside(v) for k, v in value.items()}
    return value


def _forget(calls: list[Call]) -> None:
    """Let go of the arrays of the noted run."""
    for call in calls:
        for v in (*call.reads(), *call.outs):
            v.array = None


def _listing(arguments: dict[int, str], feeds: list[Call], calls: list[Call], effects: list[Call]) -> str:
    """The program for people to read: a line for each call."""
    names: dict[int, str] = {}

    def name(value: Any) -> str:
        if isinstance(value, Var):
            return names.setdefault(id(value), f"{'g' if value.gradient_of else 't'}{len(names) + 1}")
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], Tensor):
            return arguments.get(id(value[0]), "tensor") + (f".{value[1]}" if value[1] else "")
        return f"[{', '.join(map(name, value))}]" if isinstance(value, list | tuple) else type(value).__name__

    def line(call: Call) -> str:
        words = ", ".join([name(a) for a in call.args] + [f"{k}={name(v)}" for k, v in call.settings.items()])
        outs = ", ".join(map(name, call.outs))
        return f"    {outs}{' = ' if outs else ''}{call.name or call.kind}({words})"

    head = f"def step({', '.join(arguments.values())}):"
    return "\n".join(
        [
            head, "    # copied in", *map(line, feeds), "    # one CUDA graph", *map(line, calls),
            "    # changed in the end", *map(line, effects), "",
        ]
    )  # fmt: skip
