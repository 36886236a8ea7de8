"""The rows of the table, in its order. A new row: a file here with a list `ROWS`, and its name below."""

from . import cnn, euler, imports, large, mlp, ops, scalars, second, sequences

ROWS = [row for module in (ops, scalars, mlp, cnn, sequences, large, second, euler, imports) for row in module.ROWS]
