"""The short-time Fourier transform: the spectra of the pieces of a signal, and the signal from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.call import wrap
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.complex.pairs import view_as_real
from nbautograd.ops.fft.functions import fft, ifft, irfft, resized, rfft
from nbautograd.ops.pad import pad


def _centred(window: Any, n_fft: int, win_length: int, like: Tensor) -> Tensor:
    """The window with zeros on both sides, as long as a piece."""
    if window is None:
        window = like.new_ones(win_length, dtype=like.dtype.to_real())
    if window.ndim != 1 or window.shape[0] != win_length:
        raise RuntimeError(
            f"expected a 1D window tensor of size equal to win_length={win_length}, but got window with size "
            f"{list(window.shape)}"
        )
    left = (n_fft - win_length) // 2
    return window if win_length == n_fft else pad(window, (left, n_fft - win_length - left))


def _lengths(name: str, n_fft: int, hop_length: int | None, win_length: int | None) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={width}")
    return hop, width


def _places(pieces: int, hop: int, n_fft: int) -> Any:
    """Where in the signal each sample of each piece lies."""
    return hop * np.arange(pieces)[:, None] + np.arange(n_fft)


@public()
def stft(
    input,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
):
    """The spectra of the pieces of a signal: `n_fft` samples each, `hop_length` apart, weighted by `window`.

    Shape: input (…, L) → (…, frequencies, pieces)
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got a {input.ndim}D one")
    hop, width = _lengths("stft", n_fft, hop_length, win_length)
    turning = input.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None and not turning:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release."
        )
    signal = input.unsqueeze(0) if input.ndim == 1 else input
    if center:
        signal = pad(signal.unsqueeze(0), (n_fft // 2, n_fft // 2), mode=pad_mode).squeeze(0)
    if not 0 < n_fft <= signal.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft < {signal.shape[-1]}, but got n_fft={n_fft}")
    pieces = 1 + (signal.shape[-1] - n_fft) // hop
    frames = signal[:, wrap(_places(pieces, hop, n_fft))] * _centred(window, n_fft, width, input)
    half = not turning if onesided is None else onesided
    spectra = (rfft if half else fft)(frames, norm="ortho" if normalized else None).transpose(1, 2)
    spectra = spectra.squeeze(0) if input.ndim == 1 else spectra
    return spectra if return_complex or turning else view_as_real(spectra)


@public()
def istft(
    input,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
):
    """The signal whose pieces have the given spectra: what `stft` is undone by.

    Shape: input (…, frequencies, pieces) → (…, L)
    """
    if not input.dtype.is_complex:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )
    hop, width = _lengths("istft", n_fft, hop_length, win_length)
    half = input.shape[-2] != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if half else n_fft
    if input.shape[-2] != expected:
        raise RuntimeError(
            "istft: expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when "
            f"onesided=True, or n_fft otherwise, but got {input.shape[-2]}"
        )
    weights = _centred(window, n_fft, width, input)
    spectra = (input.unsqueeze(0) if input.ndim == 2 else input).transpose(1, 2)
    norm = "ortho" if normalized else None
    frames = ifft(spectra, norm=norm) if return_complex else irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    pieces = frames.shape[1]
    at = wrap(_places(pieces, hop, n_fft).reshape(-1))
    total = n_fft + hop * (pieces - 1)
    summed = frames.new_zeros((frames.shape[0], total)).index_add(1, at, (frames * weights).flatten(1))
    squares = (weights * weights).expand(pieces, n_fft).reshape(-1)
    envelope = weights.new_zeros(total).index_add(0, at, squares)
    start = n_fft // 2 if center else 0
    stop = total - start if length is None else min(start + length, total)
    summed, envelope = summed[:, start:stop], envelope[start:stop]
    if float(envelope.detach().abs().min()) < 1e-11:
        raise RuntimeError(
            "istft: window overlap add min: 1\n  hint: some samples count nothing in every piece that holds them; a "
            "smaller hop_length, or another window, lets each of them count"
        )
    signal = summed / envelope
    signal = signal if length is None else resized(signal, 1, length)
    return signal.squeeze(0) if input.ndim == 2 else signal
