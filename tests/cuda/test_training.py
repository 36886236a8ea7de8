"""Layers, losses and optimizers compute on a GPU what they compute on the CPU."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

import nbautograd as nb
from nbautograd import nn
from nbautograd.nn import functional as F  # noqa: N812

pytestmark = pytest.mark.gpu


def numbers(*shape: int) -> nb.Tensor:
    return nb.randn(*shape, generator=nb.Generator().manual_seed(5))


CLASSES = nb.tensor([0, 1, 2, 1])
LAYERS: dict[str, tuple[Callable[[], nn.Module], *tuple[nb.Tensor, ...]]] = {
    "bilinear": (lambda: nn.Bilinear(3, 2, 4), numbers(5, 3), numbers(5, 2)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1), numbers(2, 2, 7)),
    "conv2d in groups": (lambda: nn.Conv2d(4, 4, 3, groups=2), numbers(2, 4, 8, 8)),
    "conv3d": (lambda: nn.Conv3d(1, 2, 2), numbers(2, 1, 4, 4, 4)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2), numbers(2, 2, 4, 4)),
    "batch norm": (lambda: nn.BatchNorm2d(3), numbers(2, 3, 4, 4)),
    "layer norm": (lambda: nn.LayerNorm(5), numbers(3, 5)),
    "group norm": (lambda: nn.GroupNorm(2, 4), numbers(2, 4, 3)),
    "instance norm": (lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), numbers(2, 3, 4, 4)),
    "rms norm": (lambda: nn.RMSNorm(4), numbers(3, 4)),
    "max pool": (lambda: nn.MaxPool2d(3, 2, 1), numbers(2, 2, 7, 7)),
    "average pool": (lambda: nn.AdaptiveAvgPool2d(3), numbers(2, 2, 7, 7)),
    "fractional pool": (lambda: nn.FractionalMaxPool2d(2, output_size=(3, 3)), numbers(1, 2, 7, 7)),
    "embedding": (lambda: nn.Embedding(10, 3, padding_idx=0, max_norm=1.0), nb.tensor([[1, 2, 0], [4, 5, 9]])),
    "bags": (lambda: nn.EmbeddingBag(10, 3, mode="max"), nb.tensor([[1, 2], [4, 5]])),
    "rnn": (lambda: nn.RNN(3, 4, 2), numbers(5, 2, 3)),
    "lstm": (lambda: nn.LSTM(3, 4, 2, bidirectional=True), numbers(5, 2, 3)),
    "gru": (lambda: nn.GRU(3, 4, batch_first=True), numbers(2, 5, 3)),
    "lstm cell": (lambda: nn.LSTMCell(3, 4), numbers(2, 3)),
    "attention": (lambda: nn.MultiheadAttention(4, 2), numbers(3, 2, 4), numbers(3, 2, 4), numbers(3, 2, 4)),
    "transformer": (lambda: nn.Transformer(4, 2, 1, 1, 8, 0.0), numbers(3, 2, 4), numbers(2, 2, 4)),
    "prelu": (nn.PReLU, numbers(4, 4)),
    "upsample": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), numbers(1, 2, 4, 4)),
    "unfold": (lambda: nn.Unfold(2), numbers(1, 2, 4, 4)),
    "adaptive softmax": (lambda: nn.AdaptiveLogSoftmaxWithLoss(6, 10, [4]), numbers(5, 6), nb.tensor([1, 5, 9, 0, 3])),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), numbers(4, 3)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)), numbers(4, 3)),
    "orthogonal": (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(3, 3)), numbers(4, 3)),
}
LOSSES: dict[str, tuple[Callable[..., nb.Tensor], *tuple[nb.Tensor, ...]]] = {
    "cross entropy": (lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1, ignore_index=1), numbers(4, 3), CLASSES),
    "soft classes": (lambda x, y: F.cross_entropy(x, y.softmax(1)), numbers(4, 3), numbers(4, 3)),
    "nll": (lambda x, y: F.nll_loss(x.log_softmax(1), y), numbers(4, 3), CLASSES),
    "logits": (lambda x, y: F.binary_cross_entropy_with_logits(x, y.sigmoid()), numbers(4), numbers(4)),
    "mse": (F.mse_loss, numbers(4), numbers(4)),
    "huber": (F.huber_loss, numbers(4), numbers(4)),
    "margin": (F.multi_margin_loss, numbers(4, 3), CLASSES),
    "ctc": (
        lambda x, y: F.ctc_loss(x.log_softmax(-1), y, nb.tensor([6, 6]), nb.tensor([2, 2])),
        numbers(6, 2, 3),
        nb.tensor([[1, 2], [2, 1]]),
    ),
    "triplet": (F.triplet_margin_loss, numbers(2, 4), numbers(2, 4) + 1, numbers(2, 4) - 1),
    "attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        *(numbers(2, 3, 4) for _ in range(3)),
    ),
    "samples of a grid": (
        lambda x, g: F.grid_sample(x, g.tanh(), align_corners=False),
        numbers(1, 2, 4, 4),
        numbers(1, 3, 3, 2),
    ),
}


def found(run: Callable[..., Any], parameters: Any, inputs: tuple[nb.Tensor, ...], device: str) -> list[nb.Tensor]:
    """The result and all gradients, on the CPU."""
    nb.manual_seed(1)
    given = [t.to(device).requires_grad_(t.is_floating_point()) for t in (t.clone() for t in inputs)]
    out = run(*given)
    out = out[0] if isinstance(out, tuple) else out
    out.square().sum().backward()
    leaves = [t for t in (*given, *parameters()) if t.grad is not None]
    assert all(t.grad.device.type == device for t in leaves)
    return [t.detach().cpu() for t in (out, *(leaf.grad for leaf in leaves))]


def assert_alike(here: list[nb.Tensor], there: list[nb.Tensor]) -> None:
    for a, b in zip(here, there, strict=True):
        nb.testing.assert_close(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_the_same_on_both_devices(name: str):
    make, *inputs = LAYERS[name]
    both = []
    for device in ("cpu", "cuda"):
        nb.manual_seed(0)
        layer = make().to(device)
        both.append(found(layer, layer.parameters, tuple(inputs), device))
    assert_alike(*both)


@pytest.mark.parametrize("name", LOSSES)
def test_a_function_computes_the_same_on_both_devices(name: str):
    function, *inputs = LOSSES[name]
    assert_alike(*(found(function, list, tuple(inputs), device) for device in ("cpu", "cuda")))


def test_what_a_layer_draws_on_a_gpu_it_draws_there():
    layer = nn.LazyLinear(3).cuda()
    assert layer(numbers(2, 4).cuda()).is_cuda
    assert layer.weight.is_cuda
    assert 0 < layer.weight.abs().max() <= 0.5
    x = numbers(400).cuda().requires_grad_()
    y = F.dropout(x, 0.25)
    y.sum().backward()
    kept = x.grad != 0
    assert 240 < kept.sum() < 350
    nb.testing.assert_close(y, x / 0.75 * kept)
    hard = F.gumbel_softmax(nb.zeros(300, 3, device="cuda"), hard=True)
    assert hard.sum(1).tolist() == [1] * 300
    assert hard.sum(0).min() > 60


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True}, "Adam": {}, "AdamW": {"amsgrad": True}, "Adagrad": {},
    "Adadelta": {}, "Adamax": {}, "NAdam": {}, "RAdam": {}, "ASGD": {}, "RMSprop": {"centered": True, "momentum": 0.5},
    "Rprop": {}, "LBFGS": {}, "Adafactor": {}, "Muon": {},
}  # fmt: skip


def trained(name: str, device: str) -> nb.Tensor:
    """What a layer's weight has become after a few steps, one of them with the state saved and loaded."""
    nb.manual_seed(0)
    model, x = nn.Linear(3, 3, bias=False).to(device), numbers(6, 3).to(device)
    optimizer = getattr(nb.optim, name)(model.parameters(), **OPTIMIZERS[name])

    def loss() -> nb.Tensor:
        optimizer.zero_grad()
        value = model(x).tanh().square().mean()
        value.backward()
        return value

    for _ in range(4):
        optimizer.step(loss)
        file = io.BytesIO()
        nb.save(optimizer.state_dict(), file)
        file.seek(0)
        optimizer.load_state_dict(nb.load(file))
    return model.weight.detach().cpu()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_the_same_on_both_devices(name: str):
    assert_alike([trained(name, "cpu")], [trained(name, "cuda")])


