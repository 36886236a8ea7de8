"""The op table: a function with its gradient rules is written down once, and becomes a fast differentiable call.

    class Mul(Op):
        \"\"\"Product of two tensors, element by element.\"\"\"

        elementwise = True

        def forward(x, y):
            return x * y

        def dx(g, y):
            return g * y

        def dy(g, x):
            return g * x

`forward`'s positional parameters are the inputs, its keyword-only ones the settings. `d<input>` is the rule of that
input:
it gets the gradient `g` of the output, and whatever else its parameter names ask for, which is exactly what is saved:
an input (`x`), the result (`out`), a fact about an input (`x_shape`, `x_dtype`, `x_device`), a setting, or one of
`aux`, extra values that `forward` returned
behind the result. Un-broadcasting is the engine's work, never a rule's.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

from nbautograd.fast import serve

from . import array as arrays
from .device import gpu_count
from .later import Later, later
from .node import SAVED
from .real_only import refuse_other_numbers
from .registry import Registry
from .rules import Rule, compile_entry, pulls_of
from .twins import Pull, conjugated, rounding_twin, twin_of

TABLE: Registry[type[Op]] = Registry()
"""Every op by its name."""


def _forward_of(name: str) -> Any:
    return TABLE[name].forward


xp: Any = arrays.Namespace(np, _forward_of)
"""The array namespace that forward functions and rules are written against; see NOTE [The seam]."""
xp.broadcast_to, xp.sum, xp.mean, xp.max = arrays.spread, arrays.total, arrays.average, arrays.greatest


symbolic: Any = arrays.Namespace(np, lambda name: rebind(_forward_of(name), symbolic))
"""The namespace for symbols, which NumPy itself hands its functions over to; see NOTE [Symbols]."""


def entitle(cls: type[Op]) -> None:
    """Give `cls` the name that people call it by: its node's without `Backward0`."""
    bare = cls.node_name.rstrip("0123456789").removesuffix("Backward").removesuffix("Backwards")
    cls.title = snake(bare).removeprefix("native_")


def compiled(cls: type[Op]) -> None:
    """The entry `cls` as it was written, compiled."""
    compile_entry(cls, cls.forward, tuple(getattr(cls, f"d{name}", None) for name in cls.inputs))


def _watch(cls: type[Op]) -> None:
    from . import watched

    watched.install(cls)


