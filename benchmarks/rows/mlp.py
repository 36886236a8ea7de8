"""A training step of a multilayer perceptron: forward, cross-entropy, backward, Adam."""

from itertools import pairwise

import numpy

from benchmarks.row import AtMost, Row, Side
from benchmarks.training import BETAS, EPS, RATE, cross_entropy_of, gradients_of, trained, trained_by_tinygrad


def mlp_row(name, batch, sizes, goal, with_numba):
    row = Row(name, (AtMost(goal), AtMost(with_numba, of="with numba")))
    draw = numpy.random.default_rng(0)
    x = numpy.float32(draw.standard_normal((batch, sizes[0])))
    y = draw.integers(0, sizes[-1], batch)
    layers = [
        numpy.float32(draw.uniform(-1, 1, shape) / inputs**0.5)
        for inputs, outputs in pairwise(sizes)
        for shape in ((inputs, outputs), (outputs,))
    ]

    @row.of("nbautograd", "torch")
    def modules(torch):
        nn, tensor = torch.nn, torch.tensor
        parts = [part for pair in pairwise(sizes) for part in (nn.Linear(*pair), nn.ReLU())]
        model = nn.Sequential(*parts[:-1])
        with torch.no_grad():
            for parameter, values in zip(model.parameters(), layers, strict=True):
                parameter.copy_(tensor(values.T))
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=BETAS, eps=EPS)
        inputs, target = tensor(x), tensor(y)
        last = []

        def step():
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            optimizer.step()
            last[:] = [loss.detach()]

        return Side(step, lambda: [last[0].item(), *gradients_of(model)])

    @row.of("mygrad")
    def mygrad_tensors(mygrad):
        from mygrad.nnet.activations import relu
        from mygrad.nnet.losses import softmax_crossentropy

        parameters = [mygrad.tensor(values.copy()) for values in layers]
        update = adam([parameter.data for parameter in parameters])
        last = []

        def step():
            hidden = x
            for weight, bias in pairs(parameters):
                hidden = (relu(hidden) if hidden is not x else x) @ weight + bias
            loss = softmax_crossentropy(hidden, y)
            loss.backward()
            update([parameter.grad for parameter in parameters])
            last[:] = [loss.item()]

        return Side(step, lambda: last)

    @row.of("HIPS autograd")
    def traced(autograd):
        import autograd.numpy as np
        from autograd.scipy.special import logsumexp

        def loss_of(parameters):
            hidden = x
            for weight, bias in pairs(parameters):
                hidden = (np.maximum(hidden, 0) if hidden is not x else x) @ weight + bias
            return np.mean(logsumexp(hidden, axis=1) - hidden[np.arange(batch), y])

        parameters = [values.copy() for values in layers]
        loss_and_gradients = autograd.value_and_grad(loss_of)
        update = adam(parameters)
        last = []

        def step():
            loss, gradients = loss_and_gradients(parameters)
            update(gradients)
            last[:] = [loss]

        return Side(step, lambda: last)

    @row.of("JAX")
    def compiled(jax):
        def loss_of(parameters):
            hidden = x
            for weight, bias in pairs(parameters):
                hidden = (jax.nn.relu(hidden) if hidden is not x else x) @ weight + bias
            return cross_entropy_of(jax, hidden, y)

        return trained(jax, loss_of, layers)

    @row.of("tinygrad")
    def realized(tinygrad):
        parameters = [tinygrad.Tensor(values).realize() for values in layers]
        inputs, target = tinygrad.Tensor(x).realize(), tinygrad.Tensor(y).realize()

        def loss_of():
            hidden = inputs
            for weight, bias in pairs(parameters):
                hidden = (hidden.relu() if hidden is not inputs else inputs) @ weight + bias
            return hidden.sparse_categorical_crossentropy(target)

        return trained_by_tinygrad(tinygrad, loss_of, parameters)

    @row.of("NumPy")
    def arrays(np):
        parameters = [values.copy() for values in layers]
        update = adam(parameters)
        last = []

        def step():
            seen, hidden = [], x
            for weight, bias in pairs(parameters):
                seen.append(hidden)
                hidden = hidden @ weight
                hidden += bias
                np.maximum(hidden, 0, out=hidden) if len(seen) < len(sizes) - 1 else None
            loss, gradient = cross_entropy(hidden, y)
            gradients = []
            for (weight, _), hidden in zip(reversed(pairs(parameters)), reversed(seen), strict=True):
                gradients += [gradient.sum(axis=0), hidden.T @ gradient]
                if hidden is not x:
                    gradient = gradient @ weight.T
                    gradient *= hidden > 0
            update(gradients[::-1])
            last[:] = [loss]

        return Side(step, lambda: last)

    return row


def pairs(parameters):
    return list(zip(parameters[::2], parameters[1::2], strict=True))


def cross_entropy(logits, target):
    """Mean loss over the batch, and its gradient."""
    rows = numpy.arange(len(target))
    shares = logits - logits.max(axis=1, keepdims=True)
    picked = shares[rows, target]
    numpy.exp(shares, out=shares)
    total = shares.sum(axis=1)
    loss = (numpy.log(total) - picked).mean()
    shares /= total[:, None]
    shares[rows, target] -= 1
    shares /= len(target)
    return loss, shares


def adam(parameters):
    """Adam in place for the libraries that bring no optimizer."""
    state = [(p, numpy.zeros_like(p), numpy.zeros_like(p), numpy.empty_like(p)) for p in parameters]
    (beta1, beta2), steps = BETAS, 0

    def update(gradients):
        nonlocal steps
        steps += 1
        rate, root = RATE / (1 - beta1**steps), (1 - beta2**steps) ** 0.5
        for (p, mean, square, work), gradient in zip(state, gradients, strict=True):
            mean *= beta1
            mean += numpy.multiply(gradient, 1 - beta1, out=work)
            numpy.multiply(gradient, gradient, out=work)
            work *= 1 - beta2
            square *= beta2
            square += work
            numpy.sqrt(square, out=work)
            work /= root
            work += EPS
            numpy.divide(mean, work, out=work)
            work *= rate
            p -= work

    return update


ROWS = [
    mlp_row("MLP 64×784-256-128-10, CE, Adam", 64, (784, 256, 128, 10), 0.9, 0.65),
    mlp_row("MLP 256×1024³-10, CE, Adam", 256, (1024, 1024, 1024, 10), 1.0, 0.9),
]
