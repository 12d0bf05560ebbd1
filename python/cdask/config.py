"""Configuration: `scheduler`, `num_workers`, and whatever else programs keep here.

    with cdask.config.set(scheduler="sync"):
        ...

Names are case-sensitive, nested with dots; a hyphen and an underscore are the same. Values come from
the environment first: DASK_SCHEDULER or CDASK_SCHEDULER is `scheduler`, DASK_A__B_C is `a.b-c`.
Source: dask.config.
"""
import ast
import os
import threading

_lock = threading.Lock()
_missing = object()


def collect_env(env=None):
    """The configuration that the environment gives, as nested dicts."""
    found = {}
    for name, text in sorted((os.environ if env is None else env).items()):
        for prefix in ("DASK_", "CDASK_"):
            if not name.startswith(prefix) or name == "CDASK_LIBRARY":
                continue
            try:
                value = ast.literal_eval(text)
            except (SyntaxError, ValueError):
                value = text
            _assign(found, name[len(prefix):].lower().replace("__", "."), value)
    return found


def canonical_name(key):
    """`key` with hyphens for underscores."""
    return key.replace("_", "-")


def _assign(tree, key, value):
    *path, last = canonical_name(key).split(".")
    for part in path:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise TypeError(f"config key {key!r}: {part!r} is a value, not a section")
    tree[last] = value


def get(key, default=_missing, override_with=None):
    """The value of `key` ("a.b"), or `default`.   Errors: KeyError without a default."""
    if override_with is not None:
        return override_with
    found = config
    for part in canonical_name(key).split("."):
        if not isinstance(found, dict) or part not in found:
            if default is _missing:
                raise KeyError(key)
            return default
        found = found[part]
    return found


class set:
    """Sets values, for good or as a context manager for its block.

        cdask.config.set({"scheduler": "sync"})
        cdask.config.set(num_workers=4)

    In keyword arguments a double underscore nests: array__chunk_size is "array.chunk-size".
    """

    def __init__(self, arg=None, **kwargs):
        changes = dict(arg or {})
        changes.update((name.replace("__", "."), value) for name, value in kwargs.items())
        self.before = []
        with _lock:
            for key, value in changes.items():
                self.before.append((key, get(key, _missing)))
                _assign(config, key, value)

    def __enter__(self):
        return config

    def __exit__(self, *exception):
        with _lock:
            for key, value in reversed(self.before):
                if value is _missing:
                    _remove(config, key)
                else:
                    _assign(config, key, value)


def _remove(tree, key):
    *path, last = canonical_name(key).split(".")
    for part in path:
        tree = tree.get(part, {})
    tree.pop(last, None)


def refresh():
    """Reads the environment again and forgets what was set."""
    with _lock:
        config.clear()
        config.update(collect_env())


config = collect_env()
