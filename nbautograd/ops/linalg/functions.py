"""Functions of matrices: their exponential, their powers, chains of products, and tensors read as matrices."""

from __future__ import annotations

from typing import Any

from nbautograd.core.call import wrap
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.linalg import kernels
from nbautograd.ops.linalg.parts import identity_like, turned
from nbautograd.ops.linalg.products import matmul
from nbautograd.ops.linalg.refusals import check_matrices
from nbautograd.ops.linalg.solve import SQUARE, inv, solve
from nbautograd.ops.samples import Make, cases


def _small(make: Make) -> Any:
    for shape in (*SQUARE, *SQUARE):
        yield (make(*shape),)


class MatrixExp(Op):
    """The exponential function of a matrix.

    Math: out = Σₖ xᵏ / k!; ∂ℒ/∂x is the upper right block of exp [[xᵀ, g], [0, xᵀ]]
    Source: Mathias: A chain rule for matrix functions and applications (1996), theorem 2.1
    """

    node_name = "LinalgMatrixExpBackward0"
    samples = cases(_small, name="")  # torch overflows in half precision

    def forward(x):
        return kernels.expm(x)

    def dx(g, x):
        n = x.shape[-1]
        back = turned(x)
        upper = xp.concatenate([back, g], axis=-1)
        lower = xp.concatenate([xp.zeros_like(back), back], axis=-1)
        return xp.matrix_exp(xp.concatenate([upper, lower], axis=-2))[..., :n, n:]


# --- torch's signatures -------------------------------------------------------------------------------------------


def matrix_exp(A):
    """The exponential function of a matrix: Σₖ Aᵏ / k!"""
    check_matrices("linalg.matrix_exp", A, half=True)
    return MatrixExp.call(A)


def matrix_power(A, n: int):
    """The product of `n` copies of a matrix; of its inverse for a negative `n`."""
    check_matrices("linalg.matrix_power", A, dtype=n < 0)
    if n == 0:
        return wrap(identity_like(A._data))
    base, n = (inv(A), -n) if n < 0 else (A, n)
    found: Any = None
    while n:
        if n & 1:
            found = base if found is None else matmul(found, base)
        n >>= 1
        base = matmul(base, base) if n else base
    return found if found is not A else A.clone()


@public("matrix_exp")
def top_matrix_exp(input):
    """See `torch.linalg.matrix_exp`."""
    return matrix_exp(input)


@public("matrix_power")
def top_matrix_power(input, n: int):
    """See `torch.linalg.matrix_power`."""
    return matrix_power(input, n)


def multi_dot(tensors: Any):
    """The product of several matrices, in the order of multiplications that takes the fewest steps."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    first = tensors[0].unsqueeze(0) if row else tensors[0]
    last = tensors[-1].unsqueeze(-1) if column else tensors[-1]
    chain = [first, *tensors[1:-1], last]
    for i, x in enumerate(chain):
        if x.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {x.ndim}D")
    product = _in_order(chain, _best_splits([x.shape[0] for x in chain] + [chain[-1].shape[1]]), 0, len(chain) - 1)
    if column:
        product = product.squeeze(-1)
    return product.squeeze(0) if row else product


def _best_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to split each part of a chain of matrices, so that the fewest numbers are multiplied."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            options = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i, j], split[i, j] = min(options)
    return split


def _in_order(chain: list[Tensor], split: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return chain[i]
    k = split[i, j]
    return matmul(_in_order(chain, split, i, k), _in_order(chain, split, k + 1, j))


@public(method=False)
def chain_matmul(*matrices):
    """See `torch.linalg.multi_dot`."""
    return matrices[0] if len(matrices) == 1 else multi_dot(matrices)


def tensorinv(A, ind: int = 2):
    """The inverse with respect to `tensordot` over the first `ind` dimensions.

    Raises: RuntimeError when the sizes before and behind `ind` do not multiply to the same number.
    """
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind'")
    front, back = A.shape[:ind], A.shape[ind:]
    rows, columns = _count(front), _count(back)
    if rows != columns:
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
            f"{columns} != {rows}"
        )
    return inv(A.reshape(rows, columns)).reshape(*back, *front)


def tensorsolve(A, B, dims: Any = None):
    """The solution X of tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    x = A if dims is None else A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    unknown = x.shape[B.ndim :]
    rows, columns = _count(B.shape), _count(unknown)
    if rows != columns or rows * columns != x.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {columns} != {_count(x.shape[: B.ndim])}"
        )
    return solve(x.reshape(rows, columns), B.reshape(rows)).reshape(*unknown)


def _count(shape: Any) -> int:
    count = 1
    for n in shape:
        count *= n
    return count
