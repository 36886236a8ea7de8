"""The rows of the table, in its order. A new row: a file here with a list `ROWS`, and its name below."""

from . import cnn, cuda, euler, imports, large, memory, mlp, ops, recorded, scalars, second, sequences, threads

MODULES = (ops, scalars, mlp, cnn, sequences, large, second, euler, imports, memory, threads, recorded)
ROWS = [row for module in MODULES for row in module.ROWS]
EVERY = [*ROWS, *cuda.ROWS]
