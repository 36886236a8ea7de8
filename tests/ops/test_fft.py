"""Fourier transforms beside PyTorch: values, first and second derivatives, and errors."""

from __future__ import annotations

from typing import Any

import pytest

from nbautograd.ops.complex.points import points
from nbautograd.ops.samples import Make

from .beside import both, expressions, same_derivatives

pytestmark = pytest.mark.filterwarnings("ignore")

LINES: list[dict[str, Any]] = [{}, {"n": 3}, {"n": 6}, {"dim": 0}, {"n": 7, "dim": 0}, {"norm": "ortho"}]
LINES += [{"norm": "forward"}, {"n": 5, "norm": "ortho"}]
PLANES: list[dict[str, Any]] = [{}, {"s": (3, 6)}, {"dim": (0, 1)}, {"dim": (1, 0), "s": (2, 7)}, {"norm": "ortho"}]
PLANES += [{"norm": "forward", "s": (5, 5)}, {"s": (-1, 3)}]
REAL_ONLY = {"rfft", "rfft2", "rfftn", "ihfft", "ihfft2", "ihfftn"}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [(name, s) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for s in LINES]
    + [(name + d, s) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for d in "2n" for s in PLANES]
    + [(name + "n", s) for name in ("fft", "ifft", "rfft", "irfft") for s in ({"s": (4,)}, {"dim": 1}, {"dim": (0,)})],
    ids=str,
)
def test_a_transform_has_torchs_values_and_derivatives(name: str, settings: dict[str, Any], kind: str):
    if kind == "complex" and name in REAL_ONLY:
        return
    make = Make()
    x = make(4, 5) if kind == "real" else points(make, 4, 5)
    same_derivatives(lambda t, x: [getattr(t.fft, name)(x, **settings)], x)
    if not settings:
        stack = make(2, 3, 4) if kind == "real" else points(make, 2, 3, 4)
        same_derivatives(lambda t, x: [getattr(t.fft, name)(x)], stack)


@pytest.mark.parametrize("dim", [None, 0, (0, 1), -1])
def test_frequencies_are_shifted_as_in_torch(dim: Any):
    same_derivatives(lambda t, x: [t.fft.fftshift(x, dim), t.fft.ifftshift(x, dim)], Make()(3, 4))


@expressions("""
    torch.fft.fft(torch.ones(4), 0)
    torch.fft.fft(torch.ones(4), norm="foo")
    torch.fft.fft(torch.ones(4), dim=2)
    torch.fft.fft(torch.ones(0))
    torch.fft.fft(torch.tensor(1.))
    torch.fft.fft(torch.arange(4))
    torch.fft.fft(torch.ones(4).half())
    torch.fft.rfft(torch.ones(4))
    torch.fft.rfft(torch.ones(4, requires_grad=True))
    torch.fft.irfft(torch.ones(4, dtype=torch.cfloat, requires_grad=True))
    torch.fft.fft(torch.ones(4, dtype=torch.cfloat, requires_grad=True))
    torch.fft.rfft(torch.ones(4, dtype=torch.cfloat))
    torch.fft.ihfft(torch.ones(4, dtype=torch.cfloat))
    torch.fft.rfft2(torch.ones(2, 2, dtype=torch.cfloat))
    torch.fft.irfft(torch.ones(4))
    torch.fft.irfft(torch.ones(1))
    torch.fft.hfft2(torch.ones(2, 3))
    torch.fft.fftn(torch.tensor(1.))
    torch.fft.fftn(torch.ones(4), s=(2, 2))
    torch.fft.fftn(torch.ones(4), s=(2,), dim=(0, 0))
    torch.fft.fftn(torch.ones(2, 2), s=(0, 2))
    torch.fft.fftn(torch.ones(2, 2), dim=())
    torch.fft.rfftn(torch.ones(2, 2), dim=())
    torch.fft.fft2(torch.ones(4))
    torch.fft.fftfreq(5)
    torch.fft.fftfreq(4, 0.5)
    torch.fft.rfftfreq(5, dtype=torch.float64)
    torch.fft.fftshift(torch.arange(5))
    torch.fft.ifftshift(torch.arange(5))
    torch.fft.fft(torch.ones(2, dtype=torch.float64)).dtype
    torch.fft.irfft(torch.ones(3, dtype=torch.complex128)).dtype
""")
def test_transforms_say_what_torch_says(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs


SHORT: list[dict[str, Any]] = [{}, {"hop_length": 2}, {"normalized": True}, {"onesided": False}, {"center": False}]
SHORT += [{"win_length": 3, "hop_length": 1}, {"n_fft": 5}]


@pytest.mark.parametrize("settings", SHORT, ids=str)
def test_short_time_transforms_have_torchs_values_and_derivatives(settings: dict[str, Any]):
    make = Make()
    settings = {"n_fft": 4, **settings}
    width = settings.get("win_length", settings["n_fft"])

    def spectra(t: Any, x: Any, w: Any) -> Any:
        return t.stft(x, window=w, return_complex=True, **settings)

    same_derivatives(lambda t, x, w: [spectra(t, x, w)], make(12), make(width, low=0.5))
    same_derivatives(lambda t, x, w: [spectra(t, x, w)], make(2, 12), make(width, low=0.5))
    same_derivatives(
        lambda t, x, w: [t.istft(spectra(t, x, w) * (1 + 0.5j), window=w, **settings)],
        make(2, 12),
        make(width, low=0.5),
    )


@pytest.mark.parametrize("length", [None, 8, 10, 15])
def test_a_signal_comes_back_from_its_short_time_spectra(length: int | None):
    def there_and_back(t: Any, x: Any) -> Any:
        w = t.hann_window(4, dtype=t.float64)
        return [t.istft(t.stft(x, 4, window=w, return_complex=True), 4, window=w, length=length)]

    same_derivatives(there_and_back, Make()(12))
    same_derivatives(lambda t, x: [t.stft(x, 4, window=t.ones(4, dtype=t.float64))], points(Make(), 9))


@expressions("""
    torch.hann_window(5)
    torch.hann_window(5, periodic=False)
    torch.hann_window(1)
    torch.hann_window(0)
    torch.hann_window(-1)
    torch.hann_window(3, dtype=torch.float64, requires_grad=True)
    torch.hamming_window(4)
    torch.hamming_window(5, True, 0.6, 0.3)
    torch.blackman_window(7)[1:]
    torch.bartlett_window(5)
    torch.bartlett_window(6, periodic=False)
    torch.kaiser_window(5)[1:]
    torch.kaiser_window(4, False, beta=5.)
    torch.stft(torch.ones(8), 4)
    torch.stft(torch.ones(8), 4, return_complex=False).shape
    torch.stft(torch.ones(2, 8), 4, hop_length=2, win_length=3, window=torch.hann_window(3), return_complex=True).shape
    torch.istft(torch.ones(3, 3), 4)
""")
def test_windows_and_short_time_transforms_say_what_torch_says(expression: str):
    ours, theirs = both(expression)
    assert ours == theirs
