"""Complex numbers beside PyTorch: functions of them, views of their parts, printing and errors."""

from __future__ import annotations

from typing import Any

import pytest

import nbautograd as nb
from nbautograd.ops.complex.points import points
from nbautograd.ops.samples import Make

from .beside import both, expressions, same_derivatives

pytestmark = pytest.mark.filterwarnings("ignore")

FUNCTIONS = {
    "parts": lambda t, x: [t.real(x * x), t.imag(x * x), x.real * x.imag],
    "pairs": lambda t, x: [t.view_as_real(x * 2), t.view_as_complex(t.view_as_real(x).clone() * 3)],
    "conjugates": lambda t, x: [x.conj() * x, t.conj_physical(x) * x, x.conj().resolve_conj() * 2],
    "adjoints": lambda t, x: [x.mH @ x, x.H * 2, x.adjoint() @ x],
    "sizes and angles": lambda t, x: [t.abs(x), t.angle(x), t.sgn(x), x.abs().square().sum()],
    "polar form": lambda t, x: [t.polar(x.abs(), x.angle()) * x, t.complex(x.real, x.imag**2)],
    "real functions": lambda t, x: [
        x.real.exp() * x,
        (x * x.conj()).real.sum(),
        x.norm(),
        x.norm(3),
        x.std(0),
        x.var(),
    ],
    "arithmetic": lambda t, x: [
        x * 2,
        1j * x,
        x + (1 - 2j),
        x / (1 + 1j),
        3 / x,
        x**2,
        x**-1,
        x**0.5,
        2**x,
        x - x.real,
    ],
    "mixed dtypes": lambda t, x: [x * x.real, x.real / x, x + x.imag, x @ x.mT, t.where(x.real > 0, x, x.conj())],
    "functions": lambda t, x: [f(x) for f in (t.exp, t.log, t.sin, t.cos, t.tan, t.tanh, t.sqrt, t.sigmoid, t.asinh)],
    "reductions": lambda t, x: [x.sum(), x.mean(0), x.prod(), x.prod(1), x.cumsum(0), x.cumprod(1), x.logsumexp(0)],
    "shapes": lambda t, x: [x.T, x.reshape(-1)[::2], t.cat([x, x.conj()]), x.flip(0), x.unsqueeze(0).expand(2, -1, -1)],
    "products": lambda t, x: [x @ x.mH, t.einsum("ij,kj->ik", x, x.conj()), t.kron(x, x), t.vdot(x[0], x[1])],
    "dot": lambda t, x: [t.dot(x[0], x[1]), t.outer(x[0], x[1]), t.linalg.vecdot(x, x * 2), t.mv(x, x[0])],
    "losses": lambda t, x: [t.nn.functional.l1_loss(x, x * 2), (x - 1).abs().mean()],
    "running sums of exponentials": lambda t, x: [t.logcumsumexp(x * 9, 1), t.logcumsumexp(x, 0)],
    "convolutions": lambda t, x: [
        t.nn.functional.conv1d(x.reshape(1, 3, 3), x.reshape(3, 1, 3), x[0], padding=1, groups=3),
        t.nn.functional.conv2d(x.reshape(1, 1, 3, 3), x.reshape(1, 1, 3, 3), padding="same"),
        t.nn.functional.conv_transpose2d(x.reshape(1, 1, 3, 3), x.reshape(1, 1, 3, 3), x[0, :1], stride=2),
        t.nn.functional.conv3d(x.reshape(1, 1, 1, 3, 3), x.reshape(1, 1, 1, 3, 3)[..., :2]),
    ],
    "to real": lambda t, x: [x.to(t.float64) * 2, x.to(t.complex64).abs()],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_complex_numbers_have_torchs_values_and_derivatives(name: str):
    same_derivatives(FUNCTIONS[name], points(Make(), 3, 3), rtol=1e-6)


def rows_written(t: Any, y: Any, x: Any) -> None:
    y[0] = y[1] * 2
    y[:, 0] += x[:, 1].conj()


def parts_written(t: Any, y: Any, x: Any) -> None:
    y.real.mul_(2)
    y.imag[1] = x.real[0]
    y.real.copy_(y.imag.clone())


def pairs_written(t: Any, y: Any, x: Any) -> None:
    t.view_as_real(y)[..., 0].add_(x.abs())
    y.mul_(x.real)


def views_written(t: Any, y: Any, x: Any) -> None:
    y.T[0].copy_(x[1])
    y.diagonal().mul_(1j)
    y.T.imag[2].zero_()


@pytest.mark.parametrize("write", [rows_written, parts_written, pairs_written, views_written])
def test_complex_numbers_are_written_through_views_as_in_torch(write: Any):
    def written(t: Any, x: Any) -> list[Any]:
        y = x * x
        write(t, y, x)
        return [y * y]

    same_derivatives(written, points(Make(), 3, 3), rtol=1e-6)


def test_complex_numbers_are_made_of_broadcast_parts():
    make = Make()
    same_derivatives(lambda t, x, y: [t.complex(x, y), t.polar(x, y)], make(3, 1, low=0.5), make(2))


@pytest.mark.parametrize("library", ["nbautograd", "torch"])
def test_writing_to_a_part_changes_the_complex_number_and_its_history(library: str):
    t = pytest.importorskip(library)
    x = t.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    y = x * 2
    y.real.mul_(3)
    y.imag[0] = 5
    t.view_as_real(y)[1, 1] = 7
    assert y.tolist() == [6 + 5j, 18 + 7j]
    (y * (1 + 1j)).real.sum().backward()
    assert x.grad.tolist() == [6, 6]
    z = t.tensor([1 + 2j])
    z.real = t.tensor([4.0])
    z.imag = t.tensor([5.0])
    assert z.tolist() == [4 + 5j]
    pairs = t.zeros(2, 2)
    t.view_as_complex(pairs)[0] = 1 + 2j
    assert pairs.tolist() == [[1, 2], [0, 0]]


@pytest.mark.parametrize("library", ["nbautograd", "torch"])
def test_the_gradient_of_a_real_leaf_is_real(library: str):
    t = pytest.importorskip(library)
    x = t.tensor([1.0, 2.0], requires_grad=True)
    z = (x * (1 + 2j)).abs().sum() + t.fft.fft(x).abs().sum()
    z.backward()
    assert x.grad.dtype == t.float32


@expressions("""
    torch.complex(torch.ones(2), torch.ones(2))
    torch.complex(torch.ones(2), torch.ones(2).double())
    torch.complex(torch.arange(2), torch.arange(2))
    torch.complex(torch.ones(2), torch.ones(3))
    torch.polar(torch.ones(2), torch.ones(2))
    torch.view_as_real(torch.ones(2))
    torch.view_as_real(torch.tensor([1 + 2j], requires_grad=True))
    torch.view_as_complex(torch.ones(2, 2))
    torch.view_as_complex(torch.ones(2, 3))
    torch.view_as_complex(torch.ones(2, 2, dtype=torch.int64))
    torch.view_as_complex(torch.tensor(1.))
    torch.view_as_complex(torch.ones(2, 4)[:, ::2])
    torch.real(torch.ones(2))
    torch.imag(torch.ones(2))
    torch.ones(2).imag
    torch.tensor([1 + 2j], requires_grad=True).imag
    torch.tensor([1 + 2j], requires_grad=True).real
    torch.conj(torch.ones(2))
    torch.tensor([1 + 2j], requires_grad=True).conj()
    torch.conj_physical(torch.tensor([1 + 2j], requires_grad=True))
    torch.angle(torch.tensor([1., -1., 0., nan]))
    torch.angle(torch.arange(2))
    torch.angle(torch.tensor([1 + 2j], requires_grad=True))
    torch.sgn(torch.tensor([3 + 4j, 0j], requires_grad=True))
    torch.sign(torch.tensor([3 + 4j]))
    torch.tensor([1 + 2j]).H
    torch.tensor([1 + 2j]).mH
    torch.ones(2, 2, 2).H
    torch.ones(2).adjoint()
    torch.ones(2, 2, dtype=torch.cfloat).mH.shape
    torch.tensor([1 + 2j, 3j], requires_grad=True).sum().backward()
    torch.tensor(1 + 2j, requires_grad=True).backward()
    torch.tensor([1 + 2j]) > torch.tensor([1 + 2j])
    torch.tensor([1 + 2j]) == torch.tensor([1 + 2j])
    torch.tensor([1 + 2j]).max()
    torch.tensor([1 + 2j]).max(0)
    torch.tensor([1 + 2j]).sort()
    torch.maximum(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))
    torch.relu(torch.tensor([1 + 2j]))
    torch.tensor([1 + 2j]).clamp(0, 1)
    torch.erf(torch.tensor([1 + 2j]))
    torch.atan2(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))
    torch.tensor([1 + 2j]).median()
    F.mse_loss(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))
    F.gelu(torch.tensor([1 + 2j]))
    torch.isreal(torch.tensor([1 + 2j, 1 + 0j]))
    torch.is_complex(torch.tensor([1 + 2j]))
    torch.tensor([1 + 2j]).is_conj()
    torch.tensor([1 + 2j])
    torch.tensor(1 + 2j, dtype=torch.complex128)
    torch.tensor([1.5 + 2.25j, -1e3 + 1e-3j])
    torch.tensor([complex(nan, 1), complex(inf, -inf)])
    torch.tensor([[1e8 + 1j, 2j], [3, 4 - 1j]])
    torch.zeros(2, 0, dtype=torch.cfloat)
    torch.tensor([1j] * 3, requires_grad=True)
    torch.tensor([1 - 0j, -1j]) * 2
    torch.tensor(1 + 2j).item()
    complex(torch.tensor(1 + 2j))
    float(torch.tensor(1 + 2j))
    float(torch.tensor(1 + 0j))
    int(torch.tensor(1 + 2j))
    torch.tensor([3 + 4j]).abs_()
    torch.tensor([-3.0]).abs_()
    torch.dot(torch.tensor([1j]), torch.tensor([1.]))
    torch.tensor([3 + 4j]).sgn_()
    torch.tensor([3 + 4j]).conj_physical_()
    torch.tensor([3.]).mul_(1j)
    torch.tensor([3.]).masked_fill(torch.tensor([True]), 1j)
    torch.arange(2000) * (1 + 1j)
    torch.linalg.inv(torch.tensor([[1j, 2], [3, 4]]))
    torch.linalg.slogdet(torch.tensor([[2j, 0], [0, 2]]))
    torch.linalg.cholesky(torch.tensor([[2, 1j], [-1j, 2]]))
    torch.linalg.eigvalsh(torch.tensor([[2, 1j], [-1j, 2]]))
    torch.cat([torch.tensor([1j]), torch.tensor([1.])])
    torch.ones(2) * 1j
    torch.ones(2, dtype=torch.float64) * 1j
    torch.arange(2) * 1j
    torch.tensor([1 + 2j]) * torch.ones(1, dtype=torch.float64)
    torch.tensor([1 + 2j]).type()
    torch.tensor([1 + 2j]).abs().dtype
    torch.randn(2, dtype=torch.cfloat).dtype
    torch.allclose(torch.tensor([1 + 2j]), torch.tensor([1 + 2j]))
    torch.logical_not(torch.tensor([0j, 1j]))
""")
def test_complex_numbers_print_and_fail_as_in_torch(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs


def test_gradcheck_takes_complex_numbers():
    gradcheck = nb.autograd.gradcheck
    x = nb.from_numpy(points(Make(), 2, 3)).requires_grad_()
    assert gradcheck(lambda x: (x * x).exp(), (x,))
    assert gradcheck(lambda x: x.abs() * 2, (x,))
    assert gradcheck(lambda x: nb.fft.fft(x).real.sum(), (x,))
    y = nb.tensor([0.5, 1.5], dtype=nb.float64, requires_grad=True)
    assert gradcheck(lambda y: nb.polar(y, y * 2), (y,))
    assert nb.autograd.gradgradcheck(lambda x: x * x * x.conj(), (x,))
