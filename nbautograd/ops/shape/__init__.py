"""Shapes: views of the same numbers in another arrangement, and functions that join, repeat and reorder."""
