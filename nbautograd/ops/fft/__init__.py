"""Fourier transforms: of whole signals, of their windows, and back."""

from __future__ import annotations
