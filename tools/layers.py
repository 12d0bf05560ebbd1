#!/usr/bin/env python3
"""The layer rule: lower never includes higher. Prints each #include that breaks it.

The table is the cdask_layer() lines of CMakeLists.txt, the paths are as in `#include "io/csv.h"`.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)


def includes(file):
    """What `file` includes, as (line number, path as written)."""
    text = file.read_text(errors="replace")
    return [(text.count("\n", 0, m.start(1)) + 1, m[1]) for m in INCLUDE.finditer(text)]


def table():
    """Each layer's name with the layers it may include: itself, and all that lie below."""
    allowed = {}
    for call in re.findall(r"^cdask_layer\(([^)]*)\)", (ROOT / "CMakeLists.txt").read_text(), re.M):
        name, *words = call.split()
        depends = words[1 : words.index("PACKAGES") if "PACKAGES" in words else None]
        allowed[name] = {name}.union(*(allowed[lower] for lower in depends))
    allowed["sim"] = allowed["core"] | {"sim"}
    return allowed


def sources():
    """Every C file and header that is subject to the rule."""
    return sorted(p for folder in ("include", "sim", "src") for p in (ROOT / folder).rglob("*.[ch]"))


def complaints(file, allowed):
    """What is wrong with the includes of one file, a line for each."""
    shown = file.relative_to(ROOT)
    layer = {"src": shown.parts[1], "sim": "sim"}.get(shown.parts[0])
    if layer and layer not in allowed:
        return [f"{shown}:1: the layer {layer} is not in CMakeLists.txt"]
    wrong = []
    for line, path in includes(file):
        first = path.split("/")[0]
        if ".." in path.split("/"):
            wrong.append(f"{shown}:{line}: {path}: write the path from src/")
        elif not layer and (first in allowed or (ROOT / "src" / path).exists()):
            wrong.append(f"{shown}:{line}: {path}: a public header may not include src/")
        elif layer and first in allowed and first not in allowed[layer]:
            wrong.append(f"{shown}:{line}: {path}: {layer} may not include {first}")
    return wrong


def main():
    allowed = table()
    wrong = [line for file in sources() for line in complaints(file, allowed)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
