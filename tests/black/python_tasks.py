"""Functions that workers import: this folder is on their path."""
import os
import time

from distributed import get_worker


def inc(x, by=1):
    return x + by


def divide(a, b):
    return a / b


def touch(path, value=None):
    """Leaves a trace that it has run."""
    with open(path, "a") as file:
        file.write("x")
    return value


def note(path, name, *needed):
    """Notes that it has run."""
    with open(path, "a") as file:
        file.write(name)


def where():
    """The address of the worker that runs it."""
    return get_worker().address


def wait_for_file(path, value=None):
    """Runs until the test makes `path`."""
    while not os.path.exists(path):
        time.sleep(0.005)
    return value


def fail_until(path, times):
    """Fails the first `times` times."""
    with open(path, "a+") as file:
        file.write("x")
        file.seek(0)
        count = len(file.read())
    if count <= times:
        raise RuntimeError(f"attempt {count}")
    return count


class Counter:
    def __init__(self):
        self.n = 0

    def increment(self):
        self.n += 1
        return self.n
