#!/usr/bin/env python3
"""Everything `make check` proves, one line for each step; a step's output is shown if it fails.

Counts tests: each function of a unit test, each pytest, each example, each file of a static check,
and each public function that is seen to run out of memory. The last line is `N passed, N failed`.
"""
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import namedtuple

import layers
import out_of_memory
from layers import ROOT
from tidy import tidy

BUILD = ROOT / "build"
RESULTS = BUILD / "check"
FUZZ_SECONDS = 5

Outcome = namedtuple("Outcome", "passed failed output skipped", defaults=("", ()))
NOTHING = Outcome(0, 0)


def run(*command, timeout=1800, **options):
    """Runs a command from the root of the tree; returns (succeeded, output)."""
    try:
        result = subprocess.run([str(word) for word in command], cwd=ROOT, timeout=timeout,
                                text=True, errors="replace", stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return False, f"{problem}\n"
    return result.returncode == 0, result.stdout


def files(*patterns):
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def count(complaints):
    """The outcome of a check that looked at files: {file: complaint, "" if there is none}."""
    bad = [text for text in complaints.values() if text]
    return Outcome(len(complaints) - len(bad), len(bad), "\n".join(bad))


# Static checks

def check_format():
    folders = ("src", "include", "sim", "tests", "examples", "bench", "fuzz")
    paths = files(*(f"{folder}/**/*.[ch]" for folder in folders))
    if not paths:
        return NOTHING
    ok, output = run("clang-format", "--dry-run", "--Werror", *paths)
    complaints = {str(path): "" for path in paths}
    for path in re.findall(r"^(/[^:\n]+):\d+:\d+: error", output, re.M):
        complaints[path] = f"{os.path.relpath(path, ROOT)}: run `make fmt`"
    outcome = count(complaints)
    return outcome if ok or outcome.failed else Outcome(0, 1, output)


def check_layers():
    allowed = layers.table()
    return count({path: "\n".join(layers.complaints(path, allowed)) for path in layers.sources()})


def check_tidy():
    ok, output = run("cmake", "--preset", "dev")
    return count(tidy()) if ok else Outcome(0, 1, output)


# Builds and tests

def build(preset):
    """One outcome for configuring and building; goes on after the first error to show them all."""
    ok, output = run("cmake", "--preset", preset)
    if ok:
        ok, output = run("cmake", "--build", "--preset", preset, "--", "-k", "0")
    return Outcome(int(ok), int(not ok), output)


def unit_tests(preset, label):
    built = build(preset)
    if built.failed:
        return built
    report = RESULTS / f"{preset}.xml"
    # The thread sanitizer's shadow memory has no place under some kernels' randomised layout.
    fixed = ["setarch", "-R"] if preset == "tsan" and run("setarch", "-R", "true")[0] else []
    ok, output = run(*fixed, "ctest", "--test-dir", BUILD / preset, "-L", label,
                     "-j", os.cpu_count(), "--output-on-failure", "--no-tests=ignore",
                     "--test-output-size-passed", 1 << 20, "--output-junit", report)
    tests = [cmocka_counts(case) for case in cases(report)]
    passed, failed = (sum(column) for column in zip(*tests, (0, 0)))
    return Outcome(passed, failed or int(not ok), output)


def cmocka_counts(case):
    """(passed, failed) test functions of one executable, from what it printed."""
    printed = case.findtext("system-out") or ""
    passed = sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", printed, re.M)))
    failed = sum(map(int, re.findall(r"^\[  FAILED  \] (?:.*: )?(\d+) test", printed, re.M)))
    if case.get("status") == "run":
        return max(passed, 1), 0
    return passed, max(failed, 1)


def cases(report):
    return list(ElementTree.parse(report).iter("testcase")) if report.exists() else []


def simulate():
    """Clusters drawn from seeds, a test each; and one that the same seeds are the same runs."""
    program = BUILD / "dev/bin/cdask-sim"
    _, output = run(program, "--draw", "--runs", 400)
    twice = [run(program, "--draw", "--runs", 20) for _ in range(2)]
    passed, failed = map(int, re.search(r"^(\d+) runs passed, (\d+) failed$", output, re.M).groups())
    if twice[0] != twice[1]:
        return Outcome(passed, failed + 1, output + "the same seeds are not the same runs\n")
    return Outcome(passed + 1, failed, output)


def run_fuzzers():
    """Each finds nothing within seconds; `make fuzz` takes longer."""
    built = build("fuzz")
    if built.failed:
        return built
    complaints = {}
    for fuzzer in [path for path in files("build/fuzz/fuzz/fuzz_*") if path.is_file()]:
        with tempfile.TemporaryDirectory() as corpus:
            ok, output = run(fuzzer, f"-max_total_time={FUZZ_SECONDS}", f"-artifact_prefix={RESULTS}/", corpus)
        complaints[fuzzer.name] = "" if ok else output
    return count(complaints) if complaints else Outcome(0, 1, "there are no fuzzers")


def run_examples():
    """Each runs on a small set of the demonstration's data."""
    data = RESULTS / "data"
    ok, output = run(BUILD / "release/bin/cdask", "demo-data", "--quiet", "--directory", data,
                     "--start", "2015-04-20", "--end", "2015-06-30", "--freq", "60s")
    complaints = {"data of the examples": "" if ok else output}
    for source in files("examples/*.c"):
        name = f"example_{source.stem}"
        ok, output = run(BUILD / "release/examples" / name, data / "stocks/GOOG/*.csv",
                         *([RESULTS / "timeline.svg"] if source.stem == "timeline" else []),
                         timeout=300)
        complaints[name] = "" if ok and output else f"{name}:\n{output}"
    return count(complaints)


def check_exports():
    """Whatever loads libcdask.so sees our names only."""
    ok, output = run("nm", "-D", "--defined-only", BUILD / "release/lib/libcdask.so")
    strangers = re.findall(r"^\w+ [A-Z] (?!dk_)(\S+)$", output, re.M)
    wrong = f"exported, but not dk_*: {' '.join(strangers)}" if strangers else ""
    return count({"libcdask.so": wrong if ok else output})


def check_install():
    """An outside program finds what was installed, as a shared and as a static library."""
    consumer = ROOT / "tests/install/consumer.c"
    if not consumer.exists():
        return NOTHING
    with tempfile.TemporaryDirectory() as stage:
        ok, output = run("cmake", "--install", BUILD / "release", env=os.environ | {"DESTDIR": stage})
        found = next(iter(sorted(layers.Path(stage).rglob("cdask.pc"))), None)
        if not ok or not found:
            return Outcome(0, 1, output + "no cdask.pc was installed\n")
        return count({kind: consume(consumer, stage, found, kind) for kind in ("shared", "static")})


def consume(consumer, stage, found, kind):
    """Compiles and runs `consumer` against what lies in `stage`; returns "" or what went wrong."""
    prefix = re.search(r"^prefix=(.*)$", found.read_text(), re.M)[1]
    ok, flags = run("pkg-config", f"--define-variable=prefix={stage}{prefix}", "--cflags", "--libs",
                    *(["--static"] if kind == "static" else []), found)
    if not ok:
        return flags
    words = shlex.split(flags)
    if kind == "static":  # our archive, with the system's libraries as they come
        words = ["-l:libcdask.a" if word == "-lcdask" else word for word in words]
    program = f"{stage}/consumer-{kind}"
    ok, output = run(os.environ.get("CC", "cc"), "-std=c11", consumer, "-o", program, *words)
    if ok:
        ok, output = run(program, timeout=120,
                         env=os.environ | {"LD_LIBRARY_PATH": str(found.parent.parent)})
    return "" if ok else f"{kind}: {output}"


def has_module(name):
    return run(BUILD / "venv/bin/python", "-c", f"import {name}")[0]


def run_pytest(label, *patterns):
    """Runs the test files that match."""
    tests = files(*patterns)
    if not tests:
        return NOTHING
    python, report = BUILD / "venv/bin/python", RESULTS / f"{label.replace(' ', '-')}.xml"
    if not has_module("pytest"):
        return Outcome(0, 0, skipped=[f"{len(tests)} files of {label} tests (no pytest in build/venv)"])
    ok, output = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", report,
                     *tests,
                     env=os.environ | {"CDASK_BUILD": str(BUILD / "release"),
                                       "PYTHONDONTWRITEBYTECODE": "1"})
    found = cases(report)
    failed = [c for c in found if c.find("failure") is not None or c.find("error") is not None]
    skipped = [f"{c.get('classname')}.{c.get('name')}: {c.find('skipped').get('message')}"
               for c in found if c.find("skipped") is not None]
    return Outcome(len(found) - len(failed) - len(skipped), len(failed) or int(not ok),
                   output, skipped)


