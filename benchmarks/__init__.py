"""How long workloads take beside PyTorch and the other libraries: `python -m benchmarks`, or `make bench`."""
