"""Under `no_grad` the arithmetic happens and the recording does not; x itself is unchanged."""

import torch

x = torch.tensor(3.0, requires_grad=True)
with torch.no_grad():
    y = x**2
print(y.requires_grad)
print(x.requires_grad)
print(y, y.grad_fn)
