"""Configuration: `scheduler`, `num_workers`, and whatever else programs keep here.

    with cdask.config.set(scheduler="sync"):
        ...

Names are case-sensitive, nested with dots; a hyphen and an underscore are the same. Values come from
the environment first: DASK_SCHEDULER or CDASK_SCHEDULER is `scheduler`, DASK_A__B_C is `a.b_c`.
Source: dask.config.
"""
import ast
import os
import threading

_lock = threading.Lock()
_missing = object()


def collect_env(env=None):
    """The configuration that the environment gives.

    Parameters
    ----------
    env : dict of str to str, optional
        Default: the process's environment.

    Returns
    -------
    dict
        Nested, by the parts of names.
    """
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


def canonical_name(key, tree):
    """The spelling of a name that a section has.

    Parameters
    ----------
    key : str
        One part of a name.
    tree : dict

    Returns
    -------
    str
        `key`, or the same with hyphens for underscores, or the reverse, if `tree` has that.
    """
    if key in tree:
        return key
    other = key.replace("_", "-") if "_" in key else key.replace("-", "_")
    return other if other in tree else key


def _assign(tree, key, value):
    *path, last = key.split(".")
    for part in path:
        tree = tree.setdefault(canonical_name(part, tree), {})
        if not isinstance(tree, dict):
            raise TypeError(f"config key {key!r}: {part!r} is a value, not a section")
    tree[canonical_name(last, tree)] = value


def get(key, default=_missing, override_with=None):
    """The value of a name.

    Parameters
    ----------
    key : str
        Its parts are separated by dots.
    default : object, optional
        What it is when it is not set.
    override_with : object, optional
        Unless None, this is the value.

    Returns
    -------
    object

    Raises
    ------
    KeyError
        When it is not set and there is no default.
    """
    if override_with is not None:
        return override_with
    found = _find(key)
    if found is not _missing:
        return found
    if default is _missing:
        raise KeyError(key)
    return default


def _find(key):
    found = config
    for part in key.split("."):
        if not isinstance(found, dict):
            return _missing
        found = found.get(canonical_name(part, found), _missing)
    return found


class set:
    """Sets values, for good or as a context manager for its block.

        cdask.config.set({"scheduler": "sync"})
        cdask.config.set(num_workers=4)

    Parameters
    ----------
    arg : dict of str to object, optional
        Values by name.
    **kwargs
        The same; two underscores nest: array__chunk_size is "array.chunk_size".

    Raises
    ------
    TypeError
        For a name below one that has a value.
    """

    def __init__(self, arg=None, **kwargs):
        changes = dict(arg or {})
        changes.update((name.replace("__", "."), value) for name, value in kwargs.items())
        self.before = []
        with _lock:
            for key, value in changes.items():
                self.before.append((key, _find(key)))
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
    """Removes `key`, and the sections that are empty without it."""
    first, _, rest = key.partition(".")
    first = canonical_name(first, tree)
    if rest and isinstance(tree.get(first), dict):
        _remove(tree[first], rest)
        if tree[first]:
            return
    tree.pop(first, None)


def refresh():
    """Reads the environment again and forgets what was set."""
    with _lock:
        config.clear()
        config.update(collect_env())


config = collect_env()
