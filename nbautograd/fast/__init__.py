"""Compiled kernels for the ops that cost most: `pip install nbautograd[fast]`.

`nbautograd.fast.start()` compiles what is missing and uses the kernels from now on; without it they begin to work by
themselves once a program has done enough work for them to pay.

NOTE [When kernels begin]
To import numba takes a quarter of a second, to compile a kernel seconds: no cell of a learner may stand still for
that. So calls that a kernel could have served are counted by their elements. When they are worth it, and the kernels of
this machine lie compiled in the user's cache, a thread loads them. Else another process, of low priority, compiles
them, and the program goes on with NumPy until that is done. `NBAUTOGRAD_FAST=0` in the environment leaves all of it to
`start()`.

NOTE [Served]
`serve(name, text)` is the whole seam. Without numba it is `text` itself. With it, it is a function that hands large
arrays to the adapter `name` of the kernels, and takes `text` for whatever that does not know (it returns None): other
dtypes, other layouts, rare settings. The op table serves the forward functions of its entries so, by their names; their
rules are made of such ops. So the table remains the one text, and what a kernel has to give is what the text gives.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbautograd.words import Words

__all__ = ["serve", "start", "status", "stop"]

INSTALLED = importlib.util.find_spec("numba") is not None

KERNELS = {
    "softmax": "rows",
    "softmax_backward": "rows",
    "log_softmax": "rows",
    "log_softmax_backward": "rows",
    "logsumexp": "rows",
    "cross_entropy": "rows",
    "cross_entropy_backward": "rows",
    "layer_norm": "norms",
    "layer_norm_backward": "norms",
    "batch_norm": "norms",
    "batch_norm_backward": "norms",
    "gelu": "flat",
    "gelu_tanh": "flat",
    "adam": "updates",
    "sgd": "updates",
    "rmsprop": "updates",
    "adagrad": "updates",
    "adadelta": "updates",
    "adamax": "updates",
    "nadam": "updates",
    "radam": "updates",
    "lstm_advance": "recurrent",
    "lstm_retreat": "recurrent",
    "gru_advance": "recurrent",
    "gru_retreat": "recurrent",
    "add_rows": "places",
    "convolve": "convolutions",
    "spread": "convolutions",
    "correlate": "convolutions",
    "max_pool2d": "windows",
    "max_pool2d_backward": "windows",
    "avg_pool2d": "windows",
    "avg_pool2d_backward": "windows",
}
"""What is served, and the module that has its adapter."""

LEAST = {**dict.fromkeys(KERNELS, 2048), "cross_entropy": 256, "cross_entropy_backward": 256}
"""How many elements it takes until a kernel is faster."""

WORTH = 50_000_000
"""After so many elements the kernels are worth a quarter of a second."""

running: dict[str, Callable[..., Any]] = {}
"""The adapters at work."""


adapters: dict[str, Callable[..., Any]] = {}
"""Those that have been loaded."""


class _State:
    seen = 0
    automatic = os.environ.get("NBAUTOGRAD_FAST", "") != "0"


def serve(name: str, text: Callable[..., Any], at: int = 0) -> Callable[..., Any]:
    """`text`, or a function that lets a kernel do its work where that is faster; see NOTE [Served].

    Argument `at` says how large the work is.
    """
    if not INSTALLED or name not in KERNELS:
        return text

    @functools.wraps(text)
    def served(*args: Any, **settings: Any) -> Any:
        size = getattr(args[at], "size", 0)
        if size.__class__ is int and size >= LEAST[name]:
            adapter = running.get(name)
            if adapter is None:
                _count(size)
            elif (found := adapter(*args, **settings)) is not None:
                return found
        return text(*args, **settings)

    vars(served)["kernel"] = name
    served.__kwdefaults__ = text.__kwdefaults__  # where a rule finds a setting that was not given
    return served


def _count(size: int) -> None:
    """See NOTE [When kernels begin]."""
    _State.seen += size
    if _State.seen >= WORTH and _State.automatic:
        _State.seen = 0
        if _cache().ready():
            _State.automatic = False
            threading.Thread(target=_load, name="nbautograd.fast").start()
        elif not _cache().build():
            _State.automatic = False


def _cache() -> ModuleType:
    """Imported when it is needed: it takes much of the standard library with it."""
    return importlib.import_module(f"{__name__}.cache")


def _load() -> None:
    adapters.update(_imported())
    _cache().compile_all()  # takes them from the cache: the first one would make its caller wait
    running.update(adapters)
    _State.automatic = False


def _imported() -> dict[str, Callable[..., Any]]:
    """The adapters of all kernels.

    When numba begins it reads the table of builtins, to which IPython adds names before a cell and takes them away
    after it: a thread that is met by that begins again.
    """
    while True:
        try:
            return {
                name: getattr(importlib.import_module(f"{__name__}.kernels.{module}"), name)
                for name, module in KERNELS.items()
            }
        except RuntimeError as error:
            if "changed size during iteration" not in str(error):
                raise


def start() -> None:
    """Use the kernels from now on; the first time on a machine they are compiled, which takes about a minute.

    Raises: ImportError without numba.
    """
    if not INSTALLED:
        raise ImportError("the kernels need numba\n  hint: pip install nbautograd[fast]")
    if adapters:
        running.update(adapters)
        return
    _load()


def stop() -> None:
    """Do everything with NumPy from now on."""
    running.clear()
    _State.automatic = False


def status() -> Words:
    """Whether kernels are at work, in words."""
    if not INSTALLED:
        return Words("no kernels: numba is not installed (pip install nbautograd[fast])")
    if running:
        return Words(f"{len(running)} ops are served by kernels")
    return Words("kernels are compiled, and not at work yet" if _cache().ready() else "kernels are not compiled yet")
