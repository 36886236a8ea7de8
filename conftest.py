"""What tests and doctests share."""

import importlib.util
import os

# Kernels begin when a test says so, not when much was computed before it.
os.environ["NBAUTOGRAD_FAST"] = "0"

collect_ignore = [] if importlib.util.find_spec("numba") else ["nbautograd/fast/kernels"]
