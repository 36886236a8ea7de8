"""The figures of an array beside NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from nbautograd.trace.summary import SAMPLED_ABOVE, WHOLE, Summaries, held, summary, text


def test_small_arrays_are_told_whole() -> None:
    s = summary(np.array([[1.5, -2.0], [0.0, 3.0]], np.float32))
    assert (s.shape, s.dtype, s.data, s.zeros) == ([2, 2], "float32", [1.5, -2.0, 0.0, 3.0], 1)
    assert s.norm == pytest.approx(np.sqrt(1.5**2 + 4 + 9), rel=1e-5)
    assert s.histogram is None


def test_floats_have_the_digits_of_their_dtype() -> None:
    assert summary(np.float32(0.1)).data == [0.1]
    assert summary(np.float64(1 / 3)).data == [1 / 3]
    assert summary(np.float16(0.1)).data == [0.09998]


def test_what_is_not_finite_is_counted_and_written_in_words() -> None:
    s = summary(np.array([np.nan, np.inf, -np.inf, 1.0], np.float32))
    assert s.data == ["nan", "inf", "-inf", 1.0]
    assert (s.nans, s.infs) == (1, 2)
    assert summary(np.float32(np.inf)).infs == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool"])
def test_large_arrays_have_numpys_figures(dtype: str) -> None:
    values = (np.random.default_rng(0).normal(size=(30, 40)) * 3).astype(dtype)
    s = summary(values)
    numbers = values.astype(np.float64)
    assert s.data is None
    assert s.histogram is not None
    assert (s.min, s.max) == (numbers.min(), numbers.max())
    assert s.mean == pytest.approx(numbers.mean(), rel=1e-3, abs=1e-4)
    assert s.std == pytest.approx(numbers.std(), rel=1e-3)
    assert s.norm == pytest.approx(np.sqrt((numbers**2).sum()), rel=1e-3)
    assert s.zeros == (numbers == 0).sum()
    assert sum(s.histogram) == values.size


def test_figures_are_those_of_the_finite_numbers() -> None:
    values = np.ones(1000, np.float32)
    values[:3] = [np.nan, np.inf, -np.inf]
    s = summary(values)
    assert (s.nans, s.infs, s.min, s.max) == (1, 2, 1.0, 1.0)
    assert s.norm == pytest.approx(np.sqrt(997), rel=1e-5)


def test_nothing_overflows() -> None:
    s = summary(np.full(1000, 3e38, np.float32))
    assert s.norm == pytest.approx(3e38 * np.sqrt(1000.0), rel=1e-4)
    assert summary(np.array([-3e38, 3e38] * 100, np.float32)).max == pytest.approx(3e38, rel=1e-6)


def test_of_a_large_array_the_histogram_is_of_a_sample_and_says_so() -> None:
    s = summary(np.arange(SAMPLED_ABOVE + 1, dtype=np.float64))
    assert s.sampled
    assert s.histogram is not None
    assert sum(s.histogram) <= 4096
    assert (s.min, s.max, s.mean) == (0.0, SAMPLED_ABOVE, SAMPLED_ABOVE / 2)


def test_empty_and_complex_arrays_have_summaries() -> None:
    assert summary(np.zeros((0, 3), np.float32)).shape == [0, 3]
    several = summary(np.array([3 + 4j, -1.5j, 0], np.complex64))
    assert (several.data, several.dtype, several.zeros) == (["3+4j", "-1.5j", 0], "complex64", 1)
    assert several.norm == pytest.approx(np.sqrt(27.25), rel=1e-5)
    assert summary(np.full(100, 3 + 4j)).max == 5.0
    assert summary(np.array([complex("nan")])).nans == 1


def test_what_is_held_does_not_change_with_the_array() -> None:
    values = np.ones(3, np.float32)
    kept = held(values)
    values[:] = 7
    assert summary(kept).data == [1.0, 1.0, 1.0]


def test_equal_small_arrays_share_a_summary() -> None:
    told = Summaries()
    assert told(np.ones(3)) is told(np.ones(3))
    assert told(np.ones(3)) is not told(np.ones(3, np.float32))
    assert told(np.ones((3, 1))).shape == [3, 1]
    assert told(np.ones(WHOLE + 1)).data is None


def test_numbers_in_a_sentence() -> None:
    assert text(np.float32(12)) == "12"
    assert text(np.array([1.0, 2.5])) == "[1, 2.5]"
    assert text(np.ones(100)) == "a (100,) tensor, norm 10"
