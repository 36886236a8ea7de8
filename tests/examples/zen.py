"""A text that ships with Python, as numbers: one for each character."""

import codecs
import contextlib
import io

import numpy


def text() -> str:
    """The Zen of Python."""
    with contextlib.redirect_stdout(io.StringIO()):  # the module prints it when imported
        import this

    return codecs.decode(this.s, "rot13")


class Characters:
    """The characters of the text by number, and windows of the text drawn at random."""

    def __init__(self):
        self.known = sorted(set(text()))
        self.codes = numpy.array([self.known.index(c) for c in text()])

    def batches(self, torch, steps, batch, length, seed=0):
        """(windows, what follows each of their characters)"""
        draw = numpy.random.default_rng(seed)
        for _ in range(steps):
            starts = draw.integers(0, len(self.codes) - length - 1, batch)
            windows = self.codes[starts[:, None] + numpy.arange(length + 1)]
            yield torch.tensor(windows[:, :-1]), torch.tensor(windows[:, 1:])

    def decode(self, codes) -> str:
        return "".join(self.known[code] for code in codes)
