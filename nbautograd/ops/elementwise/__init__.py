"""Functions of single elements: arithmetic, elementary functions, comparison, choice."""

from __future__ import annotations
