"""What the recurrent layers share: how a sequence lies in memory, and how its steps are walked.

NOTE [Whole sequences]
A recurrent layer is one node. Its rows are those of a packed sequence: the first step of all sequences, then the second
of those that are that long, and so on; `sizes` says how many rows each step has. Equally long sequences are the case of
equal sizes. Sequences are sorted by length, so the running states of a step are the first rows of theirs: those of
sequences that have ended, or in reverse have not begun, lie behind and stay as they are.

A row of `seen` holds all that the gates of its step look at: the state before, the input, and a 1 that brings the
biases. So a step has one product, and after the walk back one product gives the gradients of all weights and biases.
Slopes are computed for blocks of steps that fit the cache, and a step only multiplies.

A sigmoid is computed as a tanh, σ(a) = ½ tanh(½ a) + ½, so that one call serves all gates: the ½ inside goes into the
weights beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

from nbautograd.core import dtype as dtypes
from nbautograd.core.op import tensors, xp
from nbautograd.ops.samples import Make

BLOCK = 1 << 18
"""Numbers for which slopes are computed at a time."""


class Run(NamedTuple):
    """Steps of equal size that follow each other."""

    rows: slice
    steps: int
    size: int


@lru_cache(64)
def runs(sizes: tuple[int, ...], backwards: bool, most: int | None = None) -> tuple[Run, ...]:
    """All steps in runs, of at most `most` steps each; the last run first when `backwards`."""
    found: list[Run] = []
    start = 0
    for size in sizes:
        stop, last = start + size, found[-1] if found else None
        if last is not None and last.size == size and last.steps != most:
            found[-1] = Run(slice(last.rows.start, stop), last.steps + 1, size)
        else:
            found.append(Run(slice(start, stop), 1, size))
        start = stop
    return tuple(found[::-1] if backwards else found)


def block(sizes: tuple[int, ...], width: int) -> int:
    """How many steps with rows of `width` numbers fill a block."""
    return max(1, BLOCK // max(1, width * sizes[0]))


def in_steps(rows: Any, run: Run, backwards: bool) -> Any:
    """The rows of a run step by step, (steps, size, …), in the order in which they are computed."""
    found = rows[run.rows].reshape((run.steps, run.size, *rows.shape[1:]))
    return found[::-1] if backwards else found


def given_in_steps(g: Any, run: Run, backwards: bool) -> Any:
    """The gradient of the outputs step by step; None at each where nobody used them."""
    return repeat(None, run.steps) if g is None else in_steps(as_rows(g), run, backwards)


def as_rows(x: Any) -> Any:
    return x.reshape((-1, x.shape[-1]))


def beside(*parts: Any) -> Any:
    """Matrices side by side; None is left out, a vector is a column."""
    return xp.concatenate([p.reshape((len(p), -1)) for p in parts if p is not None], axis=1)


def look(x: Any, width: int, bias: bool) -> Any:
    """Room for what the gates look at: `width` columns for the state, the inputs, and a 1 where there are biases."""
    rows = as_rows(x)
    seen = xp.empty((len(rows), width + rows.shape[1] + bias), x.dtype)
    seen[:, width : width + rows.shape[1]] = rows
    if bias:
        seen[:, -1] = 1
    return seen


def like_rows(out: Any, x: Any) -> Any:
    """Rows in the shape of the sequence `x`."""
    return out.reshape((*x.shape[:-1], out.shape[-1]))


def start_of(given: Any, like: Any) -> Any:
    """The gradient of a last state as an array to add to; zeros where nobody used that state."""
    return xp.zeros(like.shape, like.dtype) if given is None else xp.array(given)


def column_sums(x: Any) -> Any:
    """Σ over the rows, by the matrix product, which is faster than `sum`."""
    return xp.ones(len(x), x.dtype) @ x


def shares(x: Any, w_ih: Any, d: Any, seen: Any, width: int, needs: Any, bias: bool) -> tuple[Any, ...]:
    """The gradients of the inputs, the weights and the biases, from those of the gates' inputs, `d`.

    `width` is that of the state in `seen`; `needs` says whether anybody wants those of the inputs, and of the rest.
    """
    for_input, for_weights = needs or (True, True)
    dx = (d @ w_ih).reshape(x.shape) if for_input else None
    if not for_weights:
        return (dx, *[None] * (2 + 2 * bias))
    all_weights = d.T @ seen
    inputs = all_weights[:, width : width + x.shape[-1]]
    return (dx, inputs, all_weights[:, :width], *[all_weights[:, -1]] * (2 * bias))


def dtype_error(xs: tuple[Any, ...]) -> str | None:
    """torch's text for inputs, states and weights that are not all of one dtype."""
    weight = xs[-1].dtype
    odd = next((x.dtype for x in xs if x.dtype != weight), None)
    if odd is None:
        return None
    kinds = [dtypes.of_numpy(kind).tensor_type for kind in (odd, weight)]
    return f"mat1 and mat2 must have the same dtype, but got {kinds[0]} and {kinds[1]}"


