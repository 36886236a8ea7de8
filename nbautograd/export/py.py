"""A trace as Python: every op and every step of every backward pass, one line each."""

from __future__ import annotations

from nbautograd.trace.model import Trace


def to_py(trace: Trace) -> str:
    """The lines of `Trace.source()`.

    Example:
        >>> import nbautograd as nb
        >>> x, w = nb.tensor(2.0, requires_grad=True), nb.tensor(3.0, requires_grad=True)
        >>> with nb.trace("a product") as t:
        ...     y = x * w
        ...     y.backward()
        >>> print("\\n".join(line for line in to_py(t).splitlines() if not line.startswith("#")))
        y = x * w
        <BLANKLINE>
        d_y = 1.0
        d_x = d_y * w
        d_w = d_y * x
        x.grad = d_x
        w.grad = d_w
    """
    return trace.source()
