"""Trees are taken apart, mapped and put together as by PyTorch."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

import nbautograd
from nbautograd.utils import _pytree as ours

Point = namedtuple("Point", "x y")
TREE = (1, [2, {"b": 3, "a": None}], Point(4, 5), OrderedDict(z=6), defaultdict(list, q=7), deque([8, 9], maxlen=3), [])


class Pair:
    def __init__(self, first, second):
        self.parts = (first, second)

    def __eq__(self, other):
        return isinstance(other, Pair) and self.parts == other.parts

    __hash__ = None

    def __repr__(self):
        return f"Pair{self.parts}"


class Keyed(Pair):
    pass


@pytest.fixture(scope="module", autouse=True)
def _registered():
    for pytree in both():
        pytree.register_pytree_node(Pair, lambda p: (list(p.parts), "pair"), lambda parts, context: Pair(*parts))
        pytree.register_pytree_node(
            Keyed,
            lambda p: (list(p.parts), None),
            lambda parts, context: Keyed(*parts),
            flatten_with_keys_fn=lambda p: (
                list(zip(map(ours.GetAttrKey, ("first", "second")), p.parts, strict=True)),
                None,
            ),
        )


def both():
    yield ours
    yield pytest.importorskip("torch").utils._pytree


CALLS = {
    "leaves": lambda p: p.tree_leaves(TREE),
    "structure": lambda p: p.tree_structure(TREE),
    "put together": lambda p: p.tree_unflatten(range(9), p.tree_structure(TREE)),
    "a leaf": lambda p: (p.tree_structure(3), p.tree_structure(None), p.tree_is_leaf(3), p.tree_is_leaf([])),
    "figures": lambda p: [
        (s.num_leaves, s.num_nodes, s.num_children, s.type, s.context, s.is_leaf(), s.child(1), s.children())
        for s in [p.tree_structure(TREE)]
    ],
    "same structures": lambda p: (
        p.tree_structure([1, (2, 3)]) == p.tree_structure([4, (5, 6)]),
        p.tree_structure([1]) == p.tree_structure((1,)),
        p.tree_structure({"a": 1, "b": 2}) == p.tree_structure({"b": 1, "a": 2}),
        len({p.tree_structure([1]), p.tree_structure([2])}),
    ),
    "map": lambda p: p.tree_map(lambda x: [x], TREE),
    "map of several": lambda p: p.tree_map(lambda a, b: (a, b), {"a": 1, "b": [2]}, OrderedDict(b=[[3, 4]], a=5)),
    "map of what is called a leaf": lambda p: p.tree_map(len, [[1, 2], ([3],)], is_leaf=lambda x: isinstance(x, list)),
    "map in place": lambda p: p.tree_map_([].append, [1, 2]),
    "map of some": lambda p: p.tree_map_only(int, lambda x: -x, [1, "a", (2.0, 3)]),
    "map of some kinds": lambda p: p.tree_map_only((int, str), lambda x: x * 2, [1, "a", 2.0]),
    "map of chosen ones": lambda p: p.tree_map_only(lambda x: x > 1, lambda x: 0, [1, 2]),
    "map of some in place": lambda p: p.tree_map_only_(int, [].append, [1, "a"]),
    "all and any": lambda p: (
        p.tree_all(lambda x: x > 1, [1, 2]),
        p.tree_any(lambda x: x > 1, [1, 2]),
        p.tree_all_only(int, lambda x: x > 0, [1, "a"]),
        p.tree_any_only(str, lambda x: x == "b", [1, "a"]),
    ),
    "one by one": lambda p: list(p.tree_iter({"a": [1], "b": 2})),
    "up to": lambda p: p.tree_structure([1, (2, 3)]).flatten_up_to([[9], (8, {"a": 7})]),
    "deques of other lengths": lambda p: p.tree_map(max, deque([1], 3), deque([2], 4)),
    "paths": lambda p: [(p.keystr(path), leaf) for path, leaf in p.tree_flatten_with_path(TREE)[0]],
    "keys": lambda p: p.tree_leaves_with_path(TREE)[:6],
    "behind a path": lambda p: [p.key_get(TREE, path) for path, _ in p.tree_leaves_with_path(TREE)],
    "map with paths": lambda p: p.tree_map_with_path(lambda k, v, w: (p.keystr(k), v, w), {"a": [1]}, {"a": [2]}),
    "an own container": lambda p: (p.tree_map(str, [Pair(1, (2,))]), p.tree_structure(Pair(1, 2))),
    "own keys": lambda p: [p.keystr(path) for path, _ in p.tree_leaves_with_path([Keyed(1, [2])])],
    "no own keys": lambda p: p.tree_leaves_with_path(Pair(1, 2)),
    "too few leaves": lambda p: p.tree_unflatten([1], p.tree_structure([1, 2])),
    "too many leaves": lambda p: p.tree_unflatten(iter([1, 2, 3]), p.tree_structure([1, 2])),
    "no structure": lambda p: p.tree_unflatten([1], 3),
    "another kind": lambda p: p.tree_map(max, [1, 2], (1, 2)),
    "another length": lambda p: p.tree_map(max, [1, 2], [1, 2, 3]),
    "other keys": lambda p: p.tree_map(max, {"a": 1}, {"b": 1}),
    "another name": lambda p: p.tree_map(max, Point(1, 2), namedtuple("Other", "x y")(1, 2)),
    "registered before": lambda p: p.register_pytree_node(Pair, None, None),
    "named tuples": lambda p: (
        [p.is_namedtuple(x) for x in (Point, Point(1, 2), (1, 2), tuple)],
        [p.is_namedtuple_class(Point), p.is_namedtuple_instance(Point(1, 2))],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_trees_come_out_as_pytorchs(name):
    found = []
    for pytree in both():
        try:
            found.append(repr(CALLS[name](pytree)))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    assert found[0] == found[1]


def test_functions_transform_functions_of_own_containers():
    def loss(pair):
        return pair.parts[0] * pair.parts[1] ** 2

    point = Pair(nbautograd.tensor(2.0), nbautograd.tensor(3.0))
    assert nbautograd.func.grad(loss)(point) == Pair(nbautograd.tensor(9.0), nbautograd.tensor(12.0))
    rows = Pair(nbautograd.tensor([1.0, 2.0]), nbautograd.tensor(3.0))
    assert nbautograd.vmap(loss, in_dims=(Pair(0, None),))(rows).tolist() == [9.0, 18.0]


def test_the_former_list_of_children_warns():
    for pytree in both():
        with pytest.warns(FutureWarning, match="`treespec.children_specs` is deprecated"):
            assert len(pytree.tree_structure([1, 2]).children_specs) == 2
