"""torch.backends.openmp: threads inside ops."""


def is_available() -> bool:
    """False: NumPy's ops run in one thread, except for what its BLAS does."""
    return False
