"""Autograd's rules: leaves, accumulation, graph life, modes, hooks, changes in place and views, each as PyTorch has them."""

# ruff: noqa: E501  (the programs are written densely, to be compared at a glance)

from __future__ import annotations

from typing import Any

import pytest

PROGRAMS = {
    "leaves and computed tensors": """
x = torch.tensor(3.0, requires_grad=True); y = x * 2; z = torch.tensor(1.0)
print(x.is_leaf, y.is_leaf, z.is_leaf, x.requires_grad, y.requires_grad, z.requires_grad, x.grad_fn, y.grad_fn.name())
print(y.detach().is_leaf, y.detach().requires_grad, y.data.requires_grad)
""",
    "gradients accumulate": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(3):
    (x * x).sum().backward(); print(x.grad)
x.grad.zero_(); print(x.grad)
x.grad = None; (x * 3).sum().backward(); print(x.grad)
""",
    "a gradient does not alias another": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = torch.tensor([3.0, 4.0], requires_grad=True)
v = torch.tensor([1.0, 1.0]); (x + y).backward(v); x.grad.zero_(); print(x.grad, y.grad, v)
""",
    "second backward": """
x = torch.tensor(2.0, requires_grad=True); y = x * x; y.backward(); y.backward()
""",
    "a second backward through nodes that saved nothing": """
x = torch.tensor([2.0], requires_grad=True); y = (x + 1).sum(); y.backward(); y.backward(); print(x.grad)
""",
    "retain_graph": """
x = torch.tensor(2.0, requires_grad=True); y = x * x; y.backward(retain_graph=True); y.backward(); print(x.grad); y.backward()
""",
    "non-scalar backward": """
x = torch.ones(3, requires_grad=True); (x * 2).backward()
""",
    "backward of nothing": """
x = torch.ones(3); x.sum().backward()
""",
    "gradient argument of the wrong shape": """
x = torch.ones(3, requires_grad=True); (x * 2).backward(torch.ones(2))
""",
    "vector-Jacobian product": """
x = torch.ones(3, requires_grad=True); (x * 2).backward(torch.tensor([1.0, 10.0, 100.0])); print(x.grad)
""",
    "integers cannot require grad": """
torch.tensor(3, requires_grad=True)
""",
    "integers cannot require grad later": """
torch.tensor([1, 2]).requires_grad_()
""",
    "grad of a computed tensor warns": """
x = torch.tensor(1.0, requires_grad=True); y = x * 2; z = y * 3; z.backward(); print(y.grad, x.grad)
""",
    "retain_grad": """
x = torch.tensor(1.0, requires_grad=True); y = x * 2; y.retain_grad(); print(y.retains_grad); (y * y).backward(); print(y.grad, x.grad)
""",
    "no_grad, enable_grad, set_grad_enabled": """
x = torch.tensor(1.0, requires_grad=True)
with torch.no_grad():
    print((x * 2).requires_grad, torch.is_grad_enabled())
    with torch.enable_grad():
        print((x * 2).requires_grad)
with torch.set_grad_enabled(False): print((x * 2).requires_grad)
torch.set_grad_enabled(False); print((x * 2).requires_grad); torch.set_grad_enabled(True); print((x * 2).requires_grad)
@torch.no_grad()
def f(): return x * 2
print(f().requires_grad)
""",
    "detach shares memory": """
x = torch.tensor([1.0, 2.0]); y = x.detach(); y[0] = 5.0; print(x); y.zero_(); print(x)
x = torch.tensor(1.0); y = x.detach(); y.fill_(7.0); print(x, y); x.add_(1.0); print(x, y)
""",
    "requires_grad of computed tensors cannot change": """
x = torch.tensor(1.0, requires_grad=True); y = x * 2; y.requires_grad_(False)
""",
    "autograd.grad": """
x = torch.tensor(2.0, requires_grad=True); w = torch.tensor(3.0, requires_grad=True)
print(torch.autograd.grad(x * x * w, [x, w])); print(x.grad)
print(torch.autograd.grad(x * x, [x, w], allow_unused=True))
torch.autograd.grad(x * x, [w])
""",
    "grad with respect to computed tensors": """
x = torch.tensor(2.0, requires_grad=True); y = x * 3; z = y * y + y; print(torch.autograd.grad(z, [y, x]))
""",
    "materialize_grads": """
x = torch.tensor([2.0], requires_grad=True); w = torch.tensor([3.0, 1.0], requires_grad=True)
print(torch.autograd.grad((x * x).sum(), [x, w], materialize_grads=True))
""",
    "backward with inputs": """
x = torch.tensor(2.0, requires_grad=True); w = torch.tensor(3.0, requires_grad=True); y = x * w
y.backward(inputs=[x]); print(x.grad, w.grad)
""",
    "create_graph": """
x = torch.tensor(2.0, requires_grad=True); y = x * x * x
(g,) = torch.autograd.grad(y, x, create_graph=True); print(g.tolist())
(h,) = torch.autograd.grad(g, x, create_graph=True); print(h)
(k,) = torch.autograd.grad(h, x); print(k)
""",
    "backward with create_graph": """
x = torch.tensor([2.0, 3.0], requires_grad=True); (x**3).sum().backward(create_graph=True); print(x.grad.requires_grad)
g = x.grad; x.grad = None; (g * g).sum().backward(); print(x.grad)
""",
    "tensor hooks": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x * 2
y.register_hook(lambda g: print("y", g)); h = x.register_hook(lambda g: g * 10)
(y * y).sum().backward(); print(x.grad); h.remove(); x.grad = None; (x * 2).sum().backward(); print(x.grad)
""",
    "hooks need requires_grad": """
torch.tensor(1.0).register_hook(print)
""",
    "post accumulate hooks": """
x = torch.tensor([1.0, 2.0], requires_grad=True)
x.register_post_accumulate_grad_hook(lambda t: print("now", t.grad)); (x * 2).sum().backward(); (x * 2).sum().backward()
""",
    "node hooks": """
x = torch.tensor(2.0, requires_grad=True); y = x * 3
y.grad_fn.register_hook(lambda gi, go: print("after", gi[0], go)); y.grad_fn.register_prehook(lambda go: print("before", go)); y.backward(); print(x.grad)
""",
    "next_functions": """
x = torch.tensor(2.0, requires_grad=True); y = (x * 3 + x).exp()
f = y.grad_fn; print(f.name(), [g.name() for g, _ in f.next_functions]); g = f.next_functions[0][0]
print([(None if n is None else n.name(), i) for n, i in g.next_functions]); print(g.next_functions[1][0].variable is x)
""",
    "in place on a leaf": """
x = torch.tensor([1.0], requires_grad=True); x += 1
""",
    "in place on a view of a leaf": """
x = torch.tensor([1.0, 2.0], requires_grad=True); x[0] = 3.0
""",
    "update by hand": """
w = torch.tensor([1.0, 2.0], requires_grad=True); (w * w).sum().backward()
with torch.no_grad(): w -= 0.1 * w.grad
print(w, w.is_leaf, w._version)
w.data -= 1.0; print(w, w._version)
""",
    "in place changes what backward needs": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True); y = x.exp(); y += 1; y.sum().backward()
""",
    "in place on a scalar that backward needs": """
x = torch.tensor(1.0, requires_grad=True); y = x.exp(); y.add_(1); y.backward()
""",
    "in place where nothing was saved": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x + 1; y.mul_(2); y.add_(y); y.sum().backward(); print(y, x.grad, y.grad_fn.name())
""",
    "in place with the old value saved": """
x = torch.tensor([1.0, 2.0], requires_grad=True); w = torch.tensor([3.0, 4.0], requires_grad=True)
y = x * 1; y.mul_(w); y.sum().backward(); print(x.grad, w.grad)
""",
    "in-place exp saves its result": """
x = torch.tensor([0.0, 1.0], requires_grad=True); y = x * 1; y.exp_(); y.sum().backward(); print(x.grad)
y = x * 1; y.exp_(); y.add_(1.0); y.sum().backward()
""",
    "step between forward and backward": """
w = torch.tensor([2.0], requires_grad=True); x = torch.tensor([3.0], requires_grad=True); y = (w * x).sum()
with torch.no_grad(): w.add_(1.0)
y.backward()
""",
    "data escapes the check": """
w = torch.tensor([2.0], requires_grad=True); x = torch.tensor([3.0], requires_grad=True); y = (w * x).sum()
w.data.add_(1.0); y.backward(); print(w.grad, x.grad)
""",
    "writing through a view reaches the base": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True); y = x * 2; v = y[1:]; v.mul_(10.0); print(y, v)
print(y.grad_fn.name()); (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward(); print(x.grad)
""",
    "views follow their base": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True); y = x * 2; v = y[1:]; y.mul_(3.0); print(v.requires_grad)
