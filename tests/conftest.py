"""Lets pytest run test_*.sh: exit status 0 passes, 77 skips (the last line says why). And keeps files apart."""
import os
import subprocess
import sys

import pytest


@pytest.fixture(autouse=True, scope="module")
def no_cluster_left():
    """A client of Dask's that was not closed stays everybody's scheduler: not beyond the file it is of."""
    yield
    if "dask" in sys.modules:
        sys.modules["dask"].config.config.pop("scheduler", None)


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".sh" and file_path.name.startswith("test_"):
        return ShellFile.from_parent(parent, path=file_path)
    return None


class ShellFile(pytest.File):
    def collect(self):
        yield ShellTest.from_parent(self, name=self.path.stem)


class ShellTest(pytest.Item):
    def runtest(self):
        result = subprocess.run(["bash", self.path], stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                                env={"CDASK_BUILD": "build/release", **os.environ})
        if result.returncode == 77:
            pytest.skip(result.stdout.strip().rpartition("\n")[2])
        if result.returncode != 0:
            pytest.fail(f"exit status {result.returncode}\n{result.stdout}", pytrace=False)

    def reportinfo(self):
        return self.path, None, self.name
