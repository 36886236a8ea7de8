"""Copies, casts, moves between devices, filling in place, and what a tensor is and where it lies."""