def test_scaled_steps_in_float16_run():
    model = nn.Linear(4, 4).cuda()
    optimizer, scaler = nb.optim.SGD(model.parameters(), lr=0.1), nb.amp.GradScaler("cuda")
    losses = []
    for _ in range(4):
        with nb.autocast("cuda", dtype=nb.float16):
            out = model(numbers(2, 4).cuda())
        assert out.dtype is nb.float16
        loss = out.float().square().mean()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_transforms_stay_on_the_gpu():
    x, w = numbers(3, 4).cuda(), numbers(4).cuda()

    def loss(w: nb.Tensor) -> nb.Tensor:
        return (x @ w).square().sum()

    assert_alike([nb.func.hessian(lambda w: (x.cpu() @ w).square().sum())(w.cpu())], [nb.func.hessian(loss)(w).cpu()])
    assert nb.func.jvp(loss, (w,), (w,))[1].is_cuda
    assert nb.func.vmap(nb.func.grad(lambda w, r: (r @ w).tanh()), in_dims=(None, 0))(w, x).is_cuda
    assert nb.autograd.functional.jacobian(nb.tanh, w).is_cuda
    assert nb.autograd.gradcheck(nb.tanh, w.double().requires_grad_())


DISTRIBUTIONS: dict[str, Callable[[Any, nb.Tensor], Any]] = {
    "normal": lambda d, one: d.Normal(one, one),
    "bernoulli": lambda d, one: d.Bernoulli(one * 0.3),
    "categorical": lambda d, one: d.Categorical(one / 3),
    "one hot": lambda d, one: d.OneHotCategorical(one / 3),
    "gamma": lambda d, one: d.Gamma(one, one),
    "beta": lambda d, one: d.Beta(one, one),
    "dirichlet": lambda d, one: d.Dirichlet(one),
    "poisson": lambda d, one: d.Poisson(one),
    "student": lambda d, one: d.StudentT(one * 3),
    "multivariate": lambda d, one: d.MultivariateNormal(one, nb.eye(3, device="cuda")),
    "binomial": lambda d, one: d.Binomial(5, one * 0.4),
    "multinomial": lambda d, one: d.Multinomial(4, one / 3),
    "von Mises": lambda d, one: d.VonMises(one, one),
    "Wishart": lambda d, one: d.Wishart(one[0] * 4, nb.eye(3, device="cuda")),
    "LKJ": lambda d, one: d.LKJCholesky(3, one[0]),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_distribution_draws_on_the_gpu(name: str):
    made = DISTRIBUTIONS[name](nb.distributions, nb.ones(3, device="cuda"))
    sample = made.sample()
    assert sample.is_cuda
    assert made.log_prob(sample).is_cuda


def test_a_batch_is_handed_out_in_pieces():
    x = numbers(5, 2).requires_grad_()
    pieces = nn.parallel.scatter(x, [0, "cuda:0"])
    assert [p.device.type for p in pieces] == ["cuda", "cuda"]
    assert [tuple(p.shape) for p in pieces] == [(3, 2), (2, 2)]
    (pieces[0].sum() + 2 * pieces[1].sum()).backward()
    assert x.grad[:, 0].tolist() == [1, 1, 1, 2, 2]
    both = nn.parallel.scatter({"x": [x, "word"], "y": (x, None)}, [0, 0])
    assert [tuple(b["x"][0].shape) for b in both] == [(3, 2), (2, 2)]
    assert [(b["x"][1], type(b["y"]), b["y"][1]) for b in both] == [("word", tuple, None)] * 2


def test_what_is_changed_in_place_keeps_its_history():
    both = []
    for device in ("cpu", "cuda"):
        x = numbers(4, 4).to(device).requires_grad_()
        y = x * 2
        y[0] = 0
        y[1:3].mul_(3)
        y[:, 1] += y[:, 2]
        y[y > 1] = 5.0
        y[nb.tensor([3, 3], device=device), nb.tensor([2, 3], device=device)] = x[0, :2]
        y.diagonal().add_(x[1])
        y.square().sum().backward()
        both.append([y.detach().cpu(), x.grad.cpu()])
    assert_alike(*both)


def test_bfloat16_computes_the_same_on_both_devices():
    pytest.importorskip("ml_dtypes")
    both = []
    for device in ("cpu", "cuda"):
        nb.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 3)).to(device, nb.bfloat16)
        optimizer = nb.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            out = model(numbers(5, 4).to(device, nb.bfloat16))
            assert out.dtype is nb.bfloat16
            F.cross_entropy(out.float(), nb.tensor([0, 1, 2, 1, 0]).to(device)).backward()
            optimizer.step()
        both.append([p.detach().float().cpu() for p in model.parameters()])
    for a, b in zip(*both, strict=True):
        nb.testing.assert_close(b, a, rtol=2e-2, atol=2e-2)
