"""Hooks round calls, backward, saving and loading are called when and with what PyTorch calls them."""

import warnings

import pytest

import nbautograd


def both():
    torch = pytest.importorskip("torch")
    return nbautograd, torch


def net(library):
    inner = library.nn.Sequential(library.nn.Linear(2, 2), library.nn.Tanh())
    return library.nn.Sequential(inner, library.nn.Linear(2, 1))


def calls_of(library, register):
    calls = []
    model = net(library)
    register(library, model, calls)
    return model, calls


def test_hooks_round_saving_see_the_same_in_the_same_order():
    found = []
    for library in both():

        def register(library, model, calls):
            for name, module in model.named_modules():
                module.register_state_dict_pre_hook(
                    lambda m, prefix, keep, n=name: calls.append(("before", n, prefix, keep))
                )
                module.register_state_dict_post_hook(
                    lambda m, state, prefix, meta, n=name: calls.append(("after", n, prefix, sorted(state), dict(meta)))
                )

        model, calls = calls_of(library, register)
        model.state_dict()
        found.append(calls)
    assert found[0] == found[1]


def test_a_hook_after_saving_changes_the_state_in_place_but_returns_nothing():
    for library in both():
        model = net(library)
        model.register_state_dict_post_hook(lambda m, state, prefix, meta: state.pop("1.bias") and None)
        handle = model[0].register_state_dict_post_hook(lambda m, state, prefix, meta: state)
        with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
            model.state_dict()
        handle.remove()
        assert list(model.state_dict()) == ["0.0.weight", "0.0.bias", "1.weight"]


def test_hooks_round_loading_see_the_same_in_the_same_order():
    found = []
    for library in both():

        def register(library, model, calls):
            for name, module in model.named_modules():
                module.register_load_state_dict_pre_hook(
                    lambda m, state, prefix, meta, strict, missing, unexpected, errors, n=name: calls.append(
                        ("before", n, prefix, strict, list(missing), list(unexpected), list(errors))
                    )
                )
                module.register_load_state_dict_post_hook(
                    lambda m, keys, n=name: calls.append(("after", n, list(keys.missing_keys)))
                )

        model, calls = calls_of(library, register)
        state = model.state_dict()
        del state["1.bias"]
        model.load_state_dict(state, strict=False)
        found.append(calls)
    assert found[0] == found[1]


def test_a_hook_before_loading_renames_and_one_after_forgives():
    for library in both():
        model = net(library)
        state = model.state_dict()
        state["1.old_weight"] = state.pop("1.weight")

        def rename(module, state, prefix, *rest):
            state[prefix + "weight"] = state.pop(prefix + "old_weight")

        model[1].register_load_state_dict_pre_hook(rename)
        assert "All keys matched" in repr(model.load_state_dict(state))
        del state["0.0.bias"]
        model.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
        model.load_state_dict(state)


def test_hooks_round_a_call_see_keyword_arguments():
    found = []
    for library in both():

        class Scale(library.nn.Module):
            def forward(self, x, by=1.0):
                return x * by

        calls = []
        module = Scale()
        module.register_forward_pre_hook(lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True)
        module.register_forward_hook(
            lambda m, args, kwargs, out, c=calls: c.append((len(args), kwargs)), with_kwargs=True
        )
        module.register_forward_pre_hook(lambda m, args, c=calls: c.append("first"), prepend=True)
        found.append((module(library.tensor(2.0), by=3.0).item(), calls))
    assert found[0] == found[1]


def test_a_hook_is_called_after_a_failure_when_asked_to():
    for library in both():

        class Broken(library.nn.Module):
            def forward(self, x):
                raise ValueError("no")

        calls = []
        module = Broken()
        module.register_forward_hook(lambda m, args, out, c=calls: c.append(out), always_call=True)
        with pytest.raises(ValueError, match="no"):
            module(library.ones(1))
        assert calls == [None]


def test_hooks_round_backward_replace_gradients():
    found = []
    for library in both():
        module = library.nn.Tanh()
        module.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
        module.register_full_backward_hook(lambda m, ins, outs: (ins[0] + outs[0],))
        x = library.tensor([0.5, -1.0], requires_grad=True)
        module(x).sum().backward()
        found.append(x.grad.tolist())
    assert found[0] == pytest.approx(found[1])


def seen_by_former_hooks(library, module, **settings):
    """What such a hook that doubles its gradient is told, the warnings of the call, and the gradient in the end."""
    seen = []

    def hook(module, ins, outs):
        seen.append((len(ins), rounded(ins[0]), len(outs), rounded(outs[0])))
        return (ins[0] * 2,)

    handle = module.register_backward_hook(hook)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
        module.register_full_backward_hook(hook)
    x = library.tensor([0.5, -1.0], requires_grad=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = module(x * 3, **settings)
    y = y if isinstance(y, library.Tensor) else y[0]
    y.sum().backward()
    handle.remove()
    module(x)
    return seen, [(w.category, str(w.message)) for w in caught], rounded(x.grad)


def rounded(t):
    return [round(number, 4) for number in t.tolist()]


def test_the_former_backward_hooks_see_the_last_op_and_warn_where_pytorchs_do():
    found = []
    for library in both():

        class Two(library.nn.Module):
            def forward(self, x, nested=False, apart=False):
                y = x.tanh().exp()
                return [y] if nested else (y, y.sin()) if apart else y

        before = library.nn.Tanh()
        before.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
        found.append(
            [
                seen_by_former_hooks(library, library.nn.Tanh()),
                seen_by_former_hooks(library, before)[1:],
                seen_by_former_hooks(library, Two()),
                seen_by_former_hooks(library, Two(), nested=True),
                seen_by_former_hooks(library, Two(), apart=True),
            ]
        )
    for ours, theirs in zip(*found, strict=True):
        assert ours == theirs


def test_a_module_moves_without_its_numbers():
    for library in both():
        module = library.nn.Linear(2, 3)
        weight = module.weight
        assert module.to_empty(device="cpu") is module
        assert module.weight is weight
        assert module.weight.shape == (3, 2)
        assert module.bfloat16().weight.dtype == library.bfloat16


def test_compiling_changes_nothing():
    module = nbautograd.nn.Linear(2, 3)
    assert module.compile(mode="max-autotune") is None
    assert module(nbautograd.ones(1, 2)).shape == (1, 3)


def test_arguments_of_the_base_class_are_refused_unless_they_are_passed_on():
    for library in both():
        with pytest.raises(TypeError, match=r"Module.__init__\(\) got an unexpected keyword argument 'size'"):
            library.nn.Module(size=3)
        with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
            library.nn.Module(3)

        class Named:
            def __init__(self, name):
                self.name = name

        class Both(library.nn.Module, Named):
            call_super_init = True

        assert Both("me").name == "me"


def test_the_hooks_of_a_module_can_be_looked_at():
    kinds = ["forward_pre", "forward", "full_backward_pre", "full_backward"]
    listed = ["_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"]
    found = []
    for library in both():
        module = library.nn.Linear(2, 3)
        seen = [[len(getattr(module, name)) for name in listed]]
        for kind in kinds:
            handle = getattr(module, f"register_{kind}_hook")(print)
            seen.append([list(getattr(module, name).values()) == [print] for name in listed])
            assert any(handle.id in getattr(module, name) for name in listed)
            handle.remove()
        found.append(seen)
    assert found[0] == found[1]
