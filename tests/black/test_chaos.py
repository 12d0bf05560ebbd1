"""A short piece of `make chaos`: workers are killed at random while computations run."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_workers_die():
    """Every result is the local one, nothing hangs, and the scheduler's state stays valid."""
    done = subprocess.run([sys.executable, ROOT / "tests" / "chaos" / "chaos.py", "--seconds", "6"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=200)
    assert done.returncode == 0, done.stdout
