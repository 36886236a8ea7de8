"""A module finds its parts, saves and loads them, calls its hooks, and refuses what PyTorch refuses, in its words."""

import copy
import types

import numpy as np
import pytest

import nbautograd
from nbautograd import nn

from .both import compare, pair, same_error


def net(t):
    """A model with shared weights, a buffer, and modules in every kind of container."""

    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = t.nn.Linear(2, 3)
            self.layers = t.nn.ModuleList([t.nn.Linear(3, 3), t.nn.ReLU()])
            self.by_name = t.nn.ModuleDict({"a": t.nn.Linear(3, 3, bias=False)})
            self.again = self.first
            self.scale = t.nn.Parameter(t.ones(3))
            self.tied = self.layers[0].weight
            self.register_buffer("count", t.zeros(()))
            self.register_buffer("scratch", t.zeros(2), persistent=False)
            self.register_parameter("nothing", None)

        def forward(self, x):
            self.count += 1
            x = self.first(x)
            for layer in self.layers:
                x = layer(x)
            return self.by_name["a"](x) * self.scale

    return Net()


def sizes(pairs):
    return [(name, tuple(value.shape)) for name, value in pairs]


WALKS = {
    "parameters": lambda m: sizes(m.named_parameters()),
    "parameters, own": lambda m: sizes(m.named_parameters(recurse=False)),
    "parameters, prefixed": lambda m: sizes(m.named_parameters(prefix="net")),
    "parameters, all": lambda m: sizes(m.named_parameters(remove_duplicate=False)),
    "buffers": lambda m: sizes(m.named_buffers()),
    "children": lambda m: [(name, type(child).__name__) for name, child in m.named_children()],
    "modules": lambda m: [(name, type(child).__name__) for name, child in m.named_modules()],
    "modules, all": lambda m: [name for name, _ in m.named_modules(remove_duplicate=False)],
    "state": lambda m: sizes(m.state_dict().items()),
    "state, prefixed": lambda m: sizes(m.state_dict(prefix="net.").items()),
    "dir": lambda m: [name for name in ("first", "scale", "count") if name in dir(m)],
    "text": repr,
    "paths": lambda m: [
        type(m.get_submodule("layers.1")).__name__,
        tuple(m.get_parameter("by_name.a.weight").shape),
        tuple(m.get_buffer("count").shape),
    ],
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS)
def test_parts_are_found_as_in_pytorch(walk):
    torch = pytest.importorskip("torch")
    assert walk(net(nbautograd)) == walk(net(torch))


def test_a_whole_model_computes_as_pytorchs():
    ours, theirs = pair(net)
    compare(ours, theirs, [np.random.default_rng(0).standard_normal((4, 2))])
    assert ours.count.item() == 1


# --- attributes ---


def test_a_parameter_shares_memory_with_its_tensor_and_prints_as_one():
    data = nbautograd.tensor([1.0, 2.0])
    p = nn.Parameter(data)
    assert repr(p) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    data[0] = 5
    assert p.tolist() == [5, 2]
    assert isinstance(p, nbautograd.Tensor)
    assert p.is_leaf
    assert not nn.Parameter(data, requires_grad=False).requires_grad


def test_a_scalar_parameter_shares_memory_too():
    data = nbautograd.tensor(1.0)
    p = nn.Parameter(data)
    with nbautograd.no_grad():
        p.add_(1)
    assert data.item() == 2


def test_attributes_of_each_kind_can_be_replaced_and_deleted():
    m = nn.Module()
    m.a = nn.Parameter(nbautograd.ones(1))
    m.a = None
    assert list(m.named_parameters()) == []
    m.a = nn.Parameter(nbautograd.ones(2))
    m.b = nn.Linear(1, 1)
    m.b = nn.ReLU()
    m.register_buffer("c", nbautograd.ones(1))
    m.c = nbautograd.zeros(3)
    m.d = nn.Buffer(nbautograd.zeros(2), persistent=False)
    m.e = 3
    assert sizes(m.named_buffers()) == [("c", (3,)), ("d", (2,))]
    assert list(m.state_dict()) == ["a", "c"]
    for name in "abcde":
        delattr(m, name)
        assert not hasattr(m, name)
    m.e = nn.ReLU()
    m.e = nn.Parameter(nbautograd.ones(1))
    assert [*m.named_modules()] == [("", m)]


def changed(t, name, value):
    m = t.nn.Linear(2, 3)
    m.child = t.nn.ReLU()
    m.register_buffer("kept", t.ones(2))
    setattr(m, name, value(t))


