"""Complex numbers in both modes, and in one inside the other, beside PyTorch's."""

import pytest

from .both import check

pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit:DeprecationWarning", "ignore:Casting complex values:UserWarning"
)

Z = [1 + 2j, -0.5 + 0.3j, 0.7 - 1j]
V = [0.3 - 1j, 1 + 0.5j, -0.2 + 0.4j]

FUNCTIONS = {
    "square": lambda lib, z: z * z,
    "conjugate": lambda lib, z: z.exp() * z.conj(),
    "abs": lambda lib, z: z.abs() * z,
    "real and imaginary parts": lambda lib, z: z.real * 2 + z.imag**2,
    "matrices": lambda lib, z: lib.torch.outer(z, z.conj()) @ z,
    "angle": lambda lib, z: z.angle(),
    "quotient": lambda lib, z: z**3 / (z + 2),
    "built of parts": lambda lib, z: lib.torch.complex(z.real, z.imag * 2) * z,
    "indices": lambda lib, z: z[[0, 2]] * z[1],
    "as pairs": lambda lib, z: lib.torch.view_as_real(z * z),
    "in place": lambda lib, z: z.clone().mul_(z.conj()).add_(1j),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_complex_functions_have_pytorchs_derivatives(function):
    def program(lib):
        z, v = lib.torch.tensor(Z, dtype=lib.torch.complex128), lib.torch.tensor(V, dtype=lib.torch.complex128)

        def f(z):
            return function(lib, z)

        def loss(z):
            return (f(z).abs() ** 2).sum()

        return (
            lib.func.jvp(f, (z,), (v,)),
            lib.func.grad(loss)(z),
            lib.func.jvp(lib.func.grad(loss), (z,), (v,))[1],
            lib.func.grad(lambda z: (lib.func.jvp(f, (z,), (v,))[1].abs() ** 2).sum())(z),
        )

    check(program)