v.sum().backward(); print(x.grad)
""",
    "assignment into zeros": """
w = torch.tensor([2.0, 3.0], requires_grad=True); z = torch.zeros(4); z[1:3] = w * w; z[0] = w[0]; print(z)
(z * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward(); print(w.grad)
""",
    "assignment by mask and by position": """
w = torch.tensor([2.0, 3.0], requires_grad=True); z = torch.zeros(4); z[torch.tensor([3, 0])] = w; print(z); z[z > 2] = 1.0; print(z)
z.sum().backward(); print(w.grad)
""",
    "a view of a view": """
x = torch.ones(2, 3, requires_grad=True); y = x * 1; v = y.t()[1]; v += 5; print(y); (y * y).sum().backward(); print(x.grad)
""",
    "unbind and write": """
x = torch.ones(2, 3, requires_grad=True); y = x * 1; y[0].mul_(2.0); a = y.sum(0); a.sum().backward(); print(x.grad)
""",
    "in place results must fit": """
x = torch.ones(3); x += torch.ones(2, 3)
""",
    "in place results must keep the kind": """
x = torch.ones(3, dtype=torch.int64); x += 1.5
""",
    "versions": """
x = torch.ones(3); print(x._version); x.add_(1); v = x[1:]; v.mul_(2); print(x._version, v._version, x.detach()._version)
""",
    "shapes that do not broadcast": "torch.ones(64, 10) * torch.ones(64, 3)",
    "matrices that do not fit": "torch.ones(2, 4) @ torch.ones(3, 1)",
    "matrices of two dtypes": "torch.ones(2, 4) @ torch.ones(4, 1, dtype=torch.float64)",
    "ambiguous truth": "bool(torch.ones(2))",
    "numpy of a tensor that requires grad": "torch.ones(2, requires_grad=True).numpy()",
    "item of several": "torch.ones(2).item()",
    "None is no operand": "w = torch.ones(1, requires_grad=True); w - 0.1 * w.grad",
    "index out of bounds": "torch.ones(3)[5]",
    "too many indices": "torch.ones(3)[0, 0]",
    "deepcopy of a computed tensor": "import copy; x = torch.ones(1, requires_grad=True); copy.deepcopy(x * 2)",
    "several outputs": """
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True); a, b = x.unbind(0); print(a.grad_fn.name(), b.output_nr)
(a * 2 + b * b).sum().backward(); print(x.grad)
p, q = torch.split(x, 1, dim=1); (q * 3).sum().backward(); print(x.grad)
""",
    "an unused output": """
