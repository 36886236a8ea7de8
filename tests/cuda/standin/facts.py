"""Write down what CuPy offers: `python -P facts.py > facts.json`, where CuPy and ml_dtypes are (no GPU is needed).

Names, parameters and the dtypes of ufuncs are read from CuPy itself, so that the stand-in has no name and takes no
argument that CuPy does not.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from typing import Any

MODULES = (
    "cupy", "cupy.cuda", "cupy.cuda.runtime", "cupy.fft", "cupy.lib.stride_tricks", "cupy.linalg", "cupy.random",
    "cupyx", "cupyx.scipy", "cupyx.scipy.linalg", "cupyx.scipy.special",
)  # fmt: skip
CLASSES = (
    "cupy.ndarray", "cupy.cuda.Device", "cupy.cuda.Event", "cupy.cuda.Graph", "cupy.cuda.MemoryHook",
    "cupy.cuda.MemoryPointer", "cupy.cuda.MemoryPool", "cupy.cuda.Stream", "cupy.random.Generator",
)  # fmt: skip
FIRST_LINE = re.compile(r"^[\w.]*\((.*)\)(?:\s*->.*)?$")
TYPED = re.compile(r"(?:^|(?<=, ))(?:str|bool|bint|int|dict|tuple|size_t|\w*_t|Py_ssize_t|\w*_base|[A-Z]\w+) (?=\w)")


def signature(function: Any) -> str | None:
    """The parameters of a function, as text: its own, or those that its docstring begins with."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        line = FIRST_LINE.match(next(iter((getattr(function, "__doc__", None) or "").splitlines()), ""))
        return None if line is None else f"({TYPED.sub('', line.group(1))})"
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=found.empty))


def fact(value: Any) -> Any:
    """What is to be known of one name; None for what is no function."""
    if type(value).__name__ == "ufunc":
        refused = [kind for kind, op in zip(value.types, value._ops.ops, strict=True) if op.error_func is not None]
        return {"ufunc": value.types, "refused": refused, "at": value._scatter_op}
    if type(value).__name__ == "_GUFunc":
        return "(*args, axes=None, axis=None, keepdims=False, casting='same_kind', dtype=None, order='K', out=None)"
    if callable(value) and not isinstance(value, type):
        return signature(value) or "(*args, **kwargs)"
    return None


def public(owner: Any) -> dict[str, Any]:
    return {name: fact(getattr(owner, name)) for name in sorted(dir(owner)) if not name.startswith("_")}


def main() -> None:
    import cupy

    found: dict[str, Any] = {"version": cupy.__version__}
    for name in MODULES:
        found[name] = public(importlib.import_module(name))
    for name in CLASSES:
        module, _, last = name.rpartition(".")
        found[name] = public(getattr(importlib.import_module(module), last))
    found["cupy.ndarray"] |= {n: None for n in dir(cupy.ndarray) if n.startswith("__")}
    for owner in found.values():
        if isinstance(owner, dict):
            for name in [n for n in owner if n in ("annotations", "np", "warnings", "numpy")]:
                del owner[name]
    lines = [f"  {json.dumps(owner)}: {rows(facts)}" for owner, facts in found.items()]
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


def rows(facts: Any) -> str:
    if not isinstance(facts, dict):
        return json.dumps(facts)
    return "{\n" + ",\n".join(f"    {json.dumps(n)}: {json.dumps(v)}" for n, v in facts.items()) + "\n  }"


if __name__ == "__main__":
    main()