def linear(call):
    return lambda t: call(t, t.nn.Linear(2, 3))


def without_init(t, value):
    class Bad(t.nn.Module):
        def __init__(self):
            self.part = value(t)

    Bad()


BAD = {
    "tensor as parameter": lambda t: changed(t, "weight", lambda t: t.ones(2)),
    "number as parameter": lambda t: changed(t, "weight", lambda t: 3),
    "number as module": lambda t: changed(t, "child", lambda t: 3),
    "number as buffer": lambda t: changed(t, "kept", lambda t: 3),
    "parameter before init": lambda t: without_init(t, lambda t: t.nn.Parameter(t.ones(1))),
    "module before init": lambda t: without_init(t, lambda t: t.nn.ReLU()),
    "dotted parameter": linear(lambda t, m: m.register_parameter("a.b", None)),
    "empty parameter": linear(lambda t, m: m.register_parameter("", None)),
    "numbered parameter": linear(lambda t, m: m.register_parameter(3, None)),
    "name of a method": linear(lambda t, m: m.register_parameter("forward", None)),
    "tensor registered": linear(lambda t, m: m.register_parameter("x", t.ones(2))),
    "number buffered": linear(lambda t, m: m.register_buffer("x", 3)),
    "name taken": linear(lambda t, m: m.register_buffer("weight", t.ones(2))),
    "number added": linear(lambda t, m: m.add_module("x", 3)),
    "name taken by module": linear(lambda t, m: m.add_module("weight", t.nn.ReLU())),
    "dotted module": linear(lambda t, m: m.add_module("x.y", t.nn.ReLU())),
    "empty module": linear(lambda t, m: m.add_module("", t.nn.ReLU())),
    "nothing there": linear(lambda t, m: m.nothing),
    "no forward": lambda t: t.nn.Module()(3),
    "no submodule": linear(lambda t, m: m.get_submodule("x.y")),
    "no module": linear(lambda t, m: m.get_submodule("weight")),
    "no parameter": linear(lambda t, m: m.get_parameter("zz")),
    "no buffer": linear(lambda t, m: m.get_buffer("weight")),
    "integer dtype": linear(lambda t, m: m.to(t.int32)),
    "mode": linear(lambda t, m: m.train(3)),
    "state": linear(lambda t, m: m.load_state_dict(3)),
    "integer parameter": lambda t: t.nn.Parameter(t.tensor([1])),
    "number in sequence": lambda t: t.nn.Sequential(3),
    "index": lambda t: t.nn.Sequential(t.nn.ReLU())[3],
    "number in list": lambda t: t.nn.ModuleList([1]),
    "number for list": lambda t: t.nn.ModuleList(3),
    "list called": lambda t: t.nn.ModuleList()(3),
    "number in dict": lambda t: t.nn.ModuleDict({"a": 2}),
    "number for dict": lambda t: t.nn.ModuleDict(3),
    "sum with number": lambda t: t.nn.Sequential() + 3,
    "parameters called": lambda t: t.nn.ParameterList()(3),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_bad_input_gets_pytorchs_error(make):
    pytest.importorskip("torch")
    same_error(make)


# --- modes, moving, clearing ---


def test_modes_reach_every_module_and_chain():
    m = net(nbautograd)
    assert not any(part.training for part in m.eval().modules())
    assert all(part.training for part in m.train().modules())


def test_apply_visits_children_first():
    seen = []
    nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU())).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "ReLU", "Sequential", "Sequential"]


def test_casting_keeps_the_parameter_objects_and_integers():
    m = nn.BatchNorm1d(2)
    before = list(m.parameters())
    m(nbautograd.tensor([[1.0, 2.0], [3.0, 5.0]])).sum().backward()
    assert m.double() is m
    assert [a is b for a, b in zip(m.parameters(), before, strict=True)] == [True, True]
    dtypes = {name: str(value.dtype) for name, value in m.state_dict().items()}
    assert dtypes.pop("num_batches_tracked") == "torch.int64"
    assert set(dtypes.values()) == {"torch.float64"}
    assert str(m.weight.grad.dtype) == "torch.float64"
    assert str(m.to("cpu", nbautograd.float32).weight.dtype) == "torch.float32"
    assert str(m.to(nbautograd.zeros(1, dtype=nbautograd.float64)).weight.dtype) == "torch.float64"
    assert str(m.float().half().weight.dtype) == "torch.float16"


