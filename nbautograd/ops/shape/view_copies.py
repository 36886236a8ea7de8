"""What views show, as tensors of their own: `torch.t_copy` is `torch.t` and a copy."""

from __future__ import annotations

from typing import Any

from nbautograd.core.public import FUNCTIONS, public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.arguments import into_out

_VIEWS = (
    "as_strided detach diagonal expand narrow permute select split split_with_sizes squeeze t transpose unbind unfold "
    "unsqueeze view view_as_complex view_as_real"
)


def _copied(name: str) -> Any:
    def copied(input: Tensor, *args: Any, out: Any = None, **settings: Any) -> Any:
        found = (FUNCTIONS.get(name) or getattr(Tensor, name))(input, *args, **settings)
        if isinstance(found, Tensor):
            return into_out(out, found.clone(), copied.__name__)
        parts = tuple(part.clone() for part in found)
        return (
            parts if out is None else [into_out(o, part, copied.__name__) for o, part in zip(out, parts, strict=True)]
        )

    copied.__name__ = copied.__qualname__ = f"{name}_copy"
    copied.__doc__ = f"What `torch.Tensor.{name}` shows, as a tensor of its own."
    return copied


for _name in _VIEWS.split():
    public(method=_name == "narrow")(_copied(_name))


@public(method=False)
def alias_copy(input: Tensor, *, out: Any = None) -> Tensor:
    """The tensor as one of its own."""
    return into_out(out, input.clone(), "alias_copy")


@public(method=False)
def slice_copy(
    input: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
    *,
    out: Any = None,
) -> Tensor:
    """The slices from `start` to before `end` along `dim`, as a tensor of its own."""
    index = (*(slice(None),) * (dim % input.ndim), slice(start, end, step))
    return into_out(out, input[index].clone(), "slice_copy")
