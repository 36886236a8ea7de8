"""Models of sequences: recurrent cells step by step, a recurrent layer, and a small transformer trained with AdamW."""

import numpy

from benchmarks.row import AtMost, Row, Side


def set_alike(torch, module):
    """Give a module's parameters numbers that are the same in every library."""
    draw = numpy.random.default_rng(1)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.tensor(numpy.float32(draw.uniform(-1, 1, tuple(p.shape)) / max(p.shape) ** 0.5)))
    return module


def module_row(name, goals, make, run, shape, classes=None):
    """A row for the gradients of `run(torch, module, x)`."""
    row = Row(name, goals, rtol=1e-3)
    draw = numpy.random.default_rng(0)
    numbers = numpy.float32(draw.standard_normal(shape)) if classes is None else draw.integers(0, classes, shape)

    @row.of("nbautograd", "torch")
    def modules(torch):
        module, x = set_alike(torch, make(torch.nn)), torch.tensor(numbers)
        first = next(iter(module.parameters()))

        def step():
            module.zero_grad()
            run(torch, module, x).backward()

        return Side(step, lambda: [first.grad.numpy()])

    return row


def unrolled_lstm(torch, cell, x):
    state = None
    for part in x:
        state = cell(part, state)
    return state[0].square().mean()


def unrolled_gru(torch, cell, x):
    state = None
    for part in x:
        state = cell(part, state)
    return state.square().mean()


VOCABULARY, WIDTH, HEADS, LAYERS, LENGTH = 65, 128, 4, 4, 64


def gpt(nn):
    blocks = [
        nn.ModuleDict(
            {
                "norm1": nn.LayerNorm(WIDTH),
                "qkv": nn.Linear(WIDTH, 3 * WIDTH),
                "out": nn.Linear(WIDTH, WIDTH),
                "norm2": nn.LayerNorm(WIDTH),
                "mlp": nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)),
            }
        )
        for _ in range(LAYERS)
    ]
    return nn.ModuleDict(
        {
            "tokens": nn.Embedding(VOCABULARY, WIDTH),
            "places": nn.Embedding(LENGTH, WIDTH),
            "blocks": nn.ModuleList(blocks),
            "norm": nn.LayerNorm(WIDTH),
            "head": nn.Linear(WIDTH, VOCABULARY, bias=False),
        }
    )


def gpt_loss(torch, model, tokens):
    functional = torch.nn.functional
    text, following = tokens[:, :-1], tokens[:, 1:]
    batch, length = text.shape
    h = model["tokens"](text) + model["places"](torch.arange(length))
    for block in model["blocks"]:
        parts = block["qkv"](block["norm1"](h)).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        h = h + block["out"](mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        h = h + block["mlp"](block["norm2"](h))
    logits = model["head"](model["norm"](h))
    return functional.cross_entropy(logits.reshape(-1, VOCABULARY), following.reshape(-1))


gpt_row = Row(
    "GPT, 4 layers, AdamW", (AtMost(1.2), AtMost(0.95, of="with numba"), AtMost(0.9, of="captured")), rtol=1e-3
)


@gpt_row.of("nbautograd", "torch")
def gpt_modules(torch):
    model = set_alike(torch, gpt(torch.nn))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    tokens = torch.tensor(numpy.random.default_rng(0).integers(0, VOCABULARY, (8, LENGTH + 1)))

    def step():
        optimizer.zero_grad()
        gpt_loss(torch, model, tokens).backward()
        optimizer.step()

    return Side(step, lambda: [model["head"].weight.grad.numpy()])


ROWS = [
    module_row(
        "LSTM cells, 100 steps",
        (AtMost(0.85), AtMost(0.5, of="captured")),
        lambda nn: nn.LSTMCell(8, 16),
        unrolled_lstm,
        (100, 4, 8),
    ),
    module_row(
        "GRU cells, 100 steps",
        (AtMost(0.85), AtMost(0.5, of="captured")),
        lambda nn: nn.GRUCell(8, 16),
        unrolled_gru,
        (100, 4, 8),
    ),
    module_row(
        "nn.LSTM, 50 steps",
        (AtMost(1.5), AtMost(1.2, of="with numba")),
        lambda nn: nn.LSTM(32, 64),
        lambda torch, lstm, x: lstm(x)[0].square().mean(),
        (50, 16, 32),
    ),
    gpt_row,
]
