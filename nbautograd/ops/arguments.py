"""What arguments mean: dimensions, sizes, and the tensor for the result."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import into, taking_out
from nbautograd.core.tensor import Tensor


def canonical_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front.

    Raises: IndexError in torch's words when there is no such dimension.
    """
    size = ndim or 1
    if not -size <= dim < size:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-size}, {size - 1}], but got {dim})")
    return dim % size


def canonical_dims(dim: Any, ndim: int) -> Any:
    """None, a number, or a tuple of numbers, counted from the front; a 0-d tensor has nothing to reduce over."""
    if dim is None:
        return None
    if isinstance(dim, int):
        found = canonical_dim(dim, ndim)
        return found if ndim else None
    dims = tuple(canonical_dim(d, ndim) for d in dim)
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {dims[-1]} appears multiple times in the list of dims")
    return dims if ndim else None


def canonical_dims_or_all(dim: Any, ndim: int) -> Any:
    """As `canonical_dims`, where no dimension at all means every one."""
    return canonical_dims(dim if isinstance(dim, int) or dim else None, ndim)


def shape_of(sizes: tuple[Any, ...], named: dict[str, Any] | None = None, word: str = "") -> tuple[int, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f(word=(2, 3))` mean the same."""
    if named:
        sizes = (named.pop(word, ()),)
    if named:
        raise TypeError(f"got an unexpected keyword argument '{next(iter(named))}'")
    if len(sizes) == 1 and not isinstance(sizes[0], int | Tensor):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def complete(shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """`shape` with its -1 worked out for `count` elements.

    Raises: RuntimeError in torch's words when it cannot be.
    """
    known = 1
    for n in shape:
        if n != -1:
            known *= n
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in shape:
        if known == 0 or count % known:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
        return tuple(count // known if n == -1 else n for n in shape)
    if known != count:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")
    return shape


def with_out(functions: dict[str, Any], names: Any) -> None:
    """Let the functions called `names` take `out=`, a tensor or one for each result."""
    for name in names:
        functions[name] = taking_out(functions[name])


def into_out(out: Any, result: Tensor, name: str) -> Tensor:
    return result if out is None else into(out, result, name)
