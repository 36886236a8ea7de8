"""The rows of the table, in its order. A new row: a file here with a list `ROWS`, and its name below."""

from . import cnn, euler, imports, mlp, ops, scalars

ROWS = [row for module in (ops, scalars, mlp, cnn, euler, imports) for row in module.ROWS]
