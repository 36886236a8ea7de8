"""Pooling: every window of an input reduced to one number."""