x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True); v, i = x.max(0); print(v, i); v.backward(); print(x.grad)
""",
    "dtype promotion in the graph": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
z = (x * y).sum(); print(z); z.backward(); print(x.grad, y.grad)
""",
    "branches decide the graph": """
def f(x): return x * 2 if x.sum() > 0 else x - 100
x = torch.tensor([1.0, 2.0], requires_grad=True); f(x).sum().backward(); print(x.grad)
""",
    "an operand that the change reaches is refused": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x * 1; y.mul_(y); y.sum().backward()
""",
    "an operand that shares memory with the target is refused": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x * 1; y.mul_(y[0]); y.sum().backward()
""",
    "a scalar operand that is the target is refused": """
x = torch.tensor(3.0, requires_grad=True); y = x * 1; y.mul_(y); y.backward()
""",
    "in place with a wider dtype": """
x = torch.tensor([1.0, 2.0], requires_grad=True); w = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
y = x * 1; y += w; y *= w; y.sum().backward(); print(y, x.grad, w.grad)
""",
    "a retained gradient is that of the newest values": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x * 2; y.retain_grad(); y.mul_(3); print(y.retains_grad); (y * y).sum().backward()
print(y.grad, x.grad); y = x * 2; y.retain_grad(); y[0] = 5.0; (y * y).sum().backward(); print(y.grad)
""",
    "one of several views cannot be changed": """