class Op:
    """One entry of the table; see the module's first lines for how it is written."""

    name: ClassVar[str]
    node_name: ClassVar[str]
    title: ClassVar[str] = later(entitle)
    """What people call it: the node's name without `Backward0` unless said otherwise."""
    inputs: ClassVar[tuple[str, ...]]
    settings: ClassVar[tuple[str, ...]]
    saves: ClassVar[tuple[str, ...]] = later(compiled)
    frees: ClassVar[bool] = later(compiled)
    """Whether a second backward is an error: a tensor is among what is saved, or the entry says so."""
    forward: ClassVar[Any]
    rules: ClassVar[tuple[Rule | None, ...]] = later(compiled)
    pulls: ClassVar[tuple[Pull | None, ...]] = later(compiled)
    plan: ClassVar[tuple[tuple[str, Any, tuple[int, ...]], ...]] = later(compiled)
    call: ClassVar[Callable[..., Any]] = later(compiled)
    step: ClassVar[Callable[..., Any] | None] = later(compiled)
    watched: ClassVar[Callable[..., Any] | None] = later(_watch)
    """The short path of `call` for when nothing but an observer is unusual."""
    quiet: ClassVar[Callable[..., Any] | None] = later(_watch)
    """The one for when nothing but `no_grad` or inference mode is."""
    build: ClassVar[Any] = later(compiled)
    """What writes out the step; see `steps`."""
    cuda: ClassVar[type[Op] | None] = None
    library: ClassVar[Any] = np
    """NumPy, or for a twin made by `on`, CuPy."""

    elementwise: ClassVar[bool] = False
    """Every input is broadcast to the shape of the result."""
    broadcasts: ClassVar[bool] = False
    """A rule may return more dimensions than its input had; the engine sums them away."""
    promote: ClassVar[str] = "widest"
    """`widest`: inputs are promoted to one dtype; `float`: and integers to the default float; `none`: left alone;
    `same`: they must have one dtype."""
    boolean: ClassVar[bool] = False
    """The result is a truth value, whatever the inputs' dtype."""
    conjugates: ClassVar[bool] = False
    """The rules are right for complex numbers as they stand; see NOTE [Complex gradients]."""
    aux: ClassVar[tuple[str, ...]] = ()
    holds: ClassVar[tuple[str, ...]] = ()
    """Settings that are tensors backward needs: freed, and refused when changed, as inputs are."""
    outputs: ClassVar[int | None] = 1
    """Number of results; None when it depends on the call."""
    view: ClassVar[bool] = False
    """The result may share its input's memory."""
    variadic: ClassVar[bool] = False
    """`forward(*xs)` takes any number of tensors; its one rule `dxs` returns a gradient for each."""
    tex: ClassVar[dict[str, str]] = {}
    """Per input, the local derivative as TeX."""
    code: ClassVar[dict[str, str]] = {}
    """For `out` and for inputs whose functions are written for speed: what they compute as one expression to read."""
    refuse: ClassVar[Any] = None
    """`refuse(*arrays, **settings)` gives torch's error text for arguments that made `forward` fail."""
    check: ClassVar[Any] = None
    """`check(*arrays_and_numbers)` gives torch's error for what `forward` would accept; short paths never need it."""
    real_only: ClassVar[tuple[type[Exception], str] | None] = None
    """torch's error for complex numbers; see `real_only`."""
    overlaps: ClassVar[bool | None] = None
    """Whether, in place, it may change memory that several elements share; None: unless it is elementwise."""
    assigns: ClassVar[bool] = False
    """In place, its one operand is laid over the target first, as in `x[…] = y`."""
    into: ClassVar[Any] = None
    """`into(*arrays, out=array, **settings)` puts what `forward` gives into an array, the first input it may be."""
    samples: ClassVar[Any] = None
    """`samples(make)` yields argument tuples for the tests; see `nbautograd.ops.samples`."""

    def __init_subclass__(cls, abstract: bool = False) -> None:
        if cls.__base__ is not Op:  # it would find what its base has worked out
            for part in ("watched", "quiet") if abstract else _PARTS - vars(cls).keys():
                setattr(cls, part, vars(Op)[part])
        if abstract:
            return
        cls.name = cls.__dict__.get("name") or snake(cls.__name__)
        cls.node_name = cls.__dict__.get("node_name") or f"{cls.__name__}Backward0"
        forward = inspect.unwrap(cls.forward)  # it may be that of another entry, which is served
        code = forward.__code__
        names = code.co_varnames
        cls.inputs = names[: code.co_argcount] or ("xs",)
        cls.settings = names[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        cls.forward = staticmethod(serve(cls.name, forward))
        TABLE[cls.name] = cls
        refuse_other_numbers(cls)

    @staticmethod
    def release(node: Any) -> None:
        """Let go of what `node` saved, after backward came through."""
        node[SAVED] = None

    @staticmethod
    def returned_view(node: Any, nr: int) -> bool:
        """Whether output `nr` is a view of whose base the history knows nothing: custom functions return such."""
        return False

    @classmethod
    def on(cls, library: Any) -> type[Op]:
        """This entry with its functions bound to CuPy instead of NumPy."""
        if library is np:
            return cls
        if cls.__dict__.get("cuda") is None:
            from nbautograd.fast.cuda import Fused, adapters  # what few need is not read when the package is imported

            space = arrays.Namespace(library, lambda name: TABLE[name].on(library).forward)
            twin: Any = type(cls.__name__, (cls,), {"library": library}, abstract=True)  # type: ignore[call-overload]

            def fused(function: Any, served: bool = False) -> Any:
                name, plain = f"{cls.name}_{inspect.unwrap(function).__name__}", rebind(function, space)
                plain = adapters.served(cls.name, plain, library) if served else plain
                return Fused(name, lambda: rebind(function, symbolic), plain, library)

            compile_entry(twin, fused(cls.forward, True), tuple(r and fused(r) for r in cls.rules))
            if gpu_count() > 1:
                twin.step = twin.step and _beside_gradient(twin.step, 1)
                twin.pulls = tuple(pull and _beside_gradient(pull, 0) for pull in twin.pulls)
            cls.cuda = twin
        assert cls.cuda is not None
        return cls.cuda

    @classmethod
    def differentiable(cls) -> tuple[Rule | None, ...]:
        """The rules bound to the package's own functions, for gradients of gradients."""
        found = cls.__dict__.get("_differentiable")
        if found is None:
            space = _tensors_on(cls.library)
            found = tuple(rule and rebind(rule, space) for rule in cls.rules)
            cls._differentiable = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def recording_pulls(cls) -> tuple[Pull | None, ...]:
        """`pulls` bound to the package's own functions."""
        found = cls.__dict__.get("_recording_pulls")
        if found is None:
            found = pulls_of(cls, cls.differentiable())
            if "_wirtinger" in cls.__dict__ and cls._wirtinger is cls:  # type: ignore[attr-defined]
                found = tuple(pull and conjugated(pull) for pull in found)
            cls._recording_pulls = found  # type: ignore[attr-defined]
        return found

    @classmethod
    def rounding(cls) -> type[Op]:
        """This entry for bfloat16: computed in float32 and rounded once at the end; see NOTE [bfloat16]."""
        if cls.__dict__.get("_rounding") is None:
            cls._rounding = rounding_twin(cls)  # type: ignore[attr-defined]
        return cls._rounding  # type: ignore[attr-defined]

    @classmethod
    def wirtinger(cls) -> type[Op]:
        """This entry as it is recorded for complex numbers; see NOTE [Complex gradients]."""
        if cls.conjugates or cls.view or not cls.saves:
            return cls
        if cls.__dict__.get("_wirtinger") is None:
            twin = twin_of(cls, conjugated)
            cls._wirtinger = twin._wirtinger = twin  # type: ignore[attr-defined]
        return cls._wirtinger  # type: ignore[attr-defined]


_PARTS = {name for name, value in vars(Op).items() if isinstance(value, Later)}


def _beside_gradient(function: Any, position: int) -> Any:
    """`function` on the GPU of the gradient that is its argument at `position`; only where there are several GPUs."""

    def there(*args: Any) -> Any:
        with arrays.beside(args[position]):
            return function(*args)

    return there


def snake(name: str) -> str:
    """`LogSoftmax` → `log_softmax`."""
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


_worlds: dict[tuple[int, int], dict[str, Any]] = {}


def rebind(function: Any, space: Any) -> Any:
    """A copy of `function` (and of the helpers beside it) whose global `xp` is `space`; see NOTE [The seam]."""
    function = inspect.unwrap(function)  # kernels for NumPy serve nobody else
    key = (id(function.__globals__), id(space))
    world = _worlds.get(key)
    if world is None:
        world = _worlds[key] = {**function.__globals__, "xp": space}
        for name, value in function.__globals__.items():
            if isinstance(value, FunctionType) and "xp" in inspect.unwrap(value).__globals__:
                world[name] = rebind(value, space)
    copy = FunctionType(function.__code__, world, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


class _Tensors:
    """The namespace whose arrays are tensors: NumPy's names for the package's own differentiable functions."""

    def __init__(self, library: Any, numpy_names: dict[str, Any], makers: dict[str, Any]) -> None:
        self.library = library
        self.numpy_names = numpy_names
        self.makers = makers
        """Functions of the library and its function of that name: what they make needs no gradient."""

    def __getattr__(self, name: str) -> Any:
        if name in self.makers:
            found = functools.partial(self.makers[name], getattr(self.library, name))
        elif name in self.numpy_names or name in TABLE:
            found = self.numpy_names.get(name) or TABLE[name].call
        else:
            raise AttributeError(f"there is no differentiable {name!r}")
        setattr(self, name, found)
        return found


@functools.cache
def _tensors_on(library: Any) -> _Tensors:
    """The namespace whose new tensors are made by `library`."""
    return tensors if library is np else _Tensors(library, tensors.numpy_names, tensors.makers)


tensors = _Tensors(np, {}, {})
