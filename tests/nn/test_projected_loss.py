"""The cross-entropy of a linear layer, layers that were fused, and names that PyTorch has given up, are PyTorch's."""

import warnings

import numpy as np
import pytest

import nbautograd


def both():
    return nbautograd, pytest.importorskip("torch")


X = np.random.default_rng(0).normal(size=(5, 4))
W = np.random.default_rng(1).normal(size=(3, 4))
LABELS = np.array([0, 2, 1, 1, -100])
CASES = {
    "mean": (X, W, LABELS, {}),
    "sum": (X, W, LABELS, {"reduction": "sum"}),
    "none": (X, W, LABELS, {"reduction": "none", "label_smoothing": 0.1}),
    "one sample": (X[0], W, np.array(2), {}),
    "another index ignored": (X, W, LABELS.clip(0), {"ignore_index": 1}),
    "probabilities": (X, W, np.full((5, 3), 1 / 3), {}),
    "several scores": (X, np.stack([W, W * 2], 1), np.stack([LABELS, LABELS], 1), {}),
    "bias": (X, W, LABELS, {"linear_bias": np.array([0.1, -0.2, 0.3]), "weight": np.array([1.0, 2.0, 0.5])}),
}
WRONG = {
    "three dimensions": (X[None], W, LABELS, {}),
    "a vector of weights": (X, W[0], LABELS, {}),
    "features": (X[:, :3], W, LABELS, {}),
    "bias": (X, W, LABELS, {"linear_bias": np.ones(2)}),
    "one sample of several scores": (X[0], np.stack([W, W], 1), LABELS, {}),
    "probabilities and an index": (X, W, np.full((5, 3), 1 / 3), {"ignore_index": 1}),
}


def arguments(library, case):
    x, w, target, settings = case
    x, w = (library.tensor(values, requires_grad=True) for values in (x, w))
    settings = {k: library.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    return x, w, library.tensor(target), settings


@pytest.mark.parametrize("name", CASES)
def test_the_loss_of_a_linear_layer_and_its_derivatives_are_pytorchs(name):
    found = []
    for library in both():
        x, w, target, settings = arguments(library, CASES[name])
        loss = library.nn.functional.linear_cross_entropy(x, w, target, **settings)
        first = library.autograd.grad(loss.square().sum(), [x, w], create_graph=True)
        second = library.autograd.grad(sum((g * g).sum() for g in first), [x, w])
        found.append([t.detach().numpy() for t in (loss, *first, *second)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-9, 1e-12)


@pytest.mark.parametrize("name", WRONG)
def test_what_fits_no_linear_layer_is_refused_in_pytorchs_words(name):
    texts = []
    for library in both():
        x, w, target, settings = arguments(library, WRONG[name])
        with pytest.raises(RuntimeError) as caught:
            library.nn.functional.linear_cross_entropy(x, w, target, **settings)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


def test_the_module_holds_its_layer_and_prints_as_pytorchs():
    found = []
    for library in both():
        options = library.nn.LinearCrossEntropyOptions(batch_chunk_size=2)
        module = library.nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, dtype=library.float64)
        text = repr(library.nn.LinearCrossEntropyLoss(4, 3))
        with library.no_grad():
            for p in module.parameters():
                p.copy_(library.linspace(-1, 1, p.numel(), dtype=p.dtype).reshape(p.shape))
        loss = module(library.tensor(X), library.tensor(np.stack([LABELS, LABELS], 1)))
        chunked = library.nn.LinearCrossEntropyLoss(4, 3, options=options, dtype=library.float64)
        with library.no_grad():
            chunked.linear.weight.copy_(library.tensor(W))
        parts = chunked(library.tensor(X), library.tensor(LABELS))
        found.append((text, list(module.state_dict()), round(loss.item(), 9), round(parts.item(), 9)))
        with pytest.raises(RuntimeError, match=r"expected weight shape to be"):
            library.nn.LinearCrossEntropyLoss(4, 3, weight=library.ones(2))
        with pytest.raises(RuntimeError, match="expected label_smoothing to be in range"):
            library.nn.LinearCrossEntropyLoss(4, 3, label_smoothing=2.0)
        for wrong in ({"acc_policy": "?"}, {"chunking_method": "aspect_ratio:0"}, {"batch_chunk_size": 0}):
            with pytest.raises(ValueError, match=r"invalid|must be positive"):
                library.nn.LinearCrossEntropyOptions(**wrong)
    assert found[0] == found[1]


FORMER = {
    "NLLLoss2d": lambda t: t.nn.NLLLoss2d()(t.ones(1, 2, 2, 2).log_softmax(1), t.zeros(1, 2, 2, dtype=t.int64)),
    "Container": lambda t: t.nn.Container(a=t.nn.ReLU()).a(t.ones(2)),
    "upsample": lambda t: t.nn.functional.upsample(t.arange(4.0).reshape(1, 1, 2, 2), 3),
    "upsample_nearest": lambda t: t.nn.functional.upsample_nearest(t.arange(4.0).reshape(1, 1, 2, 2), scale_factor=2),
    "upsample_bilinear": lambda t: t.nn.functional.upsample_bilinear(t.arange(4.0).reshape(1, 1, 2, 2), 3),
    "clip_grad_norm": lambda t: t.nn.utils.clip_grad_norm([t.ones(2)], 1.0),
}


@pytest.mark.parametrize("name", FORMER)
def test_a_former_name_warns_and_does_what_it_did(name):
    found = []
    for library in both():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = FORMER[name](library)
        found.append((result.tolist(), [(w.category, str(w.message)) for w in caught]))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d", "Linear"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_that_took_up_its_normalisation_computes_as_both_did(kind, bias):
    found = []
    for library in both():
        library.manual_seed(0)
        layer = getattr(library.nn, kind)(3, 4, *([2] if kind != "Linear" else []), bias=bias, dtype=library.float64)
        norm = (library.nn.BatchNorm1d if kind == "Linear" else library.nn.BatchNorm2d)(4, dtype=library.float64)
        x = library.tensor(np.random.default_rng(0).normal(size=(5, 3, 4, 4) if kind != "Linear" else (5, 3)))
        with library.no_grad():
            for p in (*layer.parameters(), *norm.parameters()):
                p.copy_(library.linspace(-1, 2, p.numel(), dtype=p.dtype).reshape(p.shape))
        norm(layer(x))
        fuse = library.nn.utils.fuse_linear_bn_eval if kind == "Linear" else library.nn.utils.fuse_conv_bn_eval
        with pytest.raises(AssertionError, match="Fusion only for eval!"):
            fuse(layer, norm)
        layer.eval(), norm.eval()
        fused = fuse(layer, norm, *([True] if kind == "ConvTranspose2d" else []))
        np.testing.assert_allclose(fused(x).detach().numpy(), norm(layer(x)).detach().numpy(), 1e-9, 1e-12)
        found.append(([p.requires_grad for p in fused.parameters()], fused.weight.detach().numpy()))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], 1e-9)