x = torch.ones(2, 3, requires_grad=True); y = (x * 1).unbind(0)[1]; y.mul_(2)
""",
    "a part of one of several views cannot be changed": """
x = torch.ones(4, 3, requires_grad=True); y = (x * 1).chunk(2)[1][0]; y += 1
""",
    "an expanded tensor cannot be changed": """
x = torch.ones(3, requires_grad=True); y = (x * 1).expand(2, 3); y.mul_(2)
""",
    "an expanded tensor that grew no element can be changed": """
x = torch.ones(3, requires_grad=True); y = x * 1; y.expand(1, 3).mul_(2); print(y); y.sum().backward(); print(x.grad)
""",
    "a leaf can be detached in place": """
x = torch.ones(3, requires_grad=True); x.detach_(); print(x.requires_grad, x.is_leaf)
""",
    "a leaf that no longer requires grad gets none": """
x = torch.ones(3, requires_grad=True); y = (x * x).sum(); x.requires_grad_(False); y.backward(); print(x.grad)
""",
    "gradients with history share no memory": """
x = torch.ones(2, requires_grad=True); y = torch.ones(2, requires_grad=True); (x + y).sum().backward(create_graph=True)
with torch.no_grad(): x.grad.mul_(5)
print(x.grad, y.grad)
""",
    "a hook that changes what backward needs": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x.exp(); z = y * 2
def hook(g):
    with torch.no_grad(): y.add_(1)
z.register_hook(hook); z.sum().backward()
""",
    "a hook cannot change the shape": """
x = torch.ones(3, requires_grad=True); y = x * 2; y.register_hook(lambda g: g.sum()); y.sum().backward()
""",
    "a hook cannot change the dtype": """
x = torch.ones(3, requires_grad=True); y = x * 2; y.register_hook(lambda g: g.double()); y.sum().backward()
""",
    "a hook returns a tensor": """
x = torch.ones(3, requires_grad=True); y = x * 2; y.register_hook(lambda g: 3); y.sum().backward()
""",
    "the version of a number in an array": """
x = torch.tensor(1.0); x.add_(1); print(x._version); x.numpy(); print(x._version); x.add_(1); print(x._version)
""",
    "positions that backward needs cannot be changed": """
x = torch.ones(3, requires_grad=True); i = torch.tensor([0, 1]); y = x[i].sum(); i.zero_(); y.backward()
""",
    "a value of another dtype put in a part": """
w = torch.tensor([1.0, 2.0], requires_grad=True); z = torch.zeros(3, dtype=torch.float64); z[1:] = w; (z * z).sum().backward(); print(w.grad)
w.grad = None; z = torch.zeros(3, dtype=torch.float64); z[torch.tensor([0, 2])] = w.double(); z[1:] += w; (z * z).sum().backward(); print(w.grad)
z = torch.zeros(1, 2); z[0] = w[None]; z.copy_(w.double()); print(z); z.sum().backward(); print(w.grad)
""",
    "positions found by max are freed": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y, i = x.max(0); y.backward(); y.backward()
""",
    "positions found by max cannot be changed": """
x = torch.tensor([[1.0, 2.0]], requires_grad=True); y, i = x.max(1); i.zero_(); y.sum().backward()
""",
    "a target's own history is left alone": """
