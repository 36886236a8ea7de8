"""Which arguments a transform differentiates: `argnums`, and what may go wrong with it."""

from __future__ import annotations

from typing import Any


def checked(argnums: Any, count: int) -> int | tuple[int, ...]:
    """`argnums` counted from the front, for a function that is given `count` arguments.

    Raises: RuntimeError in torch's words when there is no such argument, or when one is named twice.
    """
    if isinstance(argnums, int):
        return _position(argnums, count)
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    positions = tuple(_position(n, count) for n in argnums)
    if not positions:
        raise RuntimeError("argnums must be non-empty")
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {positions}")
    return positions


def _position(argnum: Any, count: int) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -count <= argnum < count:
        raise RuntimeError(f"Got argnum={argnum}, but only {count} positional inputs")
    return argnum % count


def chosen(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Any:
    """The argument, or the tuple of arguments, that `argnums` names."""
    return args[argnums] if isinstance(argnums, int) else tuple(args[n] for n in argnums)


def replaced(args: tuple[Any, ...], argnums: int | tuple[int, ...], new: Any) -> tuple[Any, ...]:
    """`args` with those that `argnums` names replaced by `new`."""
    fresh = {argnums: new} if isinstance(argnums, int) else dict(zip(argnums, new, strict=True))
    return tuple(fresh.get(i, x) for i, x in enumerate(args))


def with_aux(result: Any, call: str) -> tuple[Any, Any]:
    """A function's result taken apart into what is differentiated and what is only handed on."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{call}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def check_real(function: str, leaves: list[Any], what: str) -> None:
    """Refuse complex tensors, for which a table of derivatives would need a convention."""
    for i, leaf in enumerate(leaves):
        if leaf.dtype.is_complex:
            raise RuntimeError(
                f"{function}: Expected all {what} to be real but received complex tensor at flattened input idx: {i}"
            )
