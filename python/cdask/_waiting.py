"""Calls of the library that wait for a cluster: with a limit, and so that Ctrl-C ends them."""
import ctypes
import datetime
import re
import threading
import time
from concurrent.futures import CancelledError

from . import _abi, _exceptions
from ._errors import check, call

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600,
         "hr": 3600, "hour": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800}


def waited(function, timeout=None):
    """Calls function(options, error), where `options` is a dk_wait_options *, and raises what it reports.

    Errors: TimeoutError after `timeout` seconds, KeyboardInterrupt after Ctrl-C, CancelledError for tasks that are,
    those of the function.
    """
    cancel, error = ctypes.c_int(0), _abi.dk_error()
    options = _abi.dk_wait_options(timeout_s=max(timeout or 0, 0), has_timeout=timeout is not None)
    end = None if timeout is None else time.monotonic() + timeout
    if threading.current_thread() is threading.main_thread():
        options.cancel = ctypes.pointer(cancel)
        status = _interruptible(function, cancel, options, error)
    else:
        status = function(ctypes.byref(options), ctypes.byref(error))
    if status == _abi.DK_EIO and end is not None and time.monotonic() >= end:
        raise TimeoutError(f"not done within {timeout:g} s")
    if status == _abi.DK_ECANCELED and not cancel.value:
        raise CancelledError(error.message.decode(errors="replace"))
    check_own(status, error)


def sent(function, *arguments):
    """As call(), where Python's objects are packed or unpacked: what that raises is raised."""
    error = _abi.dk_error()
    check_own(function(*arguments, ctypes.byref(error)), error)


def check_own(status, error):
    """As check(), but that an exception of this process that the error is about is raised itself."""
    if not status:
        return
    own = _exceptions.take(error.message.decode(errors="replace"))
    if own is not None:
        raise own
    error.message = re.sub(rb"#\d+\.\d+ ", b"", error.message)
    check(status, error)


def _interruptible(function, cancel, options, error):
    watch = _abi.dk_interrupt()
    call(_abi.dk_interrupt_begin, ctypes.byref(cancel), ctypes.byref(watch))
    try:
        return function(ctypes.byref(options), ctypes.byref(error))
    finally:
        _abi.dk_interrupt_end(ctypes.byref(watch))


def seconds(time_, default=None):
    """A time as Dask writes it, in seconds: a number, "5 minutes", a timedelta; None stands for `default`.

    Errors: ValueError.
    """
    if time_ is None:
        return default
    if isinstance(time_, datetime.timedelta):
        return time_.total_seconds()
    if not isinstance(time_, str):
        return float(time_)
    found = re.fullmatch(r"\s*([\d.eE+-]*)\s*([a-zA-Z]*)\s*", time_)
    unit = found and (found[2].lower() or "s")
    factor = UNITS.get(unit) or UNITS.get((unit or "").removesuffix("s"))
    if not found or not factor:
        raise ValueError(f"not a time: {time_!r}")
    return float(found[1] or 1) * factor
