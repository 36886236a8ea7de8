"""How long workloads take beside PyTorch and the other libraries: `python -m benchmarks`, or `make bench`.

One thread for everybody. NumPy's and PyTorch's threads are set by these names when they are first imported.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"
