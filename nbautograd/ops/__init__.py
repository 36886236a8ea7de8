"""The textbook: every differentiable function with its gradient rules, by theme."""

from . import arithmetic as arithmetic
from . import create as create
from . import elementwise as elementwise