def test_freezing_and_clearing():
    m = nn.Linear(2, 1)
    m(nbautograd.ones(1, 2)).sum().backward()
    held = m.weight.grad
    m.zero_grad(set_to_none=False)
    assert held.tolist() == [[0, 0]]
    m.zero_grad()
    assert m.weight.grad is None
    assert not any(p.requires_grad for p in m.requires_grad_(False).parameters())


def test_a_copy_is_independent_and_keeps_what_is_shared():
    m = net(nbautograd)
    other = copy.deepcopy(m)
    assert other.again is other.first
    assert other.tied is other.layers[0].weight
    other.scale.data.fill_(3)
    assert m.scale.tolist() == [1, 1, 1]
    assert other(nbautograd.ones(1, 2)).requires_grad


# --- saving ---


def test_a_state_dict_is_cut_off_from_the_graph_and_shares_memory():
    m = nn.Linear(1, 1)
    state = m.state_dict()
    assert not state["weight"].requires_grad
    m.weight.data.fill_(7)
    assert state["weight"].item() == 7
    assert m.state_dict(keep_vars=True)["weight"] is m.weight


def test_loading_reports_everything_that_does_not_fit():
    torch = pytest.importorskip("torch")

    def text(t):
        m = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Linear(3, 1))
        with pytest.raises(RuntimeError) as caught:
            m.load_state_dict({"0.weight": t.ones(2, 2), "0.bias": t.ones(3), "q": 1, "0.q": t.ones(1), "1.bias": 3})
        return str(caught.value)

    assert text(nbautograd) == text(torch)


def test_loading_part_of_a_state_when_asked_to():
    m = nn.Linear(1, 1)
    result = m.load_state_dict({"weight": nbautograd.tensor([[2.0]]), "other": nbautograd.ones(1)}, strict=False)
    assert m.weight.item() == 2
    assert repr(result) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['other'])"
    assert repr(m.load_state_dict(m.state_dict())) == "<All keys matched successfully>"


def test_loading_copies_unless_it_should_assign():
    m, source = nn.Linear(1, 1), nn.Linear(1, 1).double()
    weight = m.weight
    m.load_state_dict(source.state_dict())
    assert m.weight is weight
    assert str(weight.dtype) == "torch.float32"
    m.load_state_dict(source.state_dict(), assign=True)
    assert str(m.weight.dtype) == "torch.float64"
    assert isinstance(m.weight, nn.Parameter)


def test_extra_state_is_saved_and_loaded():
    class Counter(nn.Module):
        seen = 0

        def get_extra_state(self):
            return {"seen": self.seen}

        def set_extra_state(self, state):
            self.seen = state["seen"]

    a, b = Counter(), Counter()
    a.seen = 5
    b.load_state_dict(a.state_dict())
    assert b.seen == 5


# --- hooks ---


def test_forward_hooks_see_and_change_arguments_and_output():
    m = nn.Linear(1, 1)
    m.weight.data.fill_(2)
    m.bias.data.fill_(0)
    before = m.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    after = m.register_forward_hook(lambda module, args, out: out * 10)
    x = nbautograd.ones(1, 1)
    assert m(x).item() == 40
    before.remove()
    assert m(x).item() == 20
    after.remove()
    assert m(x).item() == 2


def test_hooks_may_see_keywords_and_come_first():
    class Scaled(nn.Module):
        def forward(self, x, scale=1):
            return x * scale

    m, order = Scaled(), []
    m.register_forward_pre_hook(lambda module, args, kwargs: (args, {"scale": 5}), with_kwargs=True)
    m.register_forward_hook(lambda *given: order.append(given[2]), with_kwargs=True)
    m.register_forward_hook(lambda *given: order.append("first"), prepend=True)
    assert m(nbautograd.ones(())).item() == 5
    assert order == ["first", {"scale": 5}]


