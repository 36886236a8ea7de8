"""A large trace in a quarter of the room: what occurs several times stands once, and so do the names of fields.

NOTE [Packed]
In the JSON of a trace a gradient is told as a contribution, as the sum it makes, and as what comes in at the next op;
and 1,000 ops name their fields 1,000 times. In a packed trace a dictionary is a list that begins with the number of its
field names in `shapes`, and any other list begins with -1. The string `#7` stands for `shared[7]`, which refers to
earlier entries only; a string that begins with `#` of its own has one more of them. The front end reads it alike.
"""

from __future__ import annotations

from typing import Any

FORMAT = "packed-1"
"""In place of the version: a reader that does not know packed traces refuses it by this name."""

Json = dict[str, Any]


def pack(data: Json) -> Json:
    """What `codec.to_dict` made, packed."""
    return _Packer(data).result


class _Packer:
    def __init__(self, data: Json) -> None:
        self._numbers: dict[Any, int] = {}
        """By kind and content, the number of everything that is more than one number; parts come before the whole."""
        root = self._number(data)
        self._parts = list(self._numbers)
        self._uses = [0] * len(self._parts)
        for _, _, inner in self._parts:
            for kind, part in inner:
                if kind is _Packer:
                    self._uses[part] += 1
        shapes = dict.fromkeys(names for kind, names, _ in self._parts if kind is dict)
        self._shapes = {names: i for i, names in enumerate(shapes)}
        self._places: dict[int, str] = {}
        shared: list[Any] = []
        for number, (kind, content, inner) in enumerate(self._parts):
            size = len(content) if kind is str else len(inner) + 1
            if self._uses[number] > 1 and size > 2:
                entry = self._written(number)
                self._places[number] = f"#{len(shared)}"
                shared.append(entry)
        shapes = [list(names) for names in self._shapes]
        self.result: Json = {"version": FORMAT, "shapes": shapes, "shared": shared, "trace": self._written(root)}

    def _number(self, value: Any) -> int:
        kind = value.__class__
        content: Any = value if kind is str else tuple(value) if kind is dict else ()
        items = () if kind is str else value.values() if kind is dict else value
        inner = tuple([self._part(item) for item in items])
        return self._numbers.setdefault((kind, content, inner), len(self._numbers))

    def _part(self, value: Any) -> tuple[type, Any]:
        """A number by its kind, since 1, 1.0 and True are equal; anything else by its number."""
        kind = value.__class__
        return (_Packer, self._number(value)) if kind is str or kind is dict or kind is list else (kind, value)

    def _written(self, number: int) -> Any:
        place = self._places.get(number)
        if place is not None:
            return place
        kind, content, inner = self._parts[number]
        if kind is str:
            return f"#{content}" if content.startswith("#") else content
        head = self._shapes[content] if kind is dict else -1
        return [head, *[self._written(part) if mark is _Packer else part for mark, part in inner]]


def unpack(data: Json) -> Any:
    """What was packed, where what stood once is one object.

    Raises: ValueError when it is not packed by the rules above.
    """
    try:
        return _unpacked(data["shapes"], data["shared"], data["trace"])
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError("not a trace: it is not packed as one is") from error


def _unpacked(shapes: list[list[str]], entries: list[Any], trace: Any) -> Any:
    shared: list[Any] = []

    def read(value: Any) -> Any:
        if value.__class__ is str and value.startswith("#"):
            return value[1:] if value.startswith("##") else shared[int(value[1:])]
        if value.__class__ is not list:
            return value
        head, *rest = value
        items = map(read, rest)
        return list(items) if head == -1 else dict(zip(shapes[head], items, strict=True))

    for entry in entries:
        shared.append(read(entry))
    return read(trace)
