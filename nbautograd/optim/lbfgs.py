"""LBFGS: Newton's method with the curvature read off the last steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbautograd.core.array import library_of
from nbautograd.core.call import wrap
from nbautograd.core.grad_mode import enable_grad
from nbautograd.core.inplace import write
from nbautograd.core.tensor import Tensor

from .elementwise import check_range
from .line_search import Point, strong_wolfe
from .optimizer import Group, Optimizer

CLOSE = 1e-9
"""How narrow the line search lets its bracket become; torch's own figure, whatever `tolerance_change` is."""


class LBFGS(Optimizer):
    """Steps along the gradient bent by the curvature of the last `history_size` steps; for full batches.

    `step` needs a closure that clears the gradients, computes the loss, calls `backward` and returns the loss: it is
    called several times.

    Source: Liu and Nocedal 1989, *On the limited memory BFGS method for large scale optimization*.
    Example:
        >>> import nbautograd as torch
        >>> w = torch.tensor([3.0], requires_grad=True)
        >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 1) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure)
        tensor(4., grad_fn=<SumBackward0>)
        >>> w
        tensor([1.], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_range("learning rate", lr)
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move several times, up to `max_iter`; returns the loss that the first call of `closure` gave."""
        if closure is None:
            raise TypeError(
                "LBFGS.step() missing 1 required positional argument: 'closure'\n"
                "  hint: def closure(): optimizer.zero_grad(); loss = …; loss.backward(); return loss"
            )
        group = self.param_groups[0]
        line = _Line(enable_grad()(closure), group["params"])
        state = self.state[group["params"][0]]
        loss = line.closure()
        evaluations = 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        here = line.here(float(loss))
        if _level(here, group):
            return loss
        memory = _Memory(state, group["history_size"])
        for rounds in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = memory.direction(here.gradient)
            here = here._replace(slope=here.gradient.dot(direction))
            step = _first_step(here, group, state["n_iter"])
            memory.arrive(here, direction, step)
            if here.slope > -group["tolerance_change"]:
                break
            there, spent = _moved(line, here, direction, step, group, rounds, evaluations)
            memory.step = there.step
            evaluations += spent
            state["func_evals"] += spent
            change = min(abs(direction * there.step).max(), abs(there.loss - here.loss))
            here = there
            if evaluations >= group["max_eval"] or _level(here, group) or change <= group["tolerance_change"]:
                break
        memory.save(state)
        return loss


def _level(point: Point, group: Group) -> bool:
    """Whether the gradient is as good as zero."""
    return bool(abs(point.gradient).max() <= group["tolerance_grad"])


def _first_step(here: Point, group: Group, count: int) -> Any:
    """How far to try to go: nothing is known of the scale of things before the first step of all."""
    lr = float(group["lr"])
    return lr if count > 1 else min(1.0, 1.0 / abs(here.gradient).sum()) * lr


def _moved(
    line: _Line, here: Point, direction: Any, step: Any, group: Group, rounds: int, evaluations: int
) -> tuple[Point, int]:
    """The parameters moved along `direction`: where they are now, and how often the closure was called for it."""
    search = group["line_search_fn"]
    if search is None:
        line.go(direction, step)
        if rounds == group["max_iter"]:  # nobody will ask for the gradient there
            return here._replace(step=step), 0
        return line.here(float(line.closure()))._replace(step=step), 1
    if search != "strong_wolfe":
        raise RuntimeError("only 'strong_wolfe' is supported")
    there, spent = strong_wolfe(
        lambda t: line.look(direction, t),
        here._replace(step=0),
        step,
        abs(direction).max(),
        CLOSE,
        group["max_eval"] - evaluations,
    )
    line.go(direction, there.step)
    return there, spent


