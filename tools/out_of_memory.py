#!/usr/bin/env python3
"""Every public function is run with every allocation failing: names those that are not.

The tests out_of_memory_* run scenarios until each of their allocations has failed, and call the
library as an outside program does. Calls are bound when they are first made, and the loader tells
of each: what is only mentioned, in code that never runs, is not among them, nor is what has only
its address taken.

tools/out_of_memory.py [BUILD], build/dev if not given
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from layers import ROOT

BUILD = ROOT / "build" / "dev"
FOLDER = "tests/unit/api"
PUBLIC = re.compile(r"^\w+ T (dk_\w+)$", re.M)
BOUND = re.compile(r"binding file (\S+) \[0\] to \S*/libcdask\.so\S* .* symbol `(dk_\w+)'")


def public_functions(build):
    """What programs can link to."""
    listed = subprocess.run(["nm", "-D", "--defined-only", build / "lib/libcdask.so"], check=True,
                            capture_output=True, text=True)
    return sorted(PUBLIC.findall(listed.stdout))


def called_by(test):
    """The public functions that `test` itself calls."""
    with tempfile.TemporaryDirectory() as folder:
        told = {"LD_DEBUG": "files,bindings", "LD_DEBUG_OUTPUT": f"{folder}/calls"}
        env = {name: value for name, value in os.environ.items() if name != "LD_BIND_NOW"}
        ran = subprocess.run([test], env=env | told, cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                             errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if ran.returncode:
            raise RuntimeError(f"{test.name} failed:\n{ran.stdout}")
        lines = "".join(path.read_text(errors="replace") for path in Path(folder).iterdir())
    running = lines.partition(f"transferring control: {test}")[2]
    return {name for caller, name in BOUND.findall(running) if caller == str(test)}


def complaints(build=BUILD):
    """{function: "" if a scenario calls it}"""
    sources = sorted((ROOT / FOLDER).glob("test_out_of_memory_*.c"))
    tests = [build / "tests" / source.stem.replace("test_", "test_api_", 1) for source in sources]
    called = set().union(*map(called_by, tests))
    return {name: "" if name in called else
            f"{name}: no scenario of {FOLDER}/test_out_of_memory_*.c calls it"
            for name in public_functions(build)}


def main():
    build = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else BUILD
    missing = [text for text in complaints(build).values() if text]
    print("\n".join(missing), end="\n" if missing else "")
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
