"""torch.backends: switches of the libraries below torch. NumPy and CuPy have few; the rest is remembered."""

from __future__ import annotations

from nbautograd.core.absent import refuse_in

from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__getattr__ = refuse_in("backends")

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
