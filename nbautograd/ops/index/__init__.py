"""Indexing: reading and writing parts of tensors."""
