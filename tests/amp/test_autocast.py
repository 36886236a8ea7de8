"""Autocast gives each op the dtype that PyTorch's gives it, and costs nothing where it is off."""

import sys
import threading

import numpy as np
import pytest

import nbautograd
from nbautograd.core.modes import state
from tests.scenarios import named, same

DTYPES = ["float16", pytest.param("bfloat16", marks=pytest.mark.skipif("not _has_bfloat16()"))]


def _has_bfloat16():
    import importlib.util

    return importlib.util.find_spec("ml_dtypes") is not None


def two(t):
    a = t.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 1.0]], requires_grad=True)
    return a, a.detach() + 1


OPS = {
    "mm": lambda t, f, a, b, h: a @ b,
    "matrix and vector": lambda t, f, a, b, h: t.matmul(a, b[0]),
    "vectors": lambda t, f, a, b, h: t.matmul(a[0], b[0]),
    "bmm": lambda t, f, a, b, h: t.bmm(a[None], b[None]),
    "addmm": lambda t, f, a, b, h: t.addmm(b, a, b),
    "baddbmm": lambda t, f, a, b, h: t.baddbmm(a[None], a[None], b[None]),
    "linear": lambda t, f, a, b, h: f.linear(a, b, b[0]),
    "einsum": lambda t, f, a, b, h: t.einsum("ij,jk->ik", a, b),
    "tensordot": lambda t, f, a, b, h: t.tensordot(a, b, 1),
    "multi_dot": lambda t, f, a, b, h: t.linalg.multi_dot([a, b, b]),
    "outer": lambda t, f, a, b, h: t.outer(a[0], b[0]),
    "attention": lambda t, f, a, b, h: f.scaled_dot_product_attention(a[None], a[None], a[None]),
    "conv1d": lambda t, f, a, b, h: f.conv1d(a[None], b[:, :, None]),
    "conv2d": lambda t, f, a, b, h: f.conv2d(a[None, None], b[None, None]),
    "conv_transpose1d": lambda t, f, a, b, h: f.conv_transpose1d(a[None], b[:, :, None]),
    "prelu": lambda t, f, a, b, h: f.prelu(a, t.ones(1)),
    "softmax": lambda t, f, a, b, h: f.softmax(h, 0),
    "log_softmax": lambda t, f, a, b, h: f.log_softmax(h, 0),
    "layer_norm": lambda t, f, a, b, h: f.layer_norm(h, (3,)),
    "relu": lambda t, f, a, b, h: h.relu(),
    "gelu": lambda t, f, a, b, h: f.gelu(h),
    "exp": lambda t, f, a, b, h: h.exp(),
    "power": lambda t, f, a, b, h: h**2,
    "sum": lambda t, f, a, b, h: h.sum(),
    "mean": lambda t, f, a, b, h: h.mean(),
    "prod": lambda t, f, a, b, h: h.prod(),
    "trace": lambda t, f, a, b, h: h.trace(),
    "sum of dtypes": lambda t, f, a, b, h: h + b,
    "cat of dtypes": lambda t, f, a, b, h: t.cat([h, b]),
    "stack of dtypes": lambda t, f, a, b, h: t.stack([h, b]),
    "addcmul": lambda t, f, a, b, h: t.addcmul(h, h, b),
    "cosine_similarity": lambda t, f, a, b, h: f.cosine_similarity(h, b),
    "mse_loss": lambda t, f, a, b, h: f.mse_loss(h, h),
    "l1_loss": lambda t, f, a, b, h: f.l1_loss(h, b),
    "smooth_l1_loss": lambda t, f, a, b, h: f.smooth_l1_loss(h, h),
    "huber_loss": lambda t, f, a, b, h: f.huber_loss(h, h),
    "kl_div": lambda t, f, a, b, h: f.kl_div(h, h, reduction="sum"),
    "cross_entropy": lambda t, f, a, b, h: f.cross_entropy(h, t.tensor([0, 1, 2])),
    "nll_loss": lambda t, f, a, b, h: f.nll_loss(h, t.tensor([0, 1, 2])),
    "bce": lambda t, f, a, b, h: f.binary_cross_entropy_with_logits(h, h.detach().sigmoid()),
    "inv": lambda t, f, a, b, h: t.linalg.inv(h.detach() + t.eye(3)),
    "matrix_exp": lambda t, f, a, b, h: t.matrix_exp(a.detach()),
    "quantile": lambda t, f, a, b, h: t.quantile(h.detach(), 0.5),
    "avg_pool3d": lambda t, f, a, b, h: f.avg_pool3d(h[None, None, None], (1, 1, 1)),
    "avg_pool2d": lambda t, f, a, b, h: f.avg_pool2d(h[None, None], 2),
    "double": lambda t, f, a, b, h: a.double() @ b.double(),
    "mv by name": lambda t, f, a, b, h: t.mv(a, b[0]),
    "dot by name": lambda t, f, a, b, h: a[0].dot(b[0]),
    "inner": lambda t, f, a, b, h: t.inner(a[0], b[0]),
    "a vector and a matrix": lambda t, f, a, b, h: a[0] @ b,
    "stacks": lambda t, f, a, b, h: a.reshape(3, 1, 3) @ b,
    "batch_norm": lambda t, f, a, b, h: t.nn.BatchNorm1d(3)(h),
    "batch_norm by running figures": lambda t, f, a, b, h: t.nn.BatchNorm1d(3).eval()(h),
    "batch_norm of float32": lambda t, f, a, b, h: t.nn.BatchNorm1d(3)(a),
    "instance_norm": lambda t, f, a, b, h: t.nn.InstanceNorm1d(3, affine=True)(h[None]),
    "a layer norm": lambda t, f, a, b, h: t.nn.LayerNorm(3)(h),
    "a group norm": lambda t, f, a, b, h: t.nn.GroupNorm(1, 3)(h),
    "RNNCell": lambda t, f, a, b, h: t.nn.RNNCell(3, 2)(a),
    "RNNCell with a state": lambda t, f, a, b, h: t.nn.RNNCell(3, 3, nonlinearity="relu")(a, b),
    "GRUCell": lambda t, f, a, b, h: t.nn.GRUCell(3, 2)(a),
    "GRUCell of half": lambda t, f, a, b, h: t.nn.GRUCell(3, 2)(h),
    "GRUCell of half with a state": lambda t, f, a, b, h: t.nn.GRUCell(3, 3)(h, b),
    "LSTMCell": lambda t, f, a, b, h: t.nn.LSTMCell(3, 2)(a)[0],
    "LSTMCell of half": lambda t, f, a, b, h: t.nn.LSTMCell(3, 2)(h)[1],
    "GRU": lambda t, f, a, b, h: t.nn.GRU(3, 2)(a[None])[0],
    "RNN": lambda t, f, a, b, h: t.nn.RNN(3, 2)(a[None])[0],
    "a layer": lambda t, f, a, b, h: t.nn.Linear(3, 2)(a),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_an_op_has_pytorchs_dtype_under_autocast(op, dtype):
    def scenario(t):
        a, b = two(t)
        with t.autocast("cpu", dtype=getattr(t, dtype)):
            h = a @ b
            return str(op(t, t.nn.functional, a, b, h).dtype)

    same(scenario)


def recurrent_steps(t, kind):
    t.manual_seed(0)
    cell = getattr(t.nn, kind)(3, 3)
    with t.no_grad():
        for i, p in enumerate(cell.parameters()):
            p.copy_(t.linspace(-1.0, 1.0 + i / 4, p.numel()).reshape(p.shape))
    a, b = two(t)
    with t.autocast("cpu", dtype=t.float16):
        state = cell(a, None)
        for _ in range(4):
            state = cell(b, state)
    return (state[0] if kind == "LSTMCell" else state).detach().float(), cell


@pytest.mark.parametrize("kind", ["GRUCell", "LSTMCell", "RNNCell"])
def test_recurrent_steps_are_pytorchs_within_half_precision(kind):
    torch = pytest.importorskip("torch")
    expected, found = recurrent_steps(torch, kind)[0], recurrent_steps(nbautograd, kind)[0]
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=4e-3)


