"""Public names: how functions of the ops floor become `torch.name`, `Tensor.name` and `Tensor.name_`."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import dtype as dtypes
from . import inplace
from .argument_types import guarded
from .errors import not_a_tensor, user_depth
from .later import later
from .modes import local, state
from .op import Op
from .registry import Registry
from .tensor import Tensor

FUNCTIONS: Registry[Callable[..., Any]] = Registry()
"""Everything that stands at the top level, as `torch.exp`."""

FUNCTIONAL: Registry[Callable[..., Any]] = Registry()
"""What stands in `torch.nn.functional`."""

METHODS: Registry[Callable[..., Any]] = Registry()
"""What tensors have as methods; `expect_methods` and `put_method` keep them on `Tensor` too."""

_ALIASES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other"}
"""NumPy's words for settings, which torch takes too."""


_AS_ONE = """
    addbmm baddbmm cdist cosine_embedding_loss hinge_embedding_loss huber_loss kl_div l1_loss
    margin_ranking_loss multi_margin_loss multilabel_margin_loss nanquantile poisson_nll_loss quantile
    smooth_l1_loss soft_margin_loss stft triplet_margin_loss
"""
CAST_WHOLE = frozenset(_AS_ONE.split())
"""Functions of several ops that autocast treats as one; the others it leaves to their ops."""


_WITH_OUT = """
    all amax amin aminmax any argmax argmin cat column_stack concat concatenate cross cummax cummin cumprod cumsum
    diff gather index_select kthvalue log_softmax logcumsumexp logsumexp max mean median min mode nanmean nanmedian
    nanquantile nansum norm prod quantile renorm softmax sort stack std sum take_along_dim topk var
"""
WITH_OUT = frozenset(_WITH_OUT.split())
"""Functions with `dim` whose results torch can put into tensors given as `out=`."""


_TAKE_OUT = """
    bucketize cholesky cholesky_inverse cholesky_solve complex diag dstack float_power geqrf histc histogram hstack
    inner kron logit logspace lu_solve lu_unpack masked_select matrix_power multinomial mvlgamma nonzero ormqr polar
    polygamma range row_stack searchsorted svd take triangular_solve tril triu vdot vstack xlogy
"""
TAKE_OUT = frozenset(_TAKE_OUT.split())
"""Functions at the top level, without `dim`, that take `out=`."""


_OF_TENSORS = """
    maximum minimum fmax fmin atan2 logical_and logical_or logical_xor hypot logaddexp logaddexp2 heaviside nextafter
    gcd lcm igamma igammac ldexp
"""
OF_TENSORS = frozenset(_OF_TENSORS.split())
"""Functions of two operands that take no number for either."""


def expect_methods(homes: Mapping[str, str]) -> None:
    """Give tensors methods whose files are read when they are asked for; `homes` says which file gives which."""
    METHODS.expect(homes)
    for name in homes:
        setattr(Tensor, name, later(functools.partial(_fetch, name), name))


def _fetch(name: str, cls: type[Tensor]) -> None:
    setattr(Tensor, name, METHODS[name])


def put_method(name: str, method: Callable[..., Any]) -> None:
    """Give tensors a method. One that is expected comes when it is asked for: a user may have put another there."""
    METHODS[name] = method
    if name not in METHODS.homes:
        setattr(Tensor, name, method)


