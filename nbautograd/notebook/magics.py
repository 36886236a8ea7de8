"""The magics: `%%autograd` and `%autograd` trace code, the others look at gradients and explain findings."""

# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
    output_can_be_silenced,
)
from IPython.core.magic_arguments import MagicArgumentParser, argument, argument_group, magic_arguments
from traitlets import Bool, Enum, Int, List, TraitError, Unicode, observe, validate

from nbautograd.notebook import arguments, gradients
from nbautograd.notebook.cells import Cells
from nbautograd.notebook.reports import Reports
from nbautograd.notebook.tracebacks import shorten

VIEWS = ("auto", "graph", "code", "hand", "table", "none")
COLLAPSE = ("auto", "module", "line", "none")
VALUES = ("none", "stats", "full")
WORDS = ("", "on", "off", "status", "clear")


@magics_class
class AutogradMagics(Magics):
    """Settings that hold for every traced cell; the options of one `%%autograd` go before them."""

    auto = Bool(False, help="Trace every cell, as after `%autograd on`.").tag(config=True)
    view = Enum(VIEWS, "auto", help="What to show first.").tag(config=True)
    collapse = Enum(COLLAPSE, "auto", help="What to fold into one node.").tag(config=True)
    values = Enum(VALUES, "stats", help="How much of each tensor to keep.").tag(config=True)
    max_nodes = Int(2000, min=1, help="Keep this many ops of a cell at most.").tag(config=True)
    max_payload_kb = Int(256, min=16, help="Put this much into an output at most.").tag(config=True)
    keep = Int(20, min=1, help="Remember this many traces.").tag(config=True)
    checks = List(Unicode(), ["all"], help="Codes of the findings to look for, or all, or none.").tag(config=True)
    muted = List(Unicode(), help="Codes of the findings to keep silent about.").tag(config=True)
    animate = Bool(True, help="Move things; off, steps jump.").tag(config=True)
    static = Bool(False, help="Show a picture only: no widget, no player.").tag(config=True)
    theme = Enum(("auto", "light", "dark"), "auto", help="Colours of the view.").tag(config=True)
    short_errors = Bool(True, help="Leave this package's own frames out of tracebacks.").tag(config=True)
    save_state = Bool(False, help="Let the notebook's file keep the live widget too.").tag(config=True)

    def __init__(self, shell: Any) -> None:
        super().__init__(shell, parent=shell)  # the parent brings the configuration
        self._namespace: dict[str, Any] = shell.user_ns
        self._parser: MagicArgumentParser = vars(AutogradMagics.autograd)["parser"]
        self.reports = Reports(self)
        self.cells = Cells(self)
        self.lengthen_errors = shorten(shell, lambda: self.short_errors)

    @validate("checks", "muted")
    def _known_codes(self, proposal: Any) -> list[str]:
        try:
            return list(arguments.codes(" ".join(proposal["value"])))
        except ArgumentTypeError as error:
            raise TraitError(str(error)) from None

    @observe("keep")
    def _keep_changed(self, change: Any) -> None:
        self.reports.keep_only(change["new"])

    def options(self, line: str) -> Namespace:
        """The options on the line of a `%%autograd`; UsageError where one makes no sense."""
        return self._filled(arguments.parse(self._parser, line))

    def _filled(self, options: Namespace) -> Namespace:
        for name in ("view", "collapse", "values", "max_nodes"):
            if getattr(options, name) is None:
                setattr(options, name, getattr(self, name))
        options.check = options.check or tuple(self.checks)
        options.mute = (*(options.mute or ()), *self.muted)
        options.animate = self.animate and not options.no_animate
        options.static = self.static or options.static
        return options

    @no_var_expand
    @magic_arguments()
    @argument_group("result")
    @argument("-o", dest="out", metavar="NAME", type=arguments.variable, help="Store the trace under this name too.")
    @argument("-q", "--quiet", action="store_true", help="Show nothing.")
    @argument("--label", metavar="TEXT", help="What to call the cell, in place of In [n].")
    @argument(
        "--save", metavar="FILE", type=arguments.saved_form, help="Write the trace to a file: .svg, .html or .json."
    )
    @argument_group("view")
    @argument("--view", choices=VIEWS, help="What to show first.")
    @argument("--collapse", choices=COLLAPSE, help="What to fold into one node.")
    @argument("--values", choices=VALUES, help="How much of each tensor to keep.")
    @argument("--max-nodes", metavar="N", type=arguments.positive, help="Keep this many ops at most.")
    @argument("--height", metavar="PX", type=arguments.positive, help="Height of the view.")
    @argument("--static", action="store_true", help="Show a picture only.")
    @argument_group("backward")
    @argument("--play", action="store_true", help="Start playing at once.")
    @argument("--step", action="store_true", help="Start on the first step of the backward pass.")
    @argument("--no-animate", action="store_true", help="Let steps jump.")
    @argument_group("checks")
    @argument("--check", metavar="CODES", type=arguments.codes, help="Look for these findings only: all, none, NB101 …")
    @argument("--mute", metavar="CODES", type=arguments.codes, help="Keep silent about these findings.")
    @argument(
        "--grad-accum", metavar="K", type=arguments.positive, help="K backward passes are added up here on purpose."
    )
    @argument(
        "--anomaly", action="store_true", help="Stop at the first gradient that is NaN, and say where it came from."
    )
    @argument_group("watch")
    @argument("--watch", metavar="NAMES", type=arguments.names, help="Say how these tensors and their .grad change.")
    @line_cell_magic
    @output_can_be_silenced
    def autograd(self, line: str = "", cell: str | None = None) -> Any:
        """Show the graph that this cell builds, and play its backward pass.

        `%%autograd` on the first line of a cell traces the cell. `%autograd EXPRESSION` traces one expression;
        `%autograd on` traces every cell from here on, `off` stops that, `status` tells what is known and `clear`
        forgets it. The last trace is always in `_autograd`.
        """
        __tracebackhide__ = True
        if cell is not None:
            return self.cells.run(cell, self.options(line))
        if line.strip() in WORDS:
            return self._command(line.strip())
        options, code = arguments.split_off(self._parser, line)
        if not code:
            raise UsageError("%autograd: what to trace? Write an expression after the options.")
        return self.cells.run(code, self._filled(options))

    def _command(self, word: str) -> None:
        if word in ("on", "off"):
            self.auto = word == "on"
            print("Every cell is traced from here on." if self.auto else "Only %%autograd cells are traced.")
        elif word == "clear":
            self.reports.clear()
            self.cells.clear()
            print("Traces, views and the gradients' history are forgotten; tensors and their .grad are as they were.")
        else:
            print(self.reports.status())

    @line_magic
    def grads(self, line: str) -> None:
        """Show what each `.grad` is made of: which cell and which run brought what.

        `%grads` for every leaf that a variable names, `%grads w b` for these.
        """
        print(gradients.table(self._leaves(line)))

    @line_magic
    def zerograd(self, line: str) -> None:
        """Clear `.grad`: of every leaf and module that a variable names, or with `%zerograd w b` of these."""
        print(gradients.clear(self._leaves(line)))

    @no_var_expand
    @line_magic
    def gradcheck(self, line: str) -> None:
        """Compare the gradients of an expression with finite differences: `%gradcheck (x * w).sum()`.

        Every leaf that the expression names is varied, in float64.
        """
        if not line.strip():
            raise UsageError("%gradcheck: of what? Write an expression, such as %gradcheck (x * w).sum()")
        print(gradients.check(line, self._namespace))

    @line_magic
    def explain(self, line: str) -> None:
        """Explain findings at length: `%explain NB101`, or `%explain` for those of the last trace."""
        try:
            print(self.reports.explain(arguments.codes(line.strip())))
        except ArgumentTypeError as error:
            raise UsageError(f"%explain: {error}") from None

    def _leaves(self, line: str) -> gradients.Leaves:
        return gradients.leaves(self._namespace, arguments.names(line))
