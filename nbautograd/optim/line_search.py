"""How far to go along a direction: a search for a step that satisfies the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

SUFFICIENT, CURVATURE = 1e-4, 0.9
"""How much of the promised decrease a step must bring, and how much of the slope may be left behind it."""


class Point(NamedTuple):
    """A place on the line: the step to it, and the loss, its gradient and its slope along the line there."""

    step: Any
    loss: float
    gradient: Any
    slope: Any


def lowest_of_cubic(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with their slopes is lowest, held within bounds.

    Source: Nocedal and Wright 2006, *Numerical optimization*, equation 3.59.
    """
    a, b = (a, b) if a.step <= b.step else (b, a)
    low, high = bounds or (a.step, b.step)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.step - b.step)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square**0.5
    lowest = b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(lowest, low), high)


def strong_wolfe(
    evaluate: Callable[[Any], Point], start: Point, step: Any, reach: Any, tolerance: float, limit: int
) -> tuple[Point, int]:
    """A point with enough decrease and a small slope, and the number of evaluations it took to find it.

    `step` is tried first, `reach` is the largest component of the direction, and `limit` bounds the evaluations.

    Source: Nocedal and Wright 2006, algorithms 3.5 and 3.6.
    """
    before, now = start, evaluate(step)
    for tries in range(limit):
        if _too_high(now, start) or (tries > 1 and now.loss >= before.loss):
            return _zoom(evaluate, start, [before, now], reach, tolerance, limit, tries)
        if _flat(now, start):
            return now, tries + 1
        if now.slope >= 0:
            return _zoom(evaluate, start, [before, now], reach, tolerance, limit, tries)
        bounds = now.step + 0.01 * (now.step - before.step), now.step * 10
        before, now = now, evaluate(lowest_of_cubic(before, now, bounds))
    return (start if start.loss <= now.loss else now), max(limit, 0) + 1


def _too_high(point: Point, start: Point) -> bool:
    return bool(point.loss > start.loss + SUFFICIENT * point.step * start.slope)


def _flat(point: Point, start: Point) -> bool:
    return bool(abs(point.slope) <= -CURVATURE * start.slope)


def _zoom(
    evaluate: Callable[[Any], Point],
    start: Point,
    bracket: list[Point],
    reach: Any,
    tolerance: float,
    limit: int,
    tries: int,
) -> tuple[Point, int]:
    """Narrow a bracket that holds a good point until that is found."""
    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    stuck = False
    while tries < limit and abs(bracket[1].step - bracket[0].step) * reach >= tolerance:
        step, stuck = _inside(bracket, stuck)
        now = evaluate(step)
        tries += 1
        if _too_high(now, start) or now.loss >= bracket[low].loss:
            bracket[high] = now
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        if _flat(now, start):
            return now, tries + 1
        if now.slope * (bracket[high].step - bracket[low].step) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = now
    return bracket[low], tries + 1


def _inside(bracket: list[Point], stuck: bool) -> tuple[Any, bool]:
    """The next step to try, and whether it is close to an end of the bracket: twice in a row is not allowed."""
    step = lowest_of_cubic(*bracket)
    left, right = min(point.step for point in bracket), max(point.step for point in bracket)
    margin = 0.1 * (right - left)
    if min(right - step, step - left) >= margin:
        return step, False
    if not (stuck or step >= right or step <= left):
        return step, True
    return (right - margin if abs(step - right) < abs(step - left) else left + margin), False
