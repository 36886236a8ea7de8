"""torch.save and torch.load: state dicts and other plain data in safetensors files, never as pickled objects.

NOTE [Files]
What `save` writes is a safetensors file: a JSON header, then the numbers. A state dict's names are the file's names, so
that every safetensors reader opens it. What the numbers belong to (lists, dicts, an optimizer's settings) stands as
JSON in the header's `__metadata__`. Loading makes numbers and containers and nothing else; no code runs. PyTorch's own
.pt files are pickles: they are read opcode by opcode, and those that would make anything but tensors are refused.
"""

from __future__ import annotations

from nbautograd.core.absent import refuse_in

from .api import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    load,
    load_file,
    safe_globals,
    save,
    save_file,
)

__getattr__ = refuse_in("serialization")

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "load_file",
    "safe_globals",
    "save",
    "save_file",
]
