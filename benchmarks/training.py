"""What training steps have in common: what is compared, and Adam of libraries whose whole step is one function."""

from benchmarks.row import Side

RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8


def gradients_of(module):
    """Each parameter's: Adam takes the same step from gradients twice as large, so that a loss does not tell."""
    return [parameter.grad.numpy() for parameter in module.parameters()]


def cross_entropy_of(jax, logits, target):
    """Mean loss over the batch."""
    shares = jax.nn.log_softmax(logits)
    return -jax.numpy.take_along_axis(shares, target[:, None], 1).mean()


def trained(jax, loss_of, start, rate=RATE, decay=0.0, told=lambda loss, gradients: loss):
    """A side that trains `loss_of(parameters)` with Adam, written for JAX, which brings no optimizer.

    `told` picks what is compared with torch.
    """
    np, tree = jax.numpy, jax.tree_util

    @jax.jit
    def update(parameters, means, squares, steps):
        loss, gradients = jax.value_and_grad(loss_of)(parameters)
        beta1, beta2 = BETAS

        def moved(p, mean, square):
            step = mean / (1 - beta1**steps) / (np.sqrt(square / (1 - beta2**steps)) + EPS)
            return p * (1 - rate * decay) - rate * step

        means = tree.tree_map(lambda m, g: beta1 * m + (1 - beta1) * g, means, gradients)
        squares = tree.tree_map(lambda s, g: beta2 * s + (1 - beta2) * g * g, squares, gradients)
        return told(loss, gradients), (tree.tree_map(moved, parameters, means, squares), means, squares, steps + 1)

    zeros = tree.tree_map(np.zeros_like, start)
    state, last = (tree.tree_map(np.asarray, start), zeros, zeros, np.float32(1)), []

    def step():
        nonlocal state
        loss, state = jax.block_until_ready(update(*state))
        last[:] = [loss]

    return Side(step, lambda: last)


def trained_by_tinygrad(tinygrad, loss_of, parameters):
    """A side that trains with tinygrad's Adam, the step compiled as its documentation teaches."""
    optimizer = tinygrad.nn.optim.Adam(parameters, lr=RATE, b1=BETAS[0], b2=BETAS[1], eps=EPS)
    last = []

    @tinygrad.TinyJit
    def update():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    def step():
        with tinygrad.Context(TRAINING=1):
            last[:] = [update().item()]

    return Side(step, lambda: last)
