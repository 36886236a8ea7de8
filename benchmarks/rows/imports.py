"""How long a fresh Python takes to import the library. By hand one imports NumPy alone."""

import os
import subprocess
import sys

from benchmarks.row import AtMost, Row, Side

row = Row("import", (AtMost(1.0, "NumPy", plus_ms=60),))


@row.of("nbautograd", "torch", "mygrad", "HIPS autograd", "micrograd", "JAX", "tinygrad", "NumPy")
def fresh_process(library):
    command = [sys.executable, "-c", f"import {library.__name__}"]
    # An installed library's modules are compiled once and kept; so are the others' here.
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return Side(lambda: subprocess.run(command, check=True, env=compiled), list)


ROWS = [row]
