"""Which packages the processes of a cluster have.   Source: distributed.versions."""
import importlib.metadata
import locale
import os
import platform
import sys

# What pickles that go between processes depend on.
SHARED = ("numpy", "pandas", "cloudpickle")


def installed(packages=()):
    """Of this process.

    Parameters
    ----------
    packages : iterable of str
        Further names.

    Returns
    -------
    dict
        "host" and "packages", {name: version}; None: it is not installed.
    """
    language = ".".join(filter(None, locale.getlocale()))
    return {"host": {"python": platform.python_version(), "python-bits": 64 if sys.maxsize > 2 ** 32 else 32,
                     "OS": platform.system(), "OS-release": platform.release(), "machine": platform.machine(),
                     "processor": platform.processor(), "byteorder": sys.byteorder,
                     "LC_ALL": os.environ.get("LC_ALL", "None"), "LANG": os.environ.get("LANG", language or "None")},
            "packages": {"python": platform.python_version(), **{name: _version(name) for name in [*SHARED, *packages]}}}


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def mismatches(client, workers):
    """In words, what workers have otherwise than the client; workers that have no Python have nothing.

    Parameters
    ----------
    client : dict
        As from :func:`installed`.
    workers : dict
        {address: the same}.

    Returns
    -------
    str
        "": nothing.
    """
    lines = []
    for name, here in client["packages"].items():
        others = {address: told["packages"].get(name, here) for address, told in workers.items() if told["packages"]}
        lines += [f"{name}: {here} here, {there} on {address}" for address, there in others.items() if there != here]
    return "\n".join(lines)
