"""A tensor that does not require gradients is a constant: it takes part and gets nothing."""

import torch

x = torch.tensor([1.0, 2.0], requires_grad=True)
c = torch.tensor([10.0, 20.0])
y = (x * c).sum()
y.backward()
print((c * c).requires_grad, (c * c).grad_fn)
print(x.grad)
print(c.grad)
