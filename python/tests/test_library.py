"""Where the package looks for the library."""
import os
import shutil
import subprocess
import sys

import pytest

from cdask import _abi, _library
from tree import ROOT


def run(program, package, **environment):
    """Runs a program in an interpreter of its own that finds `cdask` in the folder `package`."""
    inherited = {name: value for name, value in os.environ.items() if name != "CDASK_LIBRARY"}
    return subprocess.run([sys.executable, "-W", "error", "-c", program], text=True, cwd="/",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**inherited, "PYTHONPATH": str(package), **environment})


@pytest.fixture
def package(tmp_path):
    """A copy of the package outside of any tree."""
    shutil.copytree(ROOT / "python/cdask", tmp_path / "cdask",
                    ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_library_beside_the_package(package):
    """As installed, the library is the one in the package's folder."""
    shutil.copy(_abi.PATH, package / "cdask/libcdask.so")
    done = run("from cdask import _abi; print(_abi.PATH)", package)
    assert done.stdout.split() == [str(package / "cdask/libcdask.so")]


def test_library_of_the_environment(package):
    """$CDASK_LIBRARY goes before everything else."""
    (package / "cdask/libcdask.so").write_text("not this one")
    done = run("from cdask import _abi; print(_abi.PATH)", package, CDASK_LIBRARY=_abi.PATH)
    assert done.stdout.split() == [_abi.PATH]


def test_library_of_the_tree(monkeypatch):
    """In the tree, what is beside the package goes before what `make build` made."""
    monkeypatch.delenv("CDASK_LIBRARY")
    assert _library.candidates() == [str(ROOT / "python/cdask/libcdask.so"),
                                     str(ROOT / "build/release/lib/libcdask.so")]


@pytest.mark.parametrize("given", [None, "/nowhere/libcdask.so"])
def test_no_library(package, given):
    """The error lists where it was looked for; a path that was given has no substitute."""
    done = run("from cdask import _abi", package, **({"CDASK_LIBRARY": given} if given else {}))
    assert done.returncode == 1
    assert "ImportError: no libcdask.so: looked for " in done.stdout
    assert given or str(package / "cdask/libcdask.so") in done.stdout


def test_library_of_another_version(package):
    """A library that lacks a function is refused by the function's name."""
    libc = next(line.split()[-1] for line in open("/proc/self/maps") if "libc.so" in line)
    done = run("from cdask import _abi", package, CDASK_LIBRARY=libc)
    assert f"ImportError: {libc} is of another version: it has no dk_status_text()" in done.stdout