class _Line:
    """The parameters as one vector of real numbers that can be moved along a direction."""

    def __init__(self, closure: Callable[[], Any], params: list[Tensor]) -> None:
        self.closure = closure
        self.params = params

    def gradient(self) -> Any:
        """The gradients of all parameters, one after the other."""
        xp = library_of(self.params[0]._data)
        return xp.concatenate([_flat(xp, xp.zeros_like(p._data) if p._grad is None else p._grad._data)
                               for p in self.params])  # fmt: skip

    def here(self, loss: float) -> Point:
        """The point where the parameters are; its slope depends on a direction."""
        return Point(0, loss, self.gradient(), 0)

    def go(self, direction: Any, step: Any) -> None:
        """Move the parameters by `step` times `direction`."""
        for p, part in self._parts(direction):
            write(p, p._data + part * part.dtype.type(step))

    def look(self, direction: Any, step: Any) -> Point:
        """The point `step` along `direction`; the parameters are where they were afterwards."""
        before = [p._data.copy() for p in self.params]
        self.go(direction, step)
        loss, gradient = float(self.closure()), self.gradient()
        for p, values in zip(self.params, before, strict=True):
            write(p, values)
        return Point(step, loss, gradient, gradient.dot(direction))

    def _parts(self, vector: Any) -> Iterator[tuple[Tensor, Any]]:
        start = 0
        for p in self.params:
            complex_ = p._data.dtype.kind == "c"
            end = start + p._data.size * (2 if complex_ else 1)
            part = vector[start:end]
            yield p, (part.view(p._data.dtype) if complex_ else part).reshape(p._data.shape)
            start = end


def _flat(xp: Any, data: Any) -> Any:
    flat = xp.ascontiguousarray(data).reshape(-1)
    return flat.view(flat.real.dtype) if flat.dtype.kind == "c" else flat


class _Memory:
    """The last steps and what they did to the gradient: what is known of the curvature."""

    def __init__(self, state: dict[str, Any], size: int) -> None:
        self.size = size
        self.changes: list[Any] = _arrays(state.get("old_dirs", []))
        self.steps: list[Any] = _arrays(state.get("old_stps", []))
        self.inverses: list[Any] = _arrays(state.get("ro", []))
        self.scale: Any = _array(state.get("H_diag", 1))
        self.last: Any = _array(state.get("d"))
        self.step: Any = _array(state.get("t"))
        self.gradient: Any = _array(state.get("prev_flat_grad"))
        self.loss: Any = state.get("prev_loss")

    def save(self, state: dict[str, Any]) -> None:
        """Put it all where torch has it in the optimizer's state."""
        held = {"d": self.last, "t": self.step, "H_diag": self.scale, "prev_flat_grad": self.gradient}
        state.update({name: _tensor(value) for name, value in held.items()}, prev_loss=self.loss)
        lists = {"old_dirs": self.changes, "old_stps": self.steps, "ro": self.inverses}
        state.update({name: [_tensor(value) for value in values] for name, values in lists.items()})

    def arrive(self, here: Point, direction: Any, step: Any) -> None:
        """Remember the place that the next step starts from."""
        self.gradient, self.loss, self.last, self.step = here.gradient, here.loss, direction, step

    def direction(self, gradient: Any) -> Any:
        """The gradient against which to go, bent by the curvature."""
        if self.last is None:
            return -gradient
        self._learn(gradient - self.gradient, self.last * gradient.dtype.type(self.step))
        d, weights = -gradient, []
        for change, step, inverse in zip(self.changes[::-1], self.steps[::-1], self.inverses[::-1], strict=True):
            weights.append(step.dot(d) * inverse)
            d -= weights[-1] * change
        d *= self.scale
        for change, step, inverse in zip(self.changes, self.steps, self.inverses, strict=True):
            d += (weights.pop() - change.dot(d) * inverse) * step
        return d

    def _learn(self, change: Any, step: Any) -> None:
        """Remember what the last step did to the gradient, if the loss curves upwards there."""
        curvature = change.dot(step)
        if not curvature > 1e-10:
            return
        for held, new in ((self.changes, change), (self.steps, step), (self.inverses, 1.0 / curvature)):
            if len(held) == self.size:
                held.pop(0)
            held.append(new)
        self.scale = curvature / change.dot(change)


def _array(value: Any) -> Any:
    return value._data if isinstance(value, Tensor) else value


def _arrays(values: list[Any]) -> list[Any]:
    return [_array(value) for value in values]


def _tensor(value: Any) -> Any:
    return wrap(value) if hasattr(value, "dtype") else value