def test_norms_of_half_precision_are_pytorchs_also_without_autocast():
    def scenario(t):
        x = t.tensor([[0.5, 1.0], [1.5, -2.0], [0.25, 4.0]], dtype=t.float16, requires_grad=True)
        found = []
        for norm in (t.nn.BatchNorm1d(2), t.nn.BatchNorm1d(2).eval(), t.nn.LayerNorm(2), t.nn.GroupNorm(1, 2)):
            x.grad = None
            y = norm(x)
            (y * y * x).sum().backward()
            found += [str(y.dtype), str(x.grad.dtype), str(norm.weight.grad.dtype)]
        return found

    same(scenario)


# --- blocks ---


def gradients_arrive_in_the_parameters_dtype(t):
    a, b = two(t)
    with t.autocast("cpu", dtype=t.float16):
        y = a @ b
        loss = t.nn.functional.mse_loss(y, b)
    loss.backward()
    node = y.grad_fn
    return str(y.dtype), str(loss.dtype), str(a.grad.dtype), node.name(), node.next_functions[0][0].name()


def a_parameter_is_cast_once(t):
    a, b = two(t)
    found = []
    for caching in (True, False):
        with t.autocast("cpu", dtype=t.float16, cache_enabled=caching):
            (p, _), (q, _) = (a @ a).grad_fn.next_functions
            (r, _), _ = (a @ b).grad_fn.next_functions
            found.append((p is q, p is r, t.is_autocast_cache_enabled()))
    return found, t.is_autocast_cache_enabled()


