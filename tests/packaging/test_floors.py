"""A module imports only from floors below its own, and `import nbautograd` imports NumPy and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "nbautograd"
STACK = [
    {"words"},
    {"fast"},
    {"core"},
    {"ops"},
    {"autograd", "amp"},
    {"nn", "optim", "utils", "func", "linalg", "fft", "special", "distributions", "signal", "trace"}
    | {
        "compiler",
        "distributed",
        "functional",
        "jit",
        "mps",
        "random",
        "settings",
        "signal",
        "testing",
        "version",
        "xpu",
    },
    {"backends", "cuda", "replay", "serialization"},
    {"accelerator"},
    {"lint", "export"},
    {"__init__"},
    {"notebook"},
]
FLOORS = {name: height for height, names in enumerate(STACK) for name in names}
DATA_ONLY = {"lint", "export"}
"""These work on traces that come from files and from other engines: of the package they know the trace's data alone."""
DATA = {"nbautograd.trace.model", "nbautograd.trace.codec", "nbautograd.trace.plain"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST, module: str) -> Iterator[str]:
    """Every module of ours that is imported when the code runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(node, module)
        else:
            yield from imports(node, module)


def imported_from(node: ast.ImportFrom, module: str) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        base = ".".join([*module.split(".")[: -node.level], *filter(None, [node.module])])
    for alias in node.names:
        inner = PACKAGE.parent.joinpath(*base.split("."), alias.name)
        yield f"{base}.{alias.name}" if inner.is_dir() or inner.with_suffix(".py").exists() else base


def floor(module: str) -> str:
    """The name of the floor that a module of ours lies on."""
    return (module.split(".")[1:2] or ["__init__"])[0]


def name_of(path: Path) -> str:
    return ".".join(["nbautograd", *path.relative_to(PACKAGE).with_suffix("").parts])


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_a_module_imports_only_from_floors_below_its_own(path: Path) -> None:
    module = name_of(path)
    own = floor(module)
    ours = {name for name in imports(ast.parse(path.read_text()), module) if name.split(".")[0] == "nbautograd"}
    others = {name for name in ours if floor(name) != own}

    assert {name for name in others if FLOORS[floor(name)] >= FLOORS[own]} == set()
    if own in DATA_ONLY:
        assert others <= DATA


def test_importing_the_package_imports_numpy_and_nothing_else() -> None:
    code = "import sys, numpy.random; before = set(sys.modules); import nbautograd; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = {name.split(".")[0] for name in result.stdout.split()} - sys.stdlib_module_names
    assert new <= {"nbautograd", "numpy"}


def test_the_package_can_be_loaded_again() -> None:
    code = (
        "import importlib, nbautograd as torch; x = torch.ones(2, requires_grad=True); importlib.reload(torch); "
        "torch.exp(x).sum().backward(); print(x.grad, torch.inf, torch.nn.Linear(2, 3)(x).shape)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "tensor([2.7183, 2.7183]) inf torch.Size([3])\n"