def _cast_whole(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def casting(*args: Any, **kwargs: Any) -> Any:
        if state.special and local.cast is not None:
            args = local.cast(name, args)
        return function(*args, **kwargs)

    return casting


def public(
    *names: str, method: bool = True, top: bool = True, functional: bool = False, hot: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish a function with torch's signature: at top level, as a method, in `nn.functional`.

    The first argument of a method is the tensor itself. `names` defaults to the function's own name. A `hot` function
    is so quick that a call round it would be felt: it tells itself what is wrong with the types of its arguments.
    """

    def publish(function: Callable[..., Any]) -> Callable[..., Any]:
        accepting = _with_aliases(function)
        if function.__name__ in CAST_WHOLE:
            accepting = _cast_whole(function.__name__, accepting)
        calling = accepting if hot else guarded(accepting)
        for name in names or (function.__name__,):
            if top:
                FUNCTIONS[name] = taking_out(accepting) if name in TAKE_OUT else calling
            if functional:
                FUNCTIONAL[name] = calling
            if method:
                put_method(name, calling)
        return accepting

    return publish


def _with_aliases(function: Callable[..., Any]) -> Callable[..., Any]:
    code = inspect.unwrap(function).__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if "dim" not in known and "keepdim" not in known:
        return function
    takes_out = "out" not in known and function.__name__ in WITH_OUT

    @functools.wraps(function)
    def accepting(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            kwargs = {k if k in known else _ALIASES.get(k, k): v for k, v in kwargs.items()}
            if "out" in kwargs and "out" not in known:
                if kwargs["out"] is None:
                    del kwargs["out"]  # so that NumPy's own np.sum(tensor) works
                elif takes_out:
                    return into(kwargs.pop("out"), function(*args, **kwargs), function.__name__)
        return function(*args, **kwargs)

    return accepting


def publish_op(op: type[Op], *names: str, method: bool = True, top: bool = True, functional: bool = False) -> None:
    """Publish an op without settings as it stands: `torch.exp(input)`, `torch.mul(input, other)`, with `out=`."""
    name = names[0] if names else op.name

    def one(input: Any, *, out: Any = None) -> Any:
        return op.call(input) if out is None else into(out, op.call(input), name)

    def two(input: Any, other: Any, *, out: Any = None) -> Any:
        return op.call(input, other) if out is None else into(out, op.call(input, other), name)

    def two_tensors(input: Any, other: Any, *, out: Any = None) -> Any:
        if not isinstance(other, Tensor):
            raise not_a_tensor(op, (input, other), other)
        return op.call(input, other) if out is None else into(out, op.call(input, other), name)

    function = one if len(op.inputs) == 1 else two_tensors if name in OF_TENSORS else two
    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.__doc__
    function.__module__ = op.__module__
    public(*(names or (op.name,)), method=method, top=top, functional=functional, hot=True)(function)


def publish_in_place(op: type[Op], *names: str) -> None:
    """Publish `Tensor.name_`, which puts the result of `op` into the tensor itself."""

    def method(self: Tensor, *others: Any) -> Tensor:
        return inplace.apply(op, self, *others)

    method.__doc__ = f"Like `{op.name}`, in place: the tensor itself is changed and returned."
    for name in names or (op.name,):
        method.__name__ = f"{name}_"
        put_method(f"{name}_", method)
        if len(op.inputs) == 1:
            FUNCTIONS[f"{name}_"] = method


class _Call(NamedTuple):
    """What `inplace.apply` wants to know of an op, for a function that leads to one."""

    call: Callable[..., Any]
    elementwise: bool
    overlaps: bool | None = None
    assigns: bool = False


def public_in_place(
    *names: str, top: bool = False, functional: bool = False, elementwise: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Publish `Tensor.name_`: the function's result, which must be that of one op, put into the tensor itself."""

    def publish(function: Callable[..., Any]) -> Callable[..., Any]:
        op = _Call(function, elementwise)

        def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
            return inplace.apply(op, self, *args, **settings)

        method.__doc__ = f"Like `{function.__name__}`, in place: the tensor itself is changed and returned."
        for name in names or (function.__name__,):
            method.__name__ = f"{name}_"
            put_method(f"{name}_", method)
            if top:
                FUNCTIONS[f"{name}_"] = method
            if functional:
                FUNCTIONAL[f"{name}_"] = method
        return function

    return publish


def taking_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with `out=`, a tensor or one for each result."""

    @functools.wraps(function)
    def taking(*args: Any, out: Any = None, **settings: Any) -> Any:
        result = function(*args, **settings)
        return result if out is None else into(out, result, function.__name__)

    return guarded(taking)


def into(out: Any, result: Any, name: str) -> Any:
    """Put `result` into the tensor given as `out=` to the function `name`, or each of several into its own.

    Raises: RuntimeError for tensors that require grad, and for numbers that the dtype of `out` cannot hold.
    """
    if not isinstance(result, Tensor):
        found = [into(o, r, name) for o, r in zip(out, result, strict=True)]
        return type(result)(*found) if hasattr(result, "_fields") else type(result)(found)
    if out._node is not None or result._node is not None:
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    kind, target = result.dtype, out.dtype
    if kind.category > target.category or (target is dtypes.bool and kind is not dtypes.bool):
        raise RuntimeError(
            f"result type {kind.tensor_type} can't be cast to the desired output type {target.tensor_type}"
        )
    if out._data.shape != result._data.shape:
        _fit(out, tuple(result._data.shape))
    inplace.write(out, result._data)
    return out


def _fit(out: Any, shape: tuple[int, ...]) -> None:
    """Give the tensor for a result its shape; torch warns where something was in it."""
    if out._data.size:
        warnings.warn(
            f"An output with one or more elements was resized since it had shape {list(out._data.shape)}, which does "
            f"not match the required output shape {list(shape)}. This behavior is deprecated, and in a future PyTorch "
            "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out "
            "tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
            UserWarning,
            stacklevel=user_depth(),
        )
    out.resize_(shape)