x = torch.tensor([2.0], requires_grad=True); y = x * x; z = y * 3; print(torch.autograd.grad(z, y, retain_graph=True))
with torch.no_grad(): x.add_(1)
print(torch.autograd.grad(z, y)); x = torch.tensor([2.0], requires_grad=True); y = x * x; print(torch.autograd.grad(y, y)); y.backward(); print(x.grad)
""",
    "backward into a computed tensor": """
x = torch.tensor([2.0], requires_grad=True); y = x * x; (y * 3).backward(inputs=[y]); print(y.grad, x.grad, y.retains_grad)
(y * 3).backward(); print(y.grad, x.grad); y.backward(inputs=[torch.ones(1)])
""",
    "hooks of a target run": """
x = torch.tensor([2.0], requires_grad=True); x.register_hook(lambda g: g * 2); x.register_post_accumulate_grad_hook(lambda t: print("now", t.grad))
(x * 3).backward(inputs=[x]); print(x.grad, torch.autograd.grad(x * 3, x))
""",
    "a repeated view follows its base": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = x * 1; v = y.expand(3, 2); y.mul_(2); v.sum().backward(); print(v, x.grad)
x = torch.tensor(2.0, requires_grad=True); y = x * 1; v = y.expand(2, 2); y += 1; (v * v).sum().backward(); print(x.grad)
""",
    "a scalar that became an array keeps its version": """
x = torch.tensor(1.0); x.pow_(2); v = x.flatten(); print(x._version, v._version); v.mul_(3); print(x._version)
y = torch.tensor(2.0, requires_grad=True); z = y * x; x.add_(1); z.backward()
""",
    "a masked gradient is zero even where it is infinite": """
x = torch.tensor([-1.0, 4.0], requires_grad=True); (torch.relu(x).log() + x.clamp(min=0).sqrt() + x.clamp(0, 9).sqrt()).sum().backward(); print(x.grad)
s = torch.tensor(-1.0, requires_grad=True); (torch.relu(s).log() + s.clamp(min=0).sqrt()).backward(); print(s.grad)
x = torch.tensor([-1.0, 4.0], dtype=torch.float64, requires_grad=True); (g,) = torch.autograd.grad(torch.relu(x).sqrt().sum(), x, create_graph=True); print(g.tolist())
""",
    "a part of a repeated view can be changed": """
x = torch.zeros(1, 3); v = x.expand(2, 3); v[0] += 1; print(x, v); v.zero_(); print(x)
""",
    "several dtypes in second order": """
x = torch.tensor([1.0, 2.0], requires_grad=True); y = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
(g,) = torch.autograd.grad((x * x * y).sum(), x, create_graph=True); print(g.dtype); (g * g).sum().backward(); print(x.grad, y.grad)
""",
    "several results in second order": """
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True); a, b, c = x.unbind(0)
(g,) = torch.autograd.grad((a * b * b * c).sum(), x, create_graph=True); (g * g).sum().backward(); print(g.tolist(), x.grad)
""",
    "hooks on one of several results": """
x = torch.tensor([1.0, 2.0], requires_grad=True); a, b = x.unbind(0); a.register_hook(lambda g: g * 3); b.retain_grad()
(a * b).backward(); print(x.grad, b.grad)
""",
    "a scalar is written by mask and through views": """
x = torch.tensor(2.0, requires_grad=True); y = x * 1; y[y > 0] = 0.5; (y * 3).backward(); print(y.item(), x.grad)
x = torch.tensor(2.0, requires_grad=True); y = x * 1; v = y.view(1); v *= 3; v[0] += x; (y * y).backward(); print(y, x.grad)
""",
    "a flipped tensor is a copy": """
x = torch.tensor([1.0, 2.0]); y = x.flip(0); y.mul_(2); print(x, y)
""",
    "rebinding a leaf makes it computed": """
w = torch.tensor([1.0], requires_grad=True); (w * w).sum().backward(); w = w - 0.1 * w.grad; print(w.is_leaf); (w * w).sum().backward(); print(w.grad)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_does_what_it_does_in_pytorch(name: str, same_as_torch: Any) -> None:
    same_as_torch(PROGRAMS[name])
