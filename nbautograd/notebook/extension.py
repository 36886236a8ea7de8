"""`%load_ext nbautograd`: brings the magics, and the names `nb` and `tensor` where they are free."""

from __future__ import annotations

from typing import Any

from nbautograd.notebook.display import bundle
from nbautograd.notebook.magics import AutogradMagics
from nbautograd.trace.model import Trace


def load_ipython_extension(shell: Any) -> None:
    """Bring `%%autograd` and its line magics into an IPython shell.

    `nb` (this package) and `tensor` become names of the notebook unless it has names like these already.
    """
    import nbautograd

    magics = AutogradMagics(shell)
    shell.register_magics(magics)
    shell.configurables.append(magics)  # for %config AutogradMagics
    shell.input_transformers_cleanup.append(magics.cells.transform)
    shell.display_formatter.mimebundle_formatter.for_type(Trace, bundle)  # a cell's last line
    shell.events.register("pre_run_cell", magics.cells.before)
    shell.events.register("post_run_cell", magics.cells.after)
    names = {"nb": nbautograd, "tensor": nbautograd.tensor}
    shell.push({name: value for name, value in names.items() if name not in shell.user_ns}, interactive=False)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again; the names stay."""
    magics = shell.magics_manager.registry.pop(AutogradMagics.__name__)
    shell.display_formatter.mimebundle_formatter.pop(Trace)
    shell.events.unregister("pre_run_cell", magics.cells.before)
    shell.events.unregister("post_run_cell", magics.cells.after)
    shell.input_transformers_cleanup.remove(magics.cells.transform)
    shell.configurables.remove(magics)
    magics.lengthen_errors()
    magics.reports.clear()
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
