"""Rows for a GPU: the same text for both libraries, in float32 and in both formats of 16 bits."""

from itertools import pairwise

import numpy

from benchmarks.row import AtMost, Row, Side

TINY, LARGE, CAPTURED = AtMost(2.0), AtMost(1.1), AtMost(1.0, of="captured")


def row(name, goals, setup, rtol=1e-3):
    """A row for `setup(torch, device)`, which gives the step and what it is judged by."""
    made = Row(name, goals, rtol=rtol, device="cuda")

    @made.of("nbautograd", "torch")
    def tensors(torch, device="cuda"):
        step, read = setup(torch, device)
        return Side(step, lambda: [t.detach().float().cpu().numpy() for t in read()], torch.cuda.synchronize)

    return made


def numbers(torch, device, shape, dtype="float32", scale=1.0):
    values = numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32) * numpy.float32(scale)
    return torch.tensor(values).to(device).to(getattr(torch, dtype))


def gradient_of(shape, function, dtype="float32"):
    """The gradient of the sum of `function(torch, x)`."""

    def setup(torch, device):
        x = numbers(torch, device, shape, dtype).requires_grad_()

        def step():
            x.grad = None
            function(torch, x).sum().backward()

        return step, lambda: [x.grad]

    return setup


def chain(torch, x):
    for _ in range(3):
        x = torch.tanh(x).exp()
    return x


def product(size, dtype):
    def setup(torch, device):
        x, w = (numbers(torch, device, (size, size), dtype, size**-0.5).requires_grad_() for _ in range(2))

        def step():
            x.grad = w.grad = None
            (x @ w).sum().backward()

        return step, lambda: [x.grad, w.grad]

    return setup


def training(make, shape, classes, dtype="float32"):
    """Steps of Adam for the model that `make(torch)` gives, on random numbers or, for the transformer, words."""

    def setup(torch, device):
        model = make(torch).to(device)
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                values = numpy.random.default_rng(i).uniform(-1, 1, tuple(p.shape)) / max(p.shape) ** 0.5
                p.copy_(torch.tensor(numpy.float32(values)))
        model = model.to(getattr(torch, dtype))
        draw = numpy.random.default_rng(0)
        words = torch.tensor(draw.integers(0, classes, shape)).to(device)
        x = words if make is transformer else numbers(torch, device, shape, dtype)
        y = torch.tensor(draw.integers(0, classes, shape[0] if x is not words else words.numel())).to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-4)

        def step():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x).reshape(-1, classes).float(), y)
            loss.backward()
            optimizer.step()

        return step, lambda: [p.grad for p in model.parameters()]

    return setup


def perceptron(*sizes):
    def make(torch):
        parts = [part for pair in pairwise(sizes) for part in (torch.nn.Linear(*pair), torch.nn.ReLU())]
        return torch.nn.Sequential(*parts[:-1])

    return make


def convolutional(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
    )  # fmt: skip


def transformer(torch):
    nn = torch.nn
    block = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True, norm_first=True, activation="gelu")
    return nn.Sequential(nn.Embedding(64, 128), block, nn.LayerNorm(128), nn.Linear(128, 64))


ROWS = [
    row("mul of 8, forward + backward", (TINY, CAPTURED), gradient_of((8,), lambda torch, x: x * x)),
    row("tanh of 8, forward + backward", (TINY, CAPTURED), gradient_of((8,), lambda torch, x: torch.tanh(x))),
    *[
        row(f"{name}, {dtype}", (LARGE, CAPTURED), setup, rtol)
        for dtype, rtol in (("float32", 1e-3), ("float16", 2e-2), ("bfloat16", 1e-1))
        for name, setup in (
            ("tanh/exp chain on 1e7", gradient_of((10**7,), chain, dtype)),
            ("softmax of 4096 rows of 4096", gradient_of((4096, 4096), lambda torch, x: x.softmax(-1).square(), dtype)),
            ("product of 2048²", product(2048, dtype)),
            ("MLP 256×1024³-10, CE, Adam", training(perceptron(1024, 1024, 1024, 10), (256, 1024), 10, dtype)),
        )
    ],
    row("CNN 64×(3,32,32), CE, Adam", (LARGE, CAPTURED), training(convolutional, (64, 3, 32, 32), 10)),
    row("transformer 16×64×128, CE, Adam", (LARGE, CAPTURED), training(transformer, (16, 64), 64)),
]
