"""Complex numbers: made of two real ones and taken apart again; conjugates, lengths and angles.

See NOTE [Complex gradients] in `core/twins.py`. Conjugates are computed at once: no tensor is conjugated lazily.
"""

from __future__ import annotations
