"""Define by run: the graph is the path that Python really took, so each input gets that path's slope."""

import torch


def f(x):
    y = x * 2
    if y.sum() > 0:  # noqa: SIM108, the tutorials' own form: an ordinary `if` on a tensor's value
        y = y * 3
    else:
        y = y - 100
    return y.sum()


for start in ([1.0, 2.0], [-1.0, -2.0]):
    x = torch.tensor(start, requires_grad=True)
    out = f(x)
    out.backward()
    print(out, x.grad)
