"""`repr` of tensors, beside PyTorch's."""

from __future__ import annotations

import pytest

from .beside import both, expressions


@expressions("""
    torch.tensor(3.0)
    torch.tensor(3)
    torch.tensor(True)
    torch.tensor(3.14159)
    torch.tensor(1e10)
    torch.tensor(1e-10)
    torch.tensor(123456.789)
    torch.tensor(nan)
    torch.tensor(-inf)
    torch.tensor(0.0)
    torch.tensor(-0.0)
    torch.tensor([])
    torch.tensor([], dtype=torch.int64)
    torch.zeros(2, 0, 3)
    torch.tensor([1.0, 2.5, -3.125])
    torch.tensor([1.0, 2.0])
    torch.tensor([1.0, nan, 2.5])
    torch.tensor([1.0, inf, 2.0])
    torch.tensor([nan, nan])
    torch.tensor([inf, -inf, nan])
    torch.tensor([1e-5, 1.0])
    torch.tensor([1e-8, 1.0, 1e8])
    torch.tensor([0.0001, 0.001])
    torch.tensor([1e-5, 2e-5])
    torch.tensor([1e5, 1.5])
    torch.tensor([100000.0, 1.0])
    torch.tensor([1e9, 1.0])
    torch.tensor([1234567.0, 0.5])
    torch.tensor([1e20, 1e21])
    torch.tensor([1.0, 10.0, 100.0])
    torch.tensor([[1.5, -2], [300, 4]])
    torch.tensor([[1, -2], [300, 4]])
    torch.tensor([[True, False], [False, True]])
    torch.arange(24).reshape(2, 3, 4)
    torch.arange(24.0).reshape(2, 3, 2, 2) / 7
    torch.arange(100)
    torch.arange(100.0)
    torch.arange(1000)
    torch.arange(1001)
    torch.arange(2000.0)
    torch.arange(5000.0).reshape(50, 100)
    torch.arange(3000).reshape(10, 10, 30)
    torch.arange(2048.0).reshape(2, 4, 4, 8, 8)
    torch.zeros(1001)
    torch.linspace(0, 1, 30)
    torch.linspace(-1000, 1000, 17)
    torch.tensor([1.0, 2.0], dtype=torch.float64)
    torch.tensor([1.0, 2.0], dtype=torch.float16)
    torch.tensor([65504.0, 0.1], dtype=torch.float16)
    torch.tensor([1, 2], dtype=torch.int32)
    torch.tensor([1, 2], dtype=torch.uint8)
    torch.tensor([1, 2], dtype=torch.int8)
    torch.tensor(2, dtype=torch.int16)
    torch.tensor([1 + 2j, 3 - 4j])
    torch.tensor(1.5 - 0.25j)
    torch.tensor([1.5 + 2j, -300 - 4j])
    torch.tensor([1j, 1e-6 + 1j])
    torch.tensor([1 + 2j], dtype=torch.complex128)
    torch.tensor([complex(nan, 1), complex(1, inf)])
    torch.tensor([1.0], requires_grad=True)
    torch.tensor(1.0, requires_grad=True) * 2
    (torch.ones(2, 3, requires_grad=True) * 2)
    torch.ones(2, 3, requires_grad=True).sum()
    torch.ones(30, requires_grad=True) / 3
    torch.ones(20, dtype=torch.float64, requires_grad=True) / 3
    torch.ones(2, 2).T
    torch.Size([2, 3])
    torch.ones(2, 3).shape
    torch.float32
    torch.zeros(3).dtype
    torch.device("cpu")
    torch.zeros(2).device
    str(torch.tensor([1.0, 2.0]))
    f"{torch.tensor(3.14159)}"
    f"{torch.tensor(3.14159):.2f}"
    f"{torch.tensor(7)}"
    f"{torch.tensor([1.0, 2.0])}"
    "%.3f" % torch.tensor(2.0)
    (torch.ones(3, requires_grad=True) * 2).grad_fn.name()
    torch.ones(2, requires_grad=True).clone()
    [torch.tensor(1.0), torch.tensor(2)]
    {"loss": torch.tensor(0.5)}
    torch.tensor([0.1 + 0.2], dtype=torch.float64)
    torch.tensor([16777216.0, 1.0])
    torch.tensor([9.99999e7, 0.5])
    torch.tensor([0.5, 1000.5])
    torch.tensor([0.5, 501.0])
    torch.tensor([-1.0, -0.0, 0.0])
    torch.rand(0)
    torch.eye(4) * 1e-4
    torch.tensor([[1e-4, 1.0], [0.0, 5.0]])
""")
def test_a_tensor_prints_as_in_torch(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"sci_mode": True},
        {"sci_mode": False},
        {"linewidth": 40},
        {"threshold": 5, "edgeitems": 2},
        {"profile": "short"},
    ],
)
def test_print_options_do_what_they_do_in_torch(options: dict[str, object]):
    torch = pytest.importorskip("torch")
    import nbautograd

    for library in (torch, nbautograd):
        library.set_printoptions(**options)
    try:
        for expression in (
            "torch.linspace(0, 1000, 12)",
            "torch.tensor([1e-6, 1.0])",
            "torch.arange(20)",
            "torch.ones(2, 3) / 3",
        ):
            ours, torchs = both(expression)
            assert ours == torchs
    finally:
        for library in (torch, nbautograd):
            library.set_printoptions(profile="default")
