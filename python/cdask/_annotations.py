"""What is wished for tasks on a cluster: by `annotate` for all that is submitted within, or call by call."""
import contextlib
import contextvars
import ctypes
import types
from numbers import Number

from . import _abi

_annotations = contextvars.ContextVar("annotations", default=types.MappingProxyType({}))

_EXPECTED = {"priority": (Number, "a Number"), "retries": (Number, "a Number"), "resources": (dict, "a dict"),
             "workers": ((str, list, tuple, set), "a sequence of str, a str"), "allow_other_workers": (bool, "a bool")}


@contextlib.contextmanager
def annotate(**annotations):
    """What tasks are to have that are submitted, computed or persisted in a ``with`` statement, where a cluster runs
    them; what a call says itself goes before. Other schedulers run everything at once, and need none of it.

    Follows :func:`dask.annotate`, but what counts is where tasks are sent off: delayed calls do not remember where
    they were written down.

    Parameters
    ----------
    **annotations
        - priority : larger is earlier, a whole number
        - retries : how often a task is tried again when it fails
        - resources : what it needs of workers, {name: how much}
        - workers : addresses, names or hosts that may run it, or one of them
        - allow_other_workers : whether `workers` is only a wish

        Others are only told by :func:`get_annotations`.

    Returns
    -------
    context manager

    Raises
    ------
    TypeError
        For values that are none of these.
    """
    for name, (kind, text) in _EXPECTED.items():
        if name in annotations and not isinstance(annotations[name], kind) and not callable(annotations[name]):
            raise TypeError(f"'{name}' annotation must be {text} or a callable, but got {annotations[name]}")
    if "workers" in annotations:
        annotations["workers"] = listed(annotations["workers"])
    token = _annotations.set({**_annotations.get(), **annotations})
    try:
        yield
    finally:
        _annotations.reset(token)


def get_annotations():
    """What the ``with annotate(...)`` around the caller have said.

    Follows :func:`dask.get_annotations`.

    Returns
    -------
    dict
    """
    return dict(_annotations.get())


def listed(workers):
    """Workers as they may be given: one, several, or None."""
    if workers is None or callable(workers):
        return workers
    return [workers] if isinstance(workers, (str, Number)) else list(workers)


class SubmitOptions:
    """A dk_submit_options and what it points to: the wishes of a call before those of `annotate`."""

    def __init__(self, key=None, workers=None, resources=None, retries=None, priority=0, allow_other_workers=False,
                 as_named=True):
        if allow_other_workers not in (True, False, None):
            raise TypeError("allow_other_workers= must be True, False, or None")
        said = {"workers": listed(workers), "resources": resources, "retries": retries, "priority": priority,
                "allow_other_workers": allow_other_workers}
        wished = {**get_annotations(), **{name: wish for name, wish in said.items() if wish}}
        for name in _EXPECTED:
            if callable(wished.get(name)):
                raise NotImplementedError(f"{name} by a callable, with another value for each key, is not there yet")
        self.wished = {name: wished.get(name) for name in said}
        self._fill(key, as_named, **self.wished)

    def _fill(self, key, as_named, workers, resources, retries, priority, allow_other_workers):
        workers, resources = listed(workers) or [], resources or {}
        # The struct does not keep what it points to.
        self.workers = (ctypes.c_char_p * len(workers))(*(str(worker).encode() for worker in workers))
        self.names = (ctypes.c_char_p * len(resources))(*(name.encode() for name in resources))
        self.amounts = (ctypes.c_double * len(resources))(*resources.values())
        self.key = key
        self.filled = _abi.dk_submit_options(
            key=str(key).encode() if key is not None else None, priority=_whole("priority", priority),
            retries=_count("retries", retries), workers=self.workers, nworkers=len(workers),
            allow_other_workers=bool(allow_other_workers), resources=self.names, amounts=self.amounts,
            nresources=len(resources), as_named=as_named)

    def renamed(self, key):
        """The same for another task."""
        return SubmitOptions(key, **self.wished)


def _whole(name, number):
    """It, or 0 for none.   Errors: TypeError, ValueError."""
    if not isinstance(number or 0, Number):
        raise TypeError(f"{name} must be a number, got {number!r}")
    if int(number or 0) != (number or 0):
        raise ValueError(f"{name} must be whole, got {number!r}")
    return int(number or 0)


def _count(name, number):
    if _whole(name, number) < 0:
        raise ValueError(f"{name} must not be negative, got {number!r}")
    return _whole(name, number)
