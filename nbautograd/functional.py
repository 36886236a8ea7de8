"""torch.functional: those of torch's functions that stand under this path too."""

from __future__ import annotations

from nbautograd.core.public import FUNCTIONS

NAMES = """
    atleast_1d atleast_2d atleast_3d block_diag broadcast_shapes broadcast_tensors cartesian_prod cdist chain_matmul
    einsum istft lu meshgrid norm pca_lowrank split stft svd_lowrank tensordot unique unique_consecutive unravel_index
"""

globals().update({name: FUNCTIONS[name] for name in NAMES.split()})
