"""Convolutions: a small window of weights that slides over an input, and everything made of its windows."""
