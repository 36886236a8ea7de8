"""Changes in place that programs made by chance found, each as PyTorch has them."""

# ruff: noqa: E501  (the programs are written densely, to be compared at a glance)

from __future__ import annotations

from typing import Any

import pytest

PROGRAMS = {
    "NaN goes to the largest number only": """
x = torch.tensor([[1.0, 2.0], [2.0, 0.0]], requires_grad=True); x.max().sub(9).sqrt().backward(); print(x.grad); x.grad = None; x.min().sub(9).sqrt().backward(); print(x.grad)
""",
    "a filled repeated view is refused in backward": """
x = torch.ones(1, 3, requires_grad=True); y = x * 1; v = y.expand(2, 3); v.fill_(0.5); print(y); v.sum().backward()
""",
    "numbers cannot be assigned to a repeated view": """
torch.ones(1, 3).expand(2, 3)[0] = 1.0; x = torch.ones(1).expand(3); x[:] = 1.0
""",
    "a tensor of ones assigned to its own part": """
v = torch.ones(1, 1); v[:] = v; v[0, 0] = v; v[0] = v[0]; v[0] = v[0, 0]; print(v._version); v[0] = v
""",
    "an assignment across its own memory": """
v = torch.arange(6.0); v[None][:] = v; v[1:4] = v[0:3]
""",
    "the same steps through the same memory, seen in another shape, do not lie across it": """
v = torch.ones(2, 1); v.addcmul_(v, v.t())
""",
    "a repeated part of the same memory can be assigned": """
v = torch.arange(9.0).view(3, 3); v[:] = v[0]; print(v); v[0] = v[0:1, 0:1]; print(v)
""",
    "a view made quietly is refused although its base had no gradient": """
x = torch.ones(3)
with torch.no_grad(): v = x[:2]
v.mul_(torch.ones(2, requires_grad=True))
""",
    "a view made quietly is refused when its base asks late": """
x = torch.ones(3)
with torch.no_grad(): v = x[:2]
x.requires_grad_(); v.mul_(2)
""",
    "one of several made quietly is a quiet view first": """
x = torch.ones(3, requires_grad=True)
with torch.no_grad(): a, b, c = x.unbind()
a[None].add_(1)
""",
    "a view that was changed before its base asked for a gradient leads there": """
x = torch.zeros(3); row = x[:2]; row.fill_(1); x.requires_grad_(); print(row.is_leaf); row.sum().backward(); print(x.grad)
""",
    "a view that was not changed before its base asked for a gradient leads nowhere": """
x = torch.zeros(3); row = x[:2]; x.requires_grad_(); y = row * row; print(row.is_leaf, y.grad_fn.next_functions)
y.sum().backward(); y.sum().backward(); print(x.grad, row.grad)
""",
    "after a quiet change views come from their base": """
x = torch.ones(3, requires_grad=True); y = x * 2; v = y[1:]; w = v[1:]; v.retain_grad()
with torch.no_grad(): y.add_(1)
print(w.grad_fn.name()); w.sum().backward(); print(v.grad, x.grad)
""",
    "hooks of what a view was before a change are passed by": """
x = torch.ones(1, 3, requires_grad=True); v = (x * 2).squeeze(0); v.register_hook(print); v.mul_(3); v.sum().backward(); print(x.grad)
""",
    "a saved tensor that was detached in place": """
x = torch.ones(3, requires_grad=True); y = x * 2; z = y * 3; u = y * y; y.detach_(); z.sum().backward(); print(x.grad); u.sum().backward()
""",
    "a saved scalar that was detached in place": """
x = torch.tensor(1.0, requires_grad=True); y = x * 2; u = y * y; y.detach_(); u.backward()
""",
    "a saved scalar that was detached in place, and then looked at by a view": """
x = torch.tensor(1.0, requires_grad=True); y = x * 2; u = y * y; y.detach_(); y.t(); u.backward()
""",
    "views of what was detached in place and then changed": """
x = torch.ones(1, 3, requires_grad=True); y = x.exp(); v = y[0]; y.detach_(); y.mul_(2); v.sum().backward(); print(x.grad, v.is_leaf)
""",
    "the slope of a rectifier has a derivative": """
x = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True); (g,) = torch.autograd.grad(x.relu().sum(), x, create_graph=True)
print(g.tolist(), g.requires_grad); print(torch.autograd.grad(g.sum(), x))
""",
    "the largest of what is no number": """
for f in (torch.amax, torch.amin): x = torch.tensor([[1.0, float("nan")], [2.0, 1.0]], requires_grad=True); f(x, -1).sum().backward(); print(x.grad)
x = torch.tensor([1.0, float("nan")], requires_grad=True); x.max().backward(); print(x.grad)
""",
    "a second backward through a changed part": """
x = torch.ones(3, requires_grad=True); y = x * 1; y[0] = 0.5; y.sum().backward(retain_graph=True); y.sum().backward(); print(x.grad); y.sum().backward()
""",
    "a part whose gradient lies in memory in another order": """
x = torch.arange(6.0).view(2, 3).requires_grad_(); y = x * 1; y.flatten().mul_(y.flatten().detach() > 2); w = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
(torch.nn.functional.linear(w, y) * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward(); print(x.grad)
x = torch.arange(6.0).view(2, 3).requires_grad_(); y = (x * 1).t() * 1; y.t().view(-1).mul_(2); (y * torch.arange(6.0).view(3, 2)).sum().backward(); print(x.grad)
""",
    "a leaf that became computed": """
x = torch.ones(3, requires_grad=True); w = torch.ones(3, requires_grad=True); y = x * 1; x.detach_(); x.mul_(w); y.sum().backward()
""",
    "positions out of bounds": """
x = torch.ones(3, 2); print([message(lambda: x[i]) for i in ([5, 0], (slice(None), [5, 0]), (None, ..., [0, 9]), ([True, False, True], [0, 9]))])
print(message(lambda: torch.ones(0)[[0, 0]]), message(lambda: x.__setitem__([5], 1)))
""",
    "the largest of nothing": """
x = torch.ones(2, 0); print([message(lambda: f(x, d)) for f in (torch.amax, torch.argmax) for d in (1, -1)]); print(message(lambda: x.kthvalue(1)))
""",
    "a stack of matrices times a vector that does not fit": """
torch.ones(2, 4, 3) @ torch.ones(1)
""",
    "positions in nothing": """
print([message(lambda: torch.ones(s).index_select(d, torch.tensor([0, 5]))) for s, d in (((0, 3), 0), ((0,), 0), ((2, 0), 1), ((1, 0), 0), ((0, 3), 1), ((2, 3), 0))])
""",
    "nothing repeated": """
x = torch.ones(2, 0); y = x.repeat(2, 1); x.relu_(); print(y._version, x._version)
""",
}

MESSAGE = """
def message(function):
    try: function()
    except Exception as error: return type(error).__name__, str(error).splitlines()[0]
"""


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_in_pytorch(name: str, same_as_torch: Any) -> None:
    same_as_torch(MESSAGE + PROGRAMS[name])
