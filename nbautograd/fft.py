"""torch.fft: Fourier transforms."""

from __future__ import annotations

from nbautograd.core.absent import refuse_in
from nbautograd.ops.arguments import with_out as _with_out
from nbautograd.ops.fft.functions import fft as fft
from nbautograd.ops.fft.functions import fft2 as fft2
from nbautograd.ops.fft.functions import fftfreq as fftfreq
from nbautograd.ops.fft.functions import fftn as fftn
from nbautograd.ops.fft.functions import fftshift as fftshift
from nbautograd.ops.fft.functions import hfft as hfft
from nbautograd.ops.fft.functions import hfft2 as hfft2
from nbautograd.ops.fft.functions import hfftn as hfftn
from nbautograd.ops.fft.functions import ifft as ifft
from nbautograd.ops.fft.functions import ifft2 as ifft2
from nbautograd.ops.fft.functions import ifftn as ifftn
from nbautograd.ops.fft.functions import ifftshift as ifftshift
from nbautograd.ops.fft.functions import ihfft as ihfft
from nbautograd.ops.fft.functions import ihfft2 as ihfft2
from nbautograd.ops.fft.functions import ihfftn as ihfftn
from nbautograd.ops.fft.functions import irfft as irfft
from nbautograd.ops.fft.functions import irfft2 as irfft2
from nbautograd.ops.fft.functions import irfftn as irfftn
from nbautograd.ops.fft.functions import rfft as rfft
from nbautograd.ops.fft.functions import rfft2 as rfft2
from nbautograd.ops.fft.functions import rfftfreq as rfftfreq
from nbautograd.ops.fft.functions import rfftn as rfftn

__getattr__ = refuse_in("fft")

_OUT = (
    "fft fft2 fftfreq fftn hfft hfft2 hfftn ifft ifft2 ifftn ihfft ihfft2 ihfftn irfft irfft2 irfftn rfft rfft2 "
    "rfftfreq rfftn"
)
"""The functions that take `out=`."""
_with_out(globals(), _OUT.split())