def check_wheel():
    """What `pip install .` installs is imported outside the tree and brings its library along."""
    if not has_module("scikit_build_core"):
        return Outcome(0, 0, skipped=["the wheel (no scikit-build-core in build/venv)"])
    python = BUILD / "venv/bin/python"
    pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
    with tempfile.TemporaryDirectory() as stage:
        ok, output = run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", stage, ROOT)
        wheels = sorted(layers.Path(stage).glob("cdask-*.whl"))
        if ok:
            ok, output = run(*pip, "install", "--no-deps", "--no-index", "--target", f"{stage}/site", *wheels)
        if ok:
            ok, output = run(python, "-W", "error", "-c",
                             "import cdask, cdask._abi; print(cdask._abi.PATH)",
                             env=os.environ | {"PYTHONPATH": f"{stage}/site", "CDASK_LIBRARY": ""})
        right = f"{stage}/site/cdask/libcdask.so"
        return count({"wheel": "" if ok and output.strip() == right else f"wheel: {output}"})


# The run

STEPS = [
    ("format", check_format),
    ("layers", check_layers),
    ("tidy", check_tidy),
    ("build dev", lambda: build("dev")),
    ("simulated clusters", simulate),
    ("unit tests, no sanitizer", lambda: unit_tests("dev", "threads")),
    ("unit tests, address sanitizer", lambda: unit_tests("asan", "unit")),
    ("public functions out of memory", lambda: count(out_of_memory.complaints())),
    ("unit tests, thread sanitizer", lambda: unit_tests("tsan", "threads")),
    ("fuzzers, seconds", run_fuzzers),
    ("build release", lambda: build("release")),
    ("examples", run_examples),
    ("exported names", check_exports),
    ("install", check_install),
    ("black-box and differential", lambda: run_pytest(
        "black-box and differential", "tests/black/test_*", "tests/differential/test_*")),
    ("Python face", lambda: run_pytest("Python face", "python/tests/test_*")),
    ("pandas as the oracle", lambda: run_pytest(
        "pandas as the oracle", "python/tests/differential/test_*")),
    ("wheel", check_wheel),
]


def perform(name, step):
    """Runs one step and prints its line. A broken step is a failed one, and the rest goes on."""
    print(f"{name:32}", end="", flush=True)
    start = time.monotonic()
    try:
        outcome = step()
    except Exception as problem:
        outcome = Outcome(0, 1, f"{type(problem).__name__}: {problem}")
    print(f"{time.monotonic() - start:7.1f} s {outcome.passed:6} passed", end="")
    print(f", {outcome.failed} FAILED" if outcome.failed else "")
    if outcome.failed:
        print(outcome.output.rstrip())
    return outcome


def main():
    # Shells let what they start in the background ignore SIGINT, and so would all that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Counted are only reports of this run.
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    outcomes = [perform(name, step) for name, step in STEPS]
    skipped = [line for outcome in outcomes for line in outcome.skipped]
    if skipped:
        print(f"{len(skipped)} skipped: " + "; ".join(skipped))
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
