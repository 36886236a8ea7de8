"""The same module with the same weights in PyTorch and here."""

import numpy as np
import pytest

import nbautograd


def copy_weights(source, target):
    """Give `target` the parameters and buffers of `source`, from library to library."""
    if hasattr(target, "named_parameters"):
        held = {**dict(target.named_parameters(remove_duplicate=False)), **dict(target.named_buffers())}
        for name, value in source.state_dict().items():
            held[name].data = nbautograd.tensor(value.numpy())


def pair(build, dtype="float64"):
    """`build(torch)` in both libraries, with PyTorch's weights."""
    torch = pytest.importorskip("torch")
    theirs = build(torch).to(getattr(torch, dtype))
    ours = build(nbautograd).to(getattr(nbautograd, dtype))
    copy_weights(theirs, ours)
    return ours, theirs


def tensors(library, arrays):
    """Arrays as tensors; those with floats require grad."""
    made = []
    for array in arrays:
        t = library.tensor(array)
        made.append(t.requires_grad_() if array.dtype.kind == "f" else t)
    return made


def flat(output):
    return output if isinstance(output, tuple) else (output,)


def compare(ours, theirs, arrays, rtol=1e-7, atol=1e-9):
    """Outputs and all gradients of both modules on the same inputs."""
    import torch

    x, y = tensors(nbautograd, arrays), tensors(torch, arrays)
    outs, refs = flat(ours(*x)), flat(theirs(*y))
    assert len(outs) == len(refs)
    for out, ref in zip(outs, refs, strict=True):
        assert tuple(out.shape) == tuple(ref.shape)
        assert str(out.dtype) == str(ref.dtype)
        np.testing.assert_allclose(out.detach().numpy(), ref.detach().numpy(), rtol=rtol, atol=atol)
    if not refs[0].requires_grad:
        return
    weigh = np.cos(np.arange(refs[0].numel())).reshape(tuple(refs[0].shape))
    (outs[0] * nbautograd.tensor(weigh, dtype=outs[0].dtype)).sum().backward()
    (refs[0] * torch.tensor(weigh, dtype=refs[0].dtype)).sum().backward()
    params = dict(theirs.named_parameters()) if hasattr(theirs, "named_parameters") else {}
    ours_params = dict(ours.named_parameters()) if params else {}
    for a, b in [*zip(x, y, strict=True), *((ours_params[name], params[name]) for name in params)]:
        assert (a.grad is None) == (b.grad is None)
        if b.grad is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=atol)


def same_error(make, *libraries):
    """`make(library)` raises the same class and the same first line in all libraries."""
    import torch

    found = []
    for library in libraries or (nbautograd, torch):
        with pytest.raises(Exception, match=r"\w") as caught:
            make(library)
        text = caught.value.args[0] if caught.type is KeyError else str(caught.value)
        found.append((caught.type, text.splitlines()[0].rstrip(" .")))
    assert found[0] == found[1]
