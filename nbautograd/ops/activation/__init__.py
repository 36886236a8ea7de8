"""Activation functions, softmax, and dropout."""

from __future__ import annotations
