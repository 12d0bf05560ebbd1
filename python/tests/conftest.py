"""The package as it lies in the tree, over the library of $CDASK_BUILD (default build/release)."""
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("CDASK_BUILD") or "build/release")

sys.path.insert(0, str(ROOT / "python"))
sys.path.append(str(ROOT / "tests/differential"))  # compare
os.environ["CDASK_LIBRARY"] = str(BUILD / "lib/libcdask.so")
# Programs that tests start find the same.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
