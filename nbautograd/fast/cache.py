"""Where compiled kernels lie, whether they are there, and how they come to be."""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import KERNELS

HERE = Path(__file__).parent
_builder: list[subprocess.Popen[bytes]] = []


@functools.cache
def folder() -> Path:
    """Where the kernels for this machine, Python and version lie: in the user's cache, or for this process only.

    A folder of all users is never taken: what lies there is machine code that will run.
    """
    place = _users_cache() / "nbautograd" / _digest()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place
    except OSError:
        own = Path(tempfile.mkdtemp(prefix="nbautograd-"))
        atexit.register(shutil.rmtree, own, ignore_errors=True)
        return own


def _users_cache() -> Path:
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _digest() -> str:
    """A name for all that compiled code depends on."""
    parts = [sys.version, str(HERE), _processor()]
    parts += [importlib.metadata.version(name) for name in ("numba", "llvmlite", "numpy")]
    found = hashlib.sha256("\n".join(parts).encode())
    for source in sorted(HERE.rglob("*.py")):
        found.update(source.read_bytes())
        found.update(str(source.stat().st_mtime).encode())
    return found.hexdigest()[:16]


def _processor() -> str:
    """The processor by its name and what it can do; homes are shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))


def ready() -> bool:
    """Whether all kernels are compiled."""
    return (folder() / "ready").exists()


def build() -> bool:
    """Let another process compile the kernels; False when it has ended without."""
    if not _builder:
        command = [sys.executable, "-m", "nbautograd.fast", str(folder())]
        quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        # In a session of its own: interrupting a cell does not end it.
        _builder.append(subprocess.Popen(command, start_new_session=True, **quiet))
        return True
    return _builder[0].poll() is None


def compile_all(place: Path | None = None) -> None:
    """Compile every kernel for float32 and float64 and say so in `place`."""
    place = place or folder()
    for name in sorted(set(KERNELS.values())):
        module = importlib.import_module(f"{__package__}.kernels.{name}")
        for kernel in vars(module).values():
            for signature in getattr(kernel, "wanted", ()):
                kernel.compile(signature)
    (place / "ready").touch()
