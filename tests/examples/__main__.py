"""Run one example: `python -m tests.examples moons`, with PyTorch: `python -m tests.examples moons torch`."""

import importlib
import sys


def main(example, library="nbautograd"):
    losses = importlib.import_module(f".{example}", __package__).main(importlib.import_module(library))
    print(f"the loss fell from {losses[0]:.4g} to {losses[-1]:.4g} in {len(losses)} steps")


if __name__ == "__main__":
    main(*sys.argv[1:])
