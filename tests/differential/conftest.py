"""Settings of all differential tests: fixed seeds, and more of everything with CDASK_LONG=1."""
import os
import tempfile

# Before hypothesis is imported: it keeps tables on disk, which do not belong into the tree.
STORAGE = tempfile.TemporaryDirectory(prefix="cdask-hypothesis-")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", STORAGE.name)

import dask  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from cdask_ctypes import Context  # noqa: E402

LONG = os.environ.get("CDASK_LONG") == "1"
dask.config.set(scheduler="sync")
settings.register_profile("check", derandomize=True, database=None, deadline=None,
                          max_examples=1000 if LONG else 40,
                          suppress_health_check=list(HealthCheck))
settings.load_profile("check")


def pytest_generate_tests(metafunc):
    """A test with an argument `seed` runs for several random data sets."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(200 if LONG else 6))


@pytest.fixture
def dk():
    with Context() as context:
        yield context