def test_a_hook_for_every_case_is_called_when_forward_fails():
    class Bad(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    seen = []
    m = Bad()
    m.register_forward_hook(lambda module, args, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="no"):
        m(1)
    assert seen == [None]


def backward_hooks(t, needs_input, replace):
    m = t.nn.Linear(2, 1, bias=False).double()
    m.weight.data.copy_(t.tensor([[2.0, 3.0]]))
    seen = []

    def before(module, grad_output):
        seen.append(["pre", [g.tolist() for g in grad_output]])
        return (grad_output[0] * 10,) if replace else None

    def after(module, grad_input, grad_output):
        seen.append([[g if g is None else g.tolist() for g in grads] for grads in (grad_input, grad_output)])
        return (grad_input[0] * 100,) if replace and needs_input else None

    m.register_full_backward_pre_hook(before)
    m.register_full_backward_hook(after)
    x = t.ones(1, 2, dtype=t.float64, requires_grad=needs_input)
    m(x).sum().backward()
    return seen, m.weight.grad.tolist(), x.grad and x.grad.tolist() if x.grad is None else x.grad.tolist()


@pytest.mark.parametrize("needs_input", [True, False])
@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks_are_pytorchs(needs_input, replace):
    torch = pytest.importorskip("torch")
    assert backward_hooks(nbautograd, needs_input, replace) == backward_hooks(torch, needs_input, replace)


def test_backward_hooks_of_several_inputs_and_outputs():
    torch = pytest.importorskip("torch")

    def run(t):
        class Two(t.nn.Module):
            def forward(self, x, y, n):
                return x * y, x + y * n

        seen = []
        m = Two()
        m.register_full_backward_hook(
            lambda module, *grads: seen.append([[g and g.item() for g in part] for part in grads])
        )
        x, y = (t.tensor(value, requires_grad=True) for value in (2.0, 3.0))
        a, b = m(x, y, 5)
        (a * 2 + b).backward()
        return seen, x.grad.item(), y.grad.item()

    assert run(nbautograd) == run(torch)


# --- the observer ---


def test_the_observer_sees_every_call_of_a_module():
    from nbautograd.core.modes import observe

    seen = []

    class Watcher(types.SimpleNamespace):
        thread = None

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

        def scope_begin(self, kind, name, owner, index):
            seen.append((kind, name, owner))

        def scope_end(self, kind):
            seen.append(kind)

    m = net(nbautograd)
    before = observe(Watcher())
    try:
        m(nbautograd.ones(1, 2))
    finally:
        observe(before)
    begun = [event for event in seen if event != "module"]
    assert begun == [
        ("module", "Net", m),
        ("module", "Linear", m.first),
        ("module", "Linear", m.layers[0]),
        ("module", "ReLU", m.layers[1]),
        ("module", "Linear", m.by_name["a"]),
    ]
    assert seen.count("module") == 5


# --- containers ---


def test_a_sequence_is_sliced_and_changed_like_a_list():
    torch = pytest.importorskip("torch")

    def run(t):
        m = t.nn.Sequential(t.nn.Linear(1, 2), t.nn.ReLU(), t.nn.Linear(2, 1))
        texts = [repr(m[:2]), repr(m[-1]), len(m)]
        m[1] = t.nn.Tanh()
        del m[0]
        m.insert(0, t.nn.Sigmoid())
        m.append(t.nn.ReLU())
        m.extend(t.nn.Sequential(t.nn.ReLU()))
        popped = m.pop(1)
        return [*texts, repr(m), repr(popped), repr(m + m), repr(m * 2), list(m.state_dict())]

    assert run(nbautograd) == run(torch)


def test_a_sequence_takes_names_from_an_ordered_dict():
    from collections import OrderedDict

    m = nn.Sequential(OrderedDict(a=nn.Linear(1, 2), b=nn.ReLU()))
    assert list(m.state_dict()) == ["a.weight", "a.bias"]
    assert m.b is m[1]


def test_lists_and_dicts_of_modules_and_parameters_are_pytorchs():
    torch = pytest.importorskip("torch")

    def run(t):
        layers = t.nn.ModuleList(t.nn.Linear(2, 2) for _ in range(3))
        layers += [t.nn.ReLU()]
        layers.insert(1, t.nn.Tanh())
        named = t.nn.ModuleDict([["a", t.nn.ReLU()], ["b", t.nn.Tanh()]])
        named.update({"c": t.nn.Linear(1, 1)})
        named.pop("a")
        plist = t.nn.ParameterList([t.ones(2), 3])
        plist.append(t.nn.Parameter(t.ones(2, 2)))
        pdict = t.nn.ParameterDict({"a": t.ones(2)})
        pdict["b"] = t.ones(1, 3)
        return [
            repr(layers),
            repr(layers[1:3]),
            repr(layers + layers),
            repr(named),
            list(named),
            "b" in named,
            repr(plist),
            sizes(plist.named_parameters()),
            repr(pdict),
            repr(t.nn.ParameterDict({"a": t.ones(2)})),
            sizes(pdict.named_parameters()),
            [repr(kind()) for kind in (t.nn.ModuleList, t.nn.ModuleDict, t.nn.ParameterList, t.nn.ParameterDict)],
        ]

    assert run(nbautograd) == run(torch)
