"""The textbook: every differentiable function with its gradient rules, by theme."""

import importlib
import os
from collections.abc import Iterator

from nbautograd.core.public import FUNCTIONS
from nbautograd.ops.arguments import with_out


def _modules() -> Iterator[str]:
    """The files below this one; `pkgutil` would tell the same, in ten times the time."""
    root = os.path.dirname(__file__)
    for folder, _, files in os.walk(root):
        package = __name__ + folder.removeprefix(root).replace(os.sep, ".")
        yield from (f"{package}.{file[:-3]}" for file in files if file.endswith(".py") and file != "__init__.py")


for _module in sorted(_modules()):
    importlib.import_module(_module)

_OUT = (
    "bucketize cholesky cholesky_inverse cholesky_solve complex diag dstack float_power geqrf histc histogram hstack "
    "inner kron logit logspace lu_solve lu_unpack masked_select matrix_power multinomial mvlgamma nonzero ormqr polar "
    "polygamma range row_stack searchsorted svd take triangular_solve tril triu vdot vstack xlogy"
)
"""Functions without a `dim` that take `out=`."""
with_out(FUNCTIONS, _OUT.split())

importlib.import_module(f"{__name__}.real_only").refuse_other_numbers()
