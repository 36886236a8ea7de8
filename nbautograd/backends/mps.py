"""torch.backends.mps: Apple's GPUs, which nbautograd does not compute on."""


def is_available() -> bool:
    """False: NumPy and CuPy do not compute there."""
    return False


is_built = is_available
