"""What happened in a piece of code: the schema, the recorder that fills it, and `nb.trace()`.

`nbautograd.trace` is this package and a function too: `with nb.trace() as t:` records a block, and
`torch.trace(matrix)`
is the sum of the diagonal, as in torch.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args and hasattr(args[0], "_node"):
            return args[0].trace()
        from nbautograd.trace import session

        return session.trace(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableModule
