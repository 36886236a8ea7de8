"""Models of sequences: recurrent cells step by step, a recurrent layer, and a small transformer trained with AdamW."""

import numpy

from benchmarks.row import AtMost, Row, Side
from benchmarks.training import cross_entropy_of, gradients_of, trained


def alike(shapes):
    """Numbers for parameters that are the same in every library."""
    draw = numpy.random.default_rng(1)
    return [numpy.float32(draw.uniform(-1, 1, shape) / max(shape) ** 0.5) for shape in shapes]


def set_alike(torch, module):
    parameters = list(module.parameters())
    with torch.no_grad():
        for p, numbers in zip(parameters, alike([tuple(p.shape) for p in parameters]), strict=True):
            p.copy_(torch.tensor(numbers))
    return module


def recurrent_row(name, goals, make, run, shape, hidden, gates, advance, whole=False):
    """A row for the gradients of `run(torch, module, x)`.

    `advance(jax, from_x, from_h, state)` is one step for JAX; the loss is of all steps where `whole`, else of the last.
    """
    row = Row(name, goals, rtol=1e-3)
    _, batch, inputs = shape
    numbers = numpy.float32(numpy.random.default_rng(0).standard_normal(shape))

    @row.of("nbautograd", "torch")
    def modules(torch):
        module, x = set_alike(torch, make(torch.nn)(inputs, hidden)), torch.tensor(numbers)

        def step():
            module.zero_grad()
            run(torch, module, x).backward()

        return Side(step, lambda: gradients_of(module))

    @row.of("JAX")
    def compiled(jax):
        def loss(parameters):
            of_x, of_h, b_x, b_h = parameters

            def step(state, part):
                state = advance(jax, part @ of_x.T + b_x, state[0] @ of_h.T + b_h, state)
                return state, state[0]

            zeros = jax.numpy.zeros((batch, hidden))
            _, outputs = jax.lax.scan(step, (zeros, zeros), jax.numpy.asarray(numbers))
            return jax.numpy.square(outputs if whole else outputs[-1]).mean()

        wide = gates * hidden
        start = [jax.numpy.asarray(p) for p in alike([(wide, inputs), (wide, hidden), (wide,), (wide,)])]
        gradients = jax.jit(jax.grad(loss))
        return Side(lambda: jax.block_until_ready(gradients(start)), lambda: gradients(start)[:1])

    return row


def last_hidden(torch, cell, x):
    state = None
    for part in x:
        state = cell(part, state)
    return (state[0] if isinstance(state, tuple) else state).square().mean()


def lstm(jax, from_x, from_h, state):
    i, f, g, o = jax.numpy.split(from_x + from_h, 4, 1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
    return jax.nn.sigmoid(o) * jax.numpy.tanh(c), c


def gru(jax, from_x, from_h, state):
    (r, z, n), (hr, hz, hn) = jax.numpy.split(from_x, 3, 1), jax.numpy.split(from_h, 3, 1)
    z = jax.nn.sigmoid(z + hz)
    n = jax.numpy.tanh(n + jax.nn.sigmoid(r + hr) * hn)
    return (1 - z) * n + z * state[0], state[1]


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

    return Side(step, lambda: gradients_of(model)[::-1])  # JAX tells the last one


@gpt_row.of("JAX")
def gpt_compiled(jax):
    np, nn = jax.numpy, jax.nn
    start = alike(gpt_shapes())
    tokens = numpy.random.default_rng(0).integers(0, VOCABULARY, (8, LENGTH + 1))
    text, following = tokens[:, :-1], tokens[:, 1:]

    def norm(h, weight, bias):
        h = h - h.mean(-1, keepdims=True)
        return h / np.sqrt(np.square(h).mean(-1, keepdims=True) + 1e-5) * weight + bias

    def loss_of(parameters):
        of = iter(parameters)
        h = next(of)[text] + next(of)
        for _ in range(LAYERS):
            x = norm(h, next(of), next(of))
            parts = (x @ next(of).T + next(of)).reshape(8, LENGTH, 3, HEADS, WIDTH // HEADS)
            mixed = nn.dot_product_attention(parts[:, :, 0], parts[:, :, 1], parts[:, :, 2], is_causal=True)
            h = h + mixed.reshape(8, LENGTH, WIDTH) @ next(of).T + next(of)
            x = norm(h, next(of), next(of))
            x = nn.gelu(x @ next(of).T + next(of), approximate=False)
            h = h + x @ next(of).T + next(of)
        logits = norm(h, next(of), next(of)) @ next(of).T
        return cross_entropy_of(jax, logits.reshape(-1, VOCABULARY), following.reshape(-1))

    return trained(jax, loss_of, start, 1e-4, 0.01, lambda loss, gradients: gradients[-1])


def gpt_shapes():
    """Of the parameters, in the order of torch's modules."""
    norm = [(WIDTH,), (WIDTH,)]
    attention = [(3 * WIDTH, WIDTH), (3 * WIDTH,), (WIDTH, WIDTH), (WIDTH,)]
    perceptron = [(4 * WIDTH, WIDTH), (4 * WIDTH,), (WIDTH, 4 * WIDTH), (WIDTH,)]
    block = [*norm, *attention, *norm, *perceptron]
    return [(VOCABULARY, WIDTH), (LENGTH, WIDTH), *block * LAYERS, *norm, (VOCABULARY, WIDTH)]


ROWS = [
    recurrent_row(
        "LSTM cells, 100 steps",
        (AtMost(0.85), AtMost(0.5, of="captured")),
        lambda nn: nn.LSTMCell,
        last_hidden,
        (100, 4, 8),
        *(16, 4, lstm),
    ),
    recurrent_row(
        "GRU cells, 100 steps",
        (AtMost(0.85), AtMost(0.5, of="captured")),
        lambda nn: nn.GRUCell,
        last_hidden,
        (100, 4, 8),
        *(16, 3, gru),
    ),
    recurrent_row(
        "nn.LSTM, 50 steps",
        (AtMost(1.5), AtMost(1.2, of="with numba")),
        lambda nn: nn.LSTM,
        lambda torch, lstm, x: lstm(x)[0].square().mean(),
        (50, 16, 32),
        *(64, 4, lstm, True),
    ),
    gpt_row,
]
