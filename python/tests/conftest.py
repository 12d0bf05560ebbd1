"""The package as it lies in the tree, over the library of $CDASK_BUILD (default build/release)."""
import os
import sys

from tree import BUILD, ROOT

sys.path.insert(0, str(ROOT / "python"))
sys.path.append(str(ROOT / "tests/differential"))  # compare
os.environ["CDASK_LIBRARY"] = str(BUILD / "lib/libcdask.so")
# Programs that tests start find the same.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
