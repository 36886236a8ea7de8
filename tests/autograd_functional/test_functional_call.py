"""Modules as functions of their parameters, beside PyTorch's."""

import pytest

import nbautograd

from .both import check, check_refused

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


def net(lib):
    """Two layers that share their weight, and a count of calls."""
    torch = lib.torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
            self.b.weight = self.a.weight
            self.register_buffer("n", torch.zeros(2))

        def forward(self, x, k=1):
            self.n.add_(1)
            return self.b(self.a(x)) * k + self.n

    made = Net()
    with torch.no_grad():
        for i, p in enumerate(made.parameters()):
            p.copy_(torch.arange(float(p.numel())).reshape(p.shape) + i)
    return made


def others(model):
    return {name: p.detach() * 2 for name, p in model.named_parameters()}


def called(*args, **settings):
    """The result of a call with other tensors, and what the module and its buffer are afterwards."""

    def program(lib):
        model, x = net(lib), lib.torch.ones(1, 2)
        given = args[0](model, lib.torch)
        result = lib.func.functional_call(model, given, *(args[1:] or ((x,),)), **settings)
        return result, model(x), sorted(model.state_dict()), given

    return program


CALLS = {
    "parameters": called(lambda m, torch: others(m)),
    "a tensor without brackets": lambda lib: lib.func.functional_call(net(lib), others(net(lib)), lib.torch.ones(1, 2)),
    "keywords": lambda lib: lib.func.functional_call(net(lib), others(net(lib)), lib.torch.ones(1, 2), {"k": 2}),
    "nothing": called(lambda m, torch: {}),
    "several dicts": called(lambda m, torch: (others(m), {"n": torch.ones(2)})),
    "the second name": called(lambda m, torch: {"b.weight": torch.ones(2, 2)}),
    "the second name alone": called(lambda m, torch: {"b.weight": torch.ones(2, 2)}, tie_weights=False),
    "both names alike": called(lambda m, torch: dict.fromkeys(("a.weight", "b.weight"), torch.ones(2, 2))),
    "both names apart": called(
        lambda m, torch: {"a.weight": torch.ones(2, 2), "b.weight": torch.zeros(2, 2)}, tie_weights=False
    ),
    "an unknown name": called(lambda m, torch: {"z": torch.ones(2), "a.z": torch.ones(2)}),
    "no bias": called(lambda m, torch: {"a.bias": None}),
    "strict": called(lambda m, torch: {**others(m), "n": torch.ones(2)}, strict=True),
}


@pytest.mark.parametrize("program", CALLS.values(), ids=CALLS)
def test_a_call_with_other_tensors_leaves_the_module_as_it_was(program):
    check(program)


REFUSED = {
    "a name twice": called(lambda m, torch: (others(m), others(m))),
    "no dict inside": called(lambda m, torch: [others(m), 3]),
    "no dict": called(lambda m, torch: 3),
    "no such module": called(lambda m, torch: {"q.z": torch.ones(2)}),
    "missing": called(lambda m, torch: others(m), strict=True),
    "missing and unknown": called(lambda m, torch: {**others(m), "z": torch.ones(2)}, strict=True),
    "tied and different": called(lambda m, torch: {"a.weight": torch.ones(2, 2), "b.weight": torch.zeros(2, 2)}),
    "no models": lambda lib: lib.func.stack_module_state([]),
    "other modes": lambda lib: lib.func.stack_module_state([net(lib), net(lib).eval()]),
    "other classes": lambda lib: lib.func.stack_module_state([net(lib), lib.torch.nn.ReLU()]),
    "frozen and not": lambda lib: lib.func.stack_module_state([net(lib), net(lib).requires_grad_(False)]),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_pytorchs_words(program):
    check_refused(program)


def test_a_module_that_fails_gets_its_parameters_back():
    model = nbautograd.nn.Linear(2, 2)
    weight = model.weight
    with pytest.raises(RuntimeError):
        nbautograd.func.functional_call(model, {"weight": nbautograd.ones(3, 3)}, nbautograd.ones(1, 2))
    assert model.weight is weight


def test_batch_normalisation_without_statistics_changes_nothing_in_place():
    def program(lib):
        model = lib.torch.nn.Sequential(lib.torch.nn.BatchNorm1d(2), lib.torch.nn.ReLU())
        same = lib.func.replace_all_batch_norm_modules_(model) is model
        x = lib.torch.tensor([[1.0, 2.0], [3.0, 5.0]])
        return same, sorted(model.state_dict()), model(x), model.eval()(x)

    check(program)


# --- what tutorials do --------------------------------------------------------------------------------------------


def classifier(lib):
    torch = lib.torch
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.linspace(-1, 1, p.numel(), dtype=torch.float64).reshape(p.shape).sin())
    x = torch.linspace(-1, 1, 15, dtype=torch.float64).reshape(5, 3)
    return model, x, torch.tensor([0, 1, 0, 1, 1])


