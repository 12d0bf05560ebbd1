#!/usr/bin/env python3
"""clang-tidy over the project, or over the files named: tools/tidy.py [FILE.c ...]

Uses build/dev/compile_commands.json. A file found clean is not looked at again until it, a header
of ours that it includes, its compile command or the configuration changes (build/tidy-cache).
"""
import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from layers import ROOT, includes

CACHE = ROOT / "build" / "tidy-cache"
COMMANDS = ROOT / "build" / "dev" / "compile_commands.json"


@lru_cache(maxsize=None)
def direct_includes(file):
    """Our own files that `file` includes. System headers are taken as unchanging."""
    roots = (file.parent, ROOT, ROOT / "src", ROOT / "include", ROOT / "tests")
    found = (next((r / path for r in roots if (r / path).is_file()), None)
             for _, path in includes(file))
    return [path.resolve() for path in found if path]


def reach(file):
    """`file` and our own files that it includes, directly or not."""
    seen, todo = set(), [file]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += direct_includes(here)
    return sorted(seen)


def fingerprint(file, command, version):
    """Changes whenever clang-tidy might say something else about `file`."""
    digest = hashlib.sha256((version + command).encode())
    for path in [*reach(file), ROOT / ".clang-tidy", ROOT / "tests" / ".clang-tidy"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def examine(file, command, version):
    """Returns "" for a clean file, else what clang-tidy says."""
    stamp = CACHE / fingerprint(file, command, version)
    if stamp.exists():
        return ""
    result = subprocess.run(["clang-tidy", "--quiet", "-p", COMMANDS.parent, file],
                            capture_output=True, text=True)
    if result.returncode == 0:
        stamp.touch()
        return ""
    return result.stdout or result.stderr


def tidy(only=None):
    """Returns {file: complaint, "" if clean} over all files, or over those in `only`."""
    commands = {Path(c["file"]).resolve(): c["command"] for c in json.loads(COMMANDS.read_text())}
    files = sorted(f for f in commands if f.exists() and (only is None or f in only))
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout
    CACHE.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda f: examine(f, commands[f], version), files)
        return {str(f.relative_to(ROOT)): text for f, text in zip(files, found)}


def main():
    complaints = [c for c in tidy({Path(a).resolve() for a in sys.argv[1:]} or None).values() if c]
    print("\n".join(complaints), end="")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main())
