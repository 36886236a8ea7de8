"""Forward mode of every op of the table: u · (Jv) is what reverse mode gives as (uᵀJ) · v."""

from typing import Any

import numpy as np
import pytest

import nbautograd as nb
from nbautograd.autograd import forward_ad
from tests.ops.table import SAMPLED, Library, array, cotangents, gradients, has_gradient, run, samples_of

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


class Moving(Library):
    """A library whose leaves are dual tensors."""

    def __init__(self, tangents: list[np.ndarray]) -> None:
        super().__init__(nb)
        self._tangents = tangents

    def tensor(self, array: np.ndarray, leaves: list[Any], gradient: bool) -> Any:
        count = len(leaves)
        t = super().tensor(array, leaves, gradient)
        if len(leaves) == count:
            return t
        return forward_ad.make_dual(t.detach(), nb.from_numpy(self._tangents[count]))


def directions(leaves: list[Any]) -> list[np.ndarray]:
    random = np.random.default_rng(5)

    def direction(x: np.ndarray) -> np.ndarray:
        v = random.uniform(-1, 1, x.shape)
        return np.asarray(v + 1j * random.uniform(-1, 1, x.shape) if x.dtype.kind == "c" else v, x.dtype)

    return [direction(array(leaf)) for leaf in leaves]


def product(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(np.conj(a) * b).real)


@pytest.mark.parametrize("op", [op for op in SAMPLED if has_gradient(op)], ids=lambda op: op.name)
def test_forward_and_reverse_mode_agree(op: Any):
    for i, case in enumerate(samples_of(op)):
        ran = run(op, case)
        places = [k for k, o in enumerate(ran.outputs) if isinstance(o, nb.Tensor) and o.requires_grad]
        if not places or not all(np.isfinite(array(ran.outputs[k])).all() for k in places):
            continue
        vs = directions(ran.leaves)
        try:
            pulled, _ = gradients(ran)
        except RuntimeError as error:
            if "phase" in str(error) or "e^{i phi}" in str(error):
                pytest.skip("its gradient exists only for some starts")
            raise
        with forward_ad.dual_level():
            try:
                outputs = run(op, case, Moving(vs)).outputs
            except RuntimeError as error:
                if "is not implemented" in str(error):
                    pytest.skip("its gradient cannot be differentiated, in PyTorch neither")
                raise
            pushed = [forward_ad.unpack_dual(outputs[k]).tangent for k in places]
        for k, tangent in zip(places, pushed, strict=True):
            if tangent is not None:
                assert (tangent.shape, tangent.dtype) == (outputs[k].shape, outputs[k].dtype), f"sample {i}"
        us = cotangents(ran.differentiable())
        got = sum(product(u, array(t)) for u, t in zip(us, pushed, strict=True) if t is not None)
        expected = sum(product(array(g), v) for g, v in zip(pulled, vs, strict=True) if g is not None)
        half = any(array(ran.outputs[k]).dtype in (np.float32, np.complex64, np.float16) for k in places)
        assert got == pytest.approx(expected, rel=1e-3 if half else 1e-6, abs=1e-3 if half else 1e-8, nan_ok=True), i
