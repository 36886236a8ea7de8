"""The kernels: the only modules that import numba."""
