"""One thread per library: on matrices this small, threads that wait for each other cost most of the time."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield
