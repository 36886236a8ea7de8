"""Reductions: many elements become one, over everything or over some dimensions."""