def test_gradients_of_every_sample():
    def program(lib):
        model, x, y = classifier(lib)
        params = {k: p.detach() for k, p in model.named_parameters()}

        def loss(params, x, y):
            out = lib.func.functional_call(model, params, (x.unsqueeze(0),))
            return lib.F.cross_entropy(out, y.unsqueeze(0))

        return lib.func.vmap(lib.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)

    check(program)


def test_an_ensemble_of_models():
    def program(lib):
        models = [classifier(lib)[0] for _ in range(3)]
        for i, model in enumerate(models):
            with lib.torch.no_grad():
                model[0].bias.add_(i)
        params, buffers = lib.func.stack_module_state(models)

        def call(params, buffers, x):
            return lib.func.functional_call(models[0], (params, buffers), (x,))

        return params, lib.func.vmap(call, in_dims=(0, 0, None))(params, buffers, classifier(lib)[1])

    check(program)


def test_the_kernel_of_a_network_two_ways():
    def program(lib):
        model, x, _ = classifier(lib)
        params = {k: p.detach() for k, p in model.named_parameters()}

        def single(params, x):
            return lib.func.functional_call(model, params, (x.unsqueeze(0),)).squeeze(0)

        def contracted(x1, x2):
            j1, j2 = (lib.func.vmap(lib.func.jacrev(single), (None, 0))(params, x) for x in (x1, x2))
            pairs = zip([j.flatten(2) for j in j1.values()], [j.flatten(2) for j in j2.values()], strict=True)
            return sum(lib.torch.einsum("Naf,Mbf->NMab", a, b) for a, b in pairs)

        def by_products(x1, x2):
            def pair(x1, x2):
                def pushed(v):
                    (u,) = lib.func.vjp(lambda p: single(p, x2), params)[1](v)
                    return lib.func.jvp(lambda p: single(p, x1), (params,), (u,))[1]

                return lib.func.vmap(pushed)(lib.torch.eye(2, dtype=lib.torch.float64))

            return lib.func.vmap(lib.func.vmap(pair, (None, 0)), (0, None))(x1, x2)

        return contracted(x[:2], x[2:]), by_products(x[:2], x[2:])

    check(program)


def test_forward_mode_through_a_module():
    def program(lib):
        model, x, _ = classifier(lib)
        tangents = {name: p.detach().cos() for name, p in model.named_parameters()}
        plain = lib.func.jvp(
            lambda p: lib.func.functional_call(model, p, (x,)),
            ({name: p.detach() for name, p in model.named_parameters()},),
            (tangents,),
        )
        with lib.forward.dual_level():
            for name, p in list(model.named_parameters()):
                part, _, key = name.rpartition(".")
                owner = model.get_submodule(part)
                delattr(owner, key)
                setattr(owner, key, lib.forward.make_dual(p.detach(), tangents[name]))
            by_hand = lib.forward.unpack_dual(model(x))
        return plain, by_hand

    check(program)
