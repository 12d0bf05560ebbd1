"""What the differential tests of the C API have made, used here: random data, exact sums, comparison."""
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/differential"), str(pathlib.Path(__file__).parent)]

# Before hypothesis is imported: it keeps tables on disk, which do not belong into the tree.
STORAGE = tempfile.TemporaryDirectory(prefix="cdask-hypothesis-")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", STORAGE.name)


def pytest_terminal_summary(terminalreporter):
    """How much was compared."""
    module = sys.modules.get("test_programs")
    if module and module.COUNTS:
        terminalreporter.write_line("{cases:,} programs of {steps:,} steps, {refused:,} of them refused by cdask as "
                                    "by pandas".format(**module.COUNTS))
