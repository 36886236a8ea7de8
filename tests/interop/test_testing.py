"""torch.testing.assert_close: it passes, fails and says what PyTorch's does."""

from __future__ import annotations

import pytest

from tests.ops.beside import both, expressions


@expressions("""
    torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0000001]))
    torch.testing.assert_close(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.5]))
    torch.testing.assert_close(torch.ones(2, 2), torch.tensor([[1.0, 1.0], [1.0, 5.0]]), rtol=0, atol=0.1)
    torch.testing.assert_close(torch.tensor(1.0), torch.tensor(2.0))
    torch.testing.assert_close(torch.ones(2), torch.ones(3))
    torch.testing.assert_close(torch.ones(2), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(torch.ones(2), torch.ones(2, dtype=torch.float64), check_dtype=False)
    torch.testing.assert_close(torch.ones(2, 3), torch.ones(3, 2).T, check_stride=True)
    torch.testing.assert_close(torch.tensor([1, 2]), torch.tensor([1, 3]))
    torch.testing.assert_close(torch.tensor([True]), torch.tensor([False]))
    torch.testing.assert_close(1.0, 1.1)
    torch.testing.assert_close(1, 1)
    torch.testing.assert_close(1.0, 2)
    torch.testing.assert_close([1.0, torch.ones(1)], [1.0, torch.zeros(1)])
    torch.testing.assert_close({"a": 1.0}, {"a": 2.0})
    torch.testing.assert_close({"a": 1.0}, {"b": 1.0})
    torch.testing.assert_close([1], [1, 2])
    torch.testing.assert_close("a", "a")
    torch.testing.assert_close(torch.ones(1), [1.0])
    torch.testing.assert_close(torch.tensor([nan]), torch.tensor([nan]))
    torch.testing.assert_close(torch.tensor([nan]), torch.tensor([nan]), equal_nan=True)
    torch.testing.assert_close(torch.ones(2), torch.zeros(2), msg="hello")
    torch.testing.assert_close(torch.ones(1), torch.zeros(1), rtol=1)
    torch.testing.assert_close(torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16) * 1.01)
""")
def test_the_verdict_is_torchs(expression: str):
    ours, torchs = both(expression)
    assert ours == torchs


def test_the_differences_are_told_as_in_torch():
    torch = pytest.importorskip("torch")
    import nbautograd as nb

    for a, b in (([1.0, 2.0, 3.0], [1.0, 2.0, 3.5]), ([[1.0], [0.0]], [[0.0], [0.0]]), (1.0, 3.0)):
        texts = []
        for library in (nb, torch):
            with pytest.raises(AssertionError) as raised:
                library.testing.assert_close([library.tensor(a)], [library.tensor(b)])
            texts.append([line[:45] for line in str(raised.value).splitlines()])
        assert texts[0] == texts[1]