# --- by single ops; see NOTE [Second order of kernels] -------------------------------------------------------------


def sequence_by_steps(
    step: Callable[..., tuple[Any, ...]], x: Any, driven: Any, states: tuple[Any, ...], sizes: Any, reverse: bool
) -> tuple[Any, ...]:
    """The outputs of `step(rows, *states) -> states` along the sequence `x`, and the last states.

    The first state is the output. `driven` is what the inputs bring to the gates, in rows.
    """
    rows, outputs = driven.split(list(sizes)), [None] * len(sizes)
    for n in sorted(range(len(sizes)), reverse=reverse):
        size = sizes[n]
        if size == len(states[0]):
            states = step(rows[n], *states)
        else:
            now = step(rows[n], *(s[:size] for s in states))
            states = tuple(tensors.cat(new, old[size:], dim=0) for new, old in zip(now, states, strict=True))
        outputs[n] = states[0][:size] if size < len(states[0]) else states[0]
    return like_rows(tensors.cat(*outputs, dim=0), x), *states


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    product = as_rows(x) @ weight.transpose(0, 1)
    return product if bias is None else product + bias


def driven_by(x: Any, w_ih: Any, biases: Any) -> Any:
    """What the inputs and both biases bring to the gates."""
    return linear(x, w_ih, biases[0] + biases[1] if biases else None)


# --- samples ------------------------------------------------------------------------------------------------------

SIZES = (
    ((1,), 1, 1), ((2, 2, 2), 3, 2), ((3, 2, 1), 2, 3), ((2, 1, 1), 1, 2), ((1, 1, 1, 1), 2, 2), ((2,), 1, 3),
    ((4, 4, 2, 1), 2, 2),
)  # fmt: skip


CELLS = (
    (1, 1, 1), (2, 3, 2), (3, 1, 2), (2, 2, 4), (1, 4, 1), (5, 1, 1), (1, 2, 3), (2, 1, 1), (4, 2, 2), (1, 1, 5),
    (3, 3, 3), (1, 5, 2), (2, 4, 1),
)  # fmt: skip


def sequences(gates: int, states: int) -> Callable[[Make], Iterator[Any]]:
    """Cases with equal and with unequal lengths, either way round, with and without biases."""

    def cases(make: Make) -> Iterator[Any]:
        for sizes, width, hidden in SIZES:
            rows = (len(sizes), sizes[0]) if sizes[0] == sizes[-1] else (sum(sizes),)
            for bias in (True, False):
                for reverse in (False, True):
                    yield (
                        make(*rows, width), *(make(sizes[0], hidden) for _ in range(states)),
                        make(gates * hidden, width), make(gates * hidden, hidden),
                        *(make(gates * hidden) for _ in range(2 * bias)),
                        {"sizes": sizes, "reverse": reverse, "bias": bias},
                    )  # fmt: skip

    return cases


def single_steps(gates: int, states: int) -> Callable[[Make], Iterator[Any]]:
    """Cases of one step."""

    def cases(make: Make) -> Iterator[Any]:
        for batch, width, hidden in CELLS:
            for bias in (True, False):
                yield (
                    make(batch, width), *(make(batch, hidden) for _ in range(states)), make(gates * hidden, width),
                    make(gates * hidden, hidden), *(make(gates * hidden) for _ in range(2 * bias)),
                )  # fmt: skip

    return cases