def nested_blocks(t):
    a, b = two(t)
    seen = []

    def note():
        seen.append((str((a @ b).dtype), t.is_autocast_enabled("cpu"), str(t.get_autocast_dtype("cpu"))))

    with t.autocast("cpu", dtype=t.float16):
        note()
        with t.autocast("cpu", enabled=False):
            note()
            with t.autocast("cpu", dtype=t.float16):
                note()
        note()
    note()
    return seen, t.is_autocast_enabled(), str(t.get_autocast_dtype("cuda"))


def as_a_decorator(t):
    a, b = two(t)

    @t.autocast("cpu", dtype=t.float16)
    def f():
        return str((a @ b).dtype)

    return f(), str((a @ b).dtype), f(), f.__name__


def switched_by_hand(t):
    a, b = two(t)
    before = t.get_autocast_dtype("cpu")
    t.set_autocast_enabled("cpu", True)
    t.set_autocast_dtype("cpu", t.float16)
    inside = str((a @ b).dtype)
    t.set_autocast_enabled("cpu", False)
    t.set_autocast_dtype("cpu", before)
    return inside, str((a @ b).dtype)


def what_a_block_knows(t):
    block = t.autocast("cpu", dtype=t.float16)
    with block as entered:
        return entered is block, block.device, str(block.fast_dtype), t.amp.is_autocast_available("cpu")


def a_dtype_that_is_not_low(t):
    a, b = two(t)
    with t.autocast("cpu", dtype=t.float32):
        return str((a @ b).dtype), t.is_autocast_enabled("cpu")


def no_cuda(t):
    with t.autocast("cuda"):
        return t.is_autocast_enabled("cuda")


