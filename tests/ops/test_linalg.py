"""Linear algebra beside PyTorch: functions of decompositions that do not depend on the vectors' signs, and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.ops.linalg.cholesky import positive
from nbautograd.ops.linalg.solve import invertible
from nbautograd.ops.linalg.triangles import oblong
from nbautograd.ops.samples import Make

from .beside import same_derivatives

pytestmark = pytest.mark.filterwarnings("ignore:torch")


def complex_matrices(make: Make, *shape: int) -> Any:
    return invertible(make, *shape) + 1j * make(*shape)


def hermitian(make: Make, *shape: int) -> Any:
    x = complex_matrices(make, *shape)
    return x @ np.swapaxes(x, -1, -2).conj() + np.diag(np.arange(shape[-1]))


def sides(u: Any, s: Any, vh: Any) -> Any:
    """What decompositions give, without the freedom of signs: projections on each direction, and the values."""
    return s, u.abs().square(), vh.abs().square(), (u * s.unsqueeze(-2).exp().to(u.dtype)) @ vh


def rebuilt(values: Any, vectors: Any) -> Any:
    """A function of a matrix, from its eigenvalues and eigenvectors."""
    return (vectors * values.exp().unsqueeze(-2).to(vectors.dtype)) @ vectors.mH


SQUARE_FUNCTIONS = {
    "eigh": lambda t, a: [t.linalg.eigh(a @ a.mH)[0], t.linalg.eigh(a + a.mH)[1].abs()],
    "eigh rebuilt": lambda t, a: [rebuilt(*t.linalg.eigh(a + a.mH))],
    "eigvalsh": lambda t, a: [t.linalg.eigvalsh(a + a.mH, UPLO="U")],
    "eig": lambda t, a: [t.linalg.eig(a)[0].abs().sort()[0]],
    "eig vectors": lambda t, a: [t.linalg.eig(a)[1].abs().square().sum(-1)],
    "eigvals": lambda t, a: [t.linalg.eigvals(a).prod(-1), t.linalg.eigvals(a).exp().sum(-1)],
    "svd": lambda t, a: sides(*t.linalg.svd(a)),
    "svdvals": lambda t, a: [t.linalg.svdvals(a)],
    "torch.svd": lambda t, a: [t.svd(a)[1], t.svd(a)[0].abs(), t.svd(a)[2].abs()],
    "qr": lambda t, a: t.linalg.qr(a),
    "lu": lambda t, a: t.linalg.lu(a)[1:],
    "lu without exchange": lambda t, a: [t.linalg.lu_solve(*t.linalg.lu_factor(a), a @ a)],
    "lu_solve": lambda t, a: [t.linalg.lu_solve(*t.linalg.lu_factor(a), a @ a, left=False, adjoint=True)],
    "torch.lu_solve": lambda t, a: [t.lu_solve(a.mT, *t.linalg.lu_factor(a))],
    "cholesky_solve": lambda t, a: [t.cholesky_solve(a, t.linalg.cholesky(a @ a.mH))],
    "cholesky_inverse": lambda t, a: [t.cholesky_inverse(t.linalg.cholesky(a @ a.mH, upper=True), upper=True)],
    "inv": lambda t, a: [t.linalg.inv(a), t.linalg.inv_ex(a).inverse],
    "solve": lambda t, a: [t.linalg.solve(a, a.mT), t.linalg.solve(a, a.mT, left=False)],
    "solve_ex": lambda t, a: [t.linalg.solve_ex(a, a[..., :1])[0]],
    "solve_triangular": lambda t, a: [t.linalg.solve_triangular(a, a.mT, upper=True, left=False)],
    "det": lambda t, a: [t.linalg.det(a)],
    "slogdet": lambda t, a: [t.linalg.slogdet(a)[1]],
    "logdet": lambda t, a: [t.logdet(a @ a.mH)],
    "pinv": lambda t, a: [t.linalg.pinv(a), t.pinverse(a)],
    "pinv hermitian": lambda t, a: [t.linalg.pinv(a + a.mH, hermitian=True)],
    "lstsq": lambda t, a: [t.linalg.lstsq(a, a.mT).solution],
    "matrix_exp": lambda t, a: [t.linalg.matrix_exp(a)],
    "matrix_power": lambda t, a: [t.linalg.matrix_power(a, n) for n in (3, 1, -2, 6)],
    "norms": lambda t, a: [t.linalg.matrix_norm(a, o) for o in ("nuc", "fro", 2, -2, 1, -1, np.inf, -np.inf)],
    "norm": lambda t, a: [t.linalg.norm(a), t.linalg.norm(a, 2, (-1, -2), True), t.linalg.norm(a, 3, 0)],
    "cond": lambda t, a: [t.linalg.cond(a, p) for p in (None, 2, -2)],
    "vecdot": lambda t, a: [t.linalg.vecdot(a, a.mT), t.linalg.vecdot(a, a.mT, dim=0)],
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1)], ids=str)
@pytest.mark.parametrize("name", SQUARE_FUNCTIONS)
def test_functions_of_square_matrices_have_torchs_values_and_derivatives(name: str, shape: Any, kind: str):
    make = Make()
    a = invertible(make, *shape) if kind == "real" else complex_matrices(make, *shape)
    same_derivatives(SQUARE_FUNCTIONS[name], a)


OBLONG_FUNCTIONS = {
    "svd": lambda t, a: sides(*t.linalg.svd(a, full_matrices=False)),
    "svd of all": lambda t, a: [t.linalg.svd(a)[1], t.linalg.svd(a)[0][..., :1].abs()],
    "svdvals": lambda t, a: [t.linalg.svdvals(a)],
    "qr": lambda t, a: t.linalg.qr(a),
    "lu": lambda t, a: t.linalg.lu(a)[1:],
    "pinv": lambda t, a: [t.linalg.pinv(a)],
    "nuclear norm": lambda t, a: [t.linalg.matrix_norm(a, "nuc"), t.linalg.matrix_norm(a, 2)],
    "lstsq": lambda t, a: [t.linalg.lstsq(a, a).solution],
    "lstsq of vectors": lambda t, a: [t.linalg.lstsq(a, a[..., 0:1] * 2 + 1, driver="gelsd").solution],
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 4), (2, 4, 3), (2, 2, 3)], ids=str)
@pytest.mark.parametrize("name", OBLONG_FUNCTIONS)
def test_functions_of_oblong_matrices_have_torchs_values_and_derivatives(name: str, shape: Any, kind: str):
    make = Make()
    a = oblong(make, *shape)
    same_derivatives(OBLONG_FUNCTIONS[name], a if kind == "real" else a + 1j * make(*shape))


SEVERAL = {
    "multi_dot": lambda t, a, b, c: [t.linalg.multi_dot([a, b, c]), t.chain_matmul(a, b, c)],
    "multi_dot of vectors": lambda t, a, b, c: [t.linalg.multi_dot([a[0], b, c, a[:, 0][:2]])],
    "residuals": lambda t, a, b, c: [t.linalg.lstsq(b.mT, c, driver="gels").residuals],
}


@pytest.mark.parametrize("name", SEVERAL)
def test_functions_of_several_matrices_have_torchs_values_and_derivatives(name: str):
    make = Make()
    same_derivatives(SEVERAL[name], make(3, 2), make(2, 4), make(4, 2))


@pytest.mark.parametrize(
    "shapes", [((2, 2), (2, 3)), ((3,), (2,)), ((2,), (2, 2)), ((), (2,)), ((2, 1, 2), (3,))], ids=str
)
def test_kronecker_products_have_torchs_values_and_derivatives(shapes: Any):
    make = Make()
    same_derivatives(lambda t, a, b: [t.kron(a, b)], *(make(*shape) for shape in shapes))


def test_a_tensor_is_inverted_as_the_matrix_of_its_first_and_last_dimensions():
    make = Make()
    a = invertible(make, 6, 6)
    same_derivatives(lambda t, x: [t.linalg.tensorinv(x.reshape(2, 3, 3, 2), ind=2)], a)
    same_derivatives(lambda t, x, b: [t.linalg.tensorsolve(x.reshape(2, 3, 6), b)], a, make(2, 3))
    same_derivatives(lambda t, x, b: [t.linalg.tensorsolve(x.reshape(2, 6, 3), b, dims=(1,))], a, make(2, 3))


def test_householder_products_have_torchs_values_and_derivatives():
    make = Make()
    same_derivatives(lambda t, a, tau: [t.linalg.householder_product(a, tau)], make(4, 3), make(2))
    same_derivatives(lambda t, a, tau: [t.linalg.householder_product(a, tau)], make(2, 3, 3), make(2, 3))
    same_derivatives(lambda t, a, tau, b: [t.ormqr(a, tau, b)], make(3, 3), make(3), make(3, 2))
    same_derivatives(lambda t, a, tau, b: [t.ormqr(a, tau, b, False, True)], make(3, 3), make(3), make(2, 3))


IN_PLACE = {
    "addmm_": lambda t, x, a, b: [(x * 2).addmm_(a, b), (x * 2).addmm_(a, b, beta=0.5, alpha=3)],
    "addmv_": lambda t, x, a, b: [(x[0] * 2).addmv_(a, b[0][:3], beta=2)],
    "addr_": lambda t, x, a, b: [(x * 2).addr_(a[0], b[0], alpha=2)],
    "baddbmm_": lambda t, x, a, b: [(x[None] * 2).baddbmm_(a[None], b[None], beta=2)],
    "addbmm_": lambda t, x, a, b: [(x * 2).addbmm_(a[None], b[None], beta=3)],
    "renorm_": lambda t, x, a, b: [(x * 2).renorm_(2, 0, 1.0)],
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_products_are_added_in_place_as_in_torch(name: str):
    make = Make()
    same_derivatives(IN_PLACE[name], make(3, 3), make(3, 3), make(3, 3))


def test_a_singular_matrix_has_the_gradient_of_its_determinant():
    import nbautograd as nb

    x = nb.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=nb.float64, requires_grad=True)
    (found,) = nb.autograd.grad(nb.linalg.det(x), x)
    np.testing.assert_allclose(found.numpy(), [[4, -2], [-2, 1]], atol=1e-12)


@pytest.mark.parametrize("name", ["eig", "svd", "eigh"])
def test_a_loss_that_depends_on_the_phase_of_complex_vectors_is_refused(name: str):
    import nbautograd as nb

    make = Make()
    x = nb.from_numpy(hermitian(make, 3, 3)).requires_grad_()
    vectors = {"eig": 1, "svd": 0, "eigh": 1}[name]
    with pytest.raises(RuntimeError, match="ill-defined"):
        (getattr(nb.linalg, name)(x)[vectors] * (1 + 2j)).real.sum().backward()


def test_positive_matrices_are_factored_without_reading_the_other_triangle():
    a = positive(Make(), 3, 3)
    same_derivatives(
        lambda t, x: [t.linalg.cholesky(x, upper=True).tril(), t.linalg.cholesky(x)], np.tril(a) + np.triu(a)
    )


def test_numbers_that_are_none_give_no_warnings():
    import nbautograd as nb

    x = nb.full((2, 2), np.inf)
    for function in (nb.linalg.det, nb.linalg.slogdet, nb.linalg.inv, nb.linalg.matrix_exp, nb.fft.fft, nb.fft.irfft):
        function(x)


def gaussian_process(t: Any, steps: int) -> list[float]:
    """The negative log-likelihoods of a Gaussian process while its kernel is fitted."""
    x = t.linspace(0, 4, 12, dtype=t.float64).unsqueeze(1)
    y = t.sin(2 * x[:, 0])
    logs = t.zeros(3, dtype=t.float64, requires_grad=True)
    optimizer = t.optim.Adam([logs], lr=0.1)
    losses: list[float] = []
    for _ in range(steps):
        scale, width, noise = logs.exp()
        k = scale * t.exp(-t.cdist(x, x).square() / (2 * width**2)) + (noise * 0.1 + 1e-6) * t.eye(12, dtype=t.float64)
        low = t.linalg.cholesky(k)
        whitened = t.linalg.solve_triangular(low, y.unsqueeze(1), upper=False)
        loss = 0.5 * whitened.square().sum() + low.diagonal().log().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def deconvolution(t: Any, steps: int) -> list[float]:
    """The losses while a filter is found that undoes another one, by gradients through Fourier transforms."""
    signal = t.sin(t.arange(32, dtype=t.float64)) + t.cos(3 * t.arange(32, dtype=t.float64))
    blurred = t.fft.irfft(t.fft.rfft(signal) * t.fft.rfft(t.tensor([0.5, 0.3, 0.2], dtype=t.float64), n=32), n=32)
    taps = t.zeros(8, dtype=t.float64, requires_grad=True)
    optimizer = t.optim.LBFGS([taps], lr=0.5)
    losses: list[float] = []

    def closure() -> Any:
        optimizer.zero_grad()
        restored = t.fft.irfft(t.fft.rfft(blurred) * t.fft.rfft(taps, n=32), n=32)
        loss = (restored - signal).square().mean() + 1e-3 * t.fft.rfft(taps).abs().sum()
        loss.backward()
        return loss

    for _ in range(steps):
        losses.append(float(optimizer.step(closure).item()))
    return losses


@pytest.mark.parametrize("program", [gaussian_process, deconvolution])
def test_programs_of_linear_algebra_take_torchs_course(program: Any):
    import nbautograd as nb

    torch = pytest.importorskip("torch")
    np.testing.assert_allclose(program(nb, 20), program(torch, 20), rtol=1e-6)


@pytest.mark.parametrize("pivots", [[0, 0], [3, 1], [1, -1], [-2, 1]])
def test_pivots_of_no_factorisation_are_refused(pivots: list[int]):
    with pytest.raises(RuntimeError, match="the pivots are none that"):
        nb.linalg.ldl_solve(nb.eye(2), nb.tensor(pivots, dtype=nb.int32), nb.ones(2, 1))
