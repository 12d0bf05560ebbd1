"""Who is measured beside whom, and how: they take turns, so that what else the machine does meets all of them."""
import importlib.util
import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "release" / "bin"
PEERS = ROOT / "bench" / "peers"

# The label, and the command, whose last words are ours to add. `module`: what a peer in Python imports.
Contender = namedtuple("Contender", "label command module", defaults=(None,))


def program(label, name, *words):
    return Contender(label, [PROGRAMS / f"bench_{name}", *words])


def script(label, module, name, *words):
    return Contender(label, [sys.executable, PEERS / f"{name}.py", *words], module)


def is_there(contender):
    if contender.module:
        found, what = importlib.util.find_spec(contender.module), f"no Python module {contender.module}"
    else:
        found, what = contender.command[0].exists(), f"no {contender.command[0].relative_to(ROOT)}"
    if not found:
        note(f"left out: {contender.label} ({what})")
    return bool(found)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(contender):
    """One run: the objects it printed, one a line. None if it failed."""
    command = [str(word) for word in contender.command]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        note(f"{contender.label} failed: {' '.join(command)}\n{result.stderr.strip()}")
        return None
    return [json.loads(line) for line in result.stdout.splitlines()]


def take_turns(contenders, rounds):
    """{label: one list of objects a round} of those that are there and do not fail."""
    contenders = [contender for contender in contenders if is_there(contender)]
    taken = {contender.label: [] for contender in contenders}
    for turn in range(rounds):
        for contender in contenders:
            if contender.label in taken:
                note(f"round {turn + 1}/{rounds}: {contender.label}")
                lines = run(contender)
                if lines is None:
                    del taken[contender.label]
                else:
                    taken[contender.label].append(lines)
    return taken


def medians(turns, field, name=None):
    """{label: median of `field`} in the lines called `name`."""
    values = {label: [line[field] for lines in runs for line in lines
                      if line.get("name") == name and field in line]
              for label, runs in turns.items()}
    return {label: median(of) for label, of in values.items() if of}


def with_version(turns, label):
    version = next((line["version"] for lines in turns[label] for line in lines
                    if "version" in line), None)
    name, space, detail = label.partition(" ")
    return f"{name.rstrip(',')} {version}{',' * name.endswith(',')}{space}{detail}" if version else label
