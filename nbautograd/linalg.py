"""torch.linalg: products, equations, decompositions and norms of vectors and matrices."""

from __future__ import annotations

from nbautograd.core.absent import refuse_in
from nbautograd.core.public import FUNCTIONS as _FUNCTIONS
from nbautograd.ops.arguments import with_out as _with_out
from nbautograd.ops.linalg.cholesky import cholesky as cholesky
from nbautograd.ops.linalg.cholesky import cholesky_ex as cholesky_ex
from nbautograd.ops.linalg.determinant import det as det
from nbautograd.ops.linalg.determinant import slogdet as slogdet
from nbautograd.ops.linalg.functions import matrix_exp as matrix_exp
from nbautograd.ops.linalg.functions import matrix_power as matrix_power
from nbautograd.ops.linalg.functions import multi_dot as multi_dot
from nbautograd.ops.linalg.functions import tensorinv as tensorinv
from nbautograd.ops.linalg.functions import tensorsolve as tensorsolve
from nbautograd.ops.linalg.ldl import ldl_factor as ldl_factor
from nbautograd.ops.linalg.ldl import ldl_factor_ex as ldl_factor_ex
from nbautograd.ops.linalg.ldl import ldl_solve as ldl_solve
from nbautograd.ops.linalg.least_squares import lstsq as lstsq
from nbautograd.ops.linalg.least_squares import pinv as pinv
from nbautograd.ops.linalg.norms import cond as cond
from nbautograd.ops.linalg.norms import matrix_norm as matrix_norm
from nbautograd.ops.linalg.norms import matrix_rank as matrix_rank
from nbautograd.ops.linalg.norms import norm as norm
from nbautograd.ops.linalg.reflectors import householder_product as householder_product
from nbautograd.ops.linalg.refusals import LinAlgError as LinAlgError
from nbautograd.ops.linalg.solve import inv as inv
from nbautograd.ops.linalg.solve import inv_ex as inv_ex
from nbautograd.ops.linalg.solve import solve as solve
from nbautograd.ops.linalg.solve import solve_ex as solve_ex
from nbautograd.ops.linalg.solve import solve_triangular as solve_triangular
from nbautograd.ops.linalg.spectrum import eig as eig
from nbautograd.ops.linalg.spectrum import eigh as eigh
from nbautograd.ops.linalg.spectrum import eigvals as eigvals
from nbautograd.ops.linalg.spectrum import eigvalsh as eigvalsh
from nbautograd.ops.linalg.spectrum import svd as svd
from nbautograd.ops.linalg.spectrum import svdvals as svdvals
from nbautograd.ops.linalg.triangles import lu as lu
from nbautograd.ops.linalg.triangles import lu_factor as lu_factor
from nbautograd.ops.linalg.triangles import lu_factor_ex as lu_factor_ex
from nbautograd.ops.linalg.triangles import lu_solve as lu_solve
from nbautograd.ops.linalg.triangles import qr as qr
from nbautograd.ops.linalg.vectors import cross as cross
from nbautograd.ops.linalg.vectors import vander as vander
from nbautograd.ops.linalg.vectors import vecdot as vecdot
from nbautograd.ops.reduce.norms import vector_norm as vector_norm

matmul = _FUNCTIONS["matmul"]


def diagonal(A, *, offset: int = 0, dim1: int = -2, dim2: int = -1):
    """The diagonals of matrices, as a view."""
    return _FUNCTIONS["diagonal"](A, offset, dim1, dim2)


__getattr__ = refuse_in("linalg")

_OUT = (
    "cholesky cholesky_ex cond cross det eig eigh eigvals eigvalsh householder_product inv inv_ex ldl_factor "
    "ldl_factor_ex ldl_solve lstsq lu lu_factor lu_factor_ex lu_solve matrix_exp matrix_norm matrix_power matrix_rank "
    "multi_dot norm pinv qr slogdet solve solve_ex solve_triangular svd svdvals tensorinv tensorsolve vander vecdot "
    "vector_norm"
)
"""The functions that take `out=`."""
_with_out(globals(), _OUT.split())