def a_custom_function(t):
    seen = []

    class Product(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu", cast_inputs=t.float32)
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            seen.append((str((a @ b).dtype), t.is_autocast_enabled("cpu")))
            return a @ b

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            seen.append(t.is_autocast_enabled("cpu"))
            return g @ b.T, a.T @ g

    a, b = two(t)
    with t.autocast("cpu", dtype=t.float16):
        y = Product.apply(a.half(), b)
    y.sum().backward()
    return seen, str(y.dtype), a.grad


@named(
    [
        gradients_arrive_in_the_parameters_dtype,
        a_parameter_is_cast_once,
        nested_blocks,
        as_a_decorator,
        switched_by_hand,
        what_a_block_knows,
        a_dtype_that_is_not_low,
        a_custom_function,
    ]
)
def test_a_block_is_pytorchs(scenario):
    same(scenario)


def test_autocast_for_cuda_turns_itself_off_without_cuda():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA")
    same(no_cuda)


WRONG = {
    "an unknown device": lambda t: t.autocast("foo"),
    "no device": lambda t: t.autocast(),
    "an unknown device asked for": lambda t: t.is_autocast_enabled("foo"),
    "a number for a device": lambda t: t.is_autocast_enabled(3),
    "custom_fwd without its device": lambda t: t.amp.custom_fwd(device_type=3),
}


@pytest.mark.parametrize("scenario", WRONG.values(), ids=WRONG)
def test_mistakes_get_pytorchs_errors(scenario):
    same(scenario, raises=True)


def test_a_cast_parameter_that_is_changed_inside_the_block_is_cast_again():
    w = nbautograd.ones(2, 2, requires_grad=True)
    with nbautograd.autocast("cpu", dtype=nbautograd.float16):
        first = w @ w
        with nbautograd.no_grad():
            w.mul_(2)
        assert (w @ w).tolist() == [[8.0, 8.0], [8.0, 8.0]]
    assert first.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_the_block_of_one_thread_is_not_anothers():
    w = nbautograd.ones(2, 2)
    seen = []
    with nbautograd.autocast("cpu", dtype=nbautograd.float16):
        thread = threading.Thread(target=lambda: seen.append((w @ w).dtype))
        thread.start()
        thread.join(60)
    assert seen == [nbautograd.float32]


def test_ops_take_the_short_path_again_after_the_block():
    before = state.special
    with nbautograd.autocast("cpu", dtype=nbautograd.float16):
        assert state.special == before + 1
    assert state.special == before


def test_without_ml_dtypes_bfloat16_says_what_to_install(monkeypatch):
    if _has_bfloat16():
        nbautograd.ones(1, dtype=nbautograd.bfloat16)  # from here on the dtype knows its array type
        monkeypatch.delattr(nbautograd.bfloat16, "numpy")
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(RuntimeError, match="pip install"), nbautograd.autocast("cpu"):
        pass
    assert not nbautograd.is_autocast_enabled("cpu")


def test_a_model_trains_in_mixed_precision():
    nbautograd.manual_seed(0)
    model = nbautograd.nn.Sequential(nbautograd.nn.Linear(2, 16), nbautograd.nn.ReLU(), nbautograd.nn.Linear(16, 1))
    optimizer = nbautograd.optim.Adam(model.parameters(), lr=0.02)
    scaler = nbautograd.amp.GradScaler("cpu")
    x = nbautograd.randn(64, 2)
    y = (x[:, :1] * x[:, 1:]).detach()
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        with nbautograd.autocast("cpu", dtype=nbautograd.float16):
            loss = nbautograd.nn.functional.mse_loss(model(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
    assert {p.dtype for p in model.parameters()} == {nbautograd.float32}


def test_the_older_path_decorates_a_custom_function_too():
    from nbautograd.cuda.amp import custom_bwd, custom_fwd

    class Twice(nbautograd.autograd.Function):
        @staticmethod
        @custom_fwd
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @custom_bwd
        def backward(ctx, g):
            return g * 2

    x = nbautograd.ones(2, requires_grad=True)
    Twice.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_a_network_are_pytorchs_within_half_precision(dtype):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    shapes = [(4, 1, 3, 3), (4,), (16, 4 * 6 * 6), (16,), (3, 16), (3,)]
    weights = [random.standard_normal(shape).astype(np.float32) * 0.3 for shape in shapes]
    images = random.standard_normal((4, 1, 8, 8)).astype(np.float32)

    def gradients(t):
        f = t.nn.functional
        w = [t.tensor(array, requires_grad=True) for array in weights]
        with t.autocast("cpu", dtype=getattr(t, dtype)):
            h = f.relu(f.conv2d(t.tensor(images), w[0], w[1])).flatten(1)
            h = f.layer_norm(f.gelu(f.linear(h, w[2], w[3])), (16,))
            loss = f.cross_entropy(f.linear(h, w[4], w[5]), t.tensor([0, 1, 2, 1]))
        loss.backward()
        return [np.array(p.grad.tolist()) for p in w]

    for ours, theirs in zip(gradients(nbautograd), gradients(torch), strict=True):
        assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()
