"""Exceptions of Python code that the library calls, on their way through it.

The library carries their text with a number in front; under it they wait here until the computation
that they ended picks them up. From forked processes they come by a file that both sides have open.
"""
import contextlib
import fcntl
import io
import itertools
import os
import pickle
import re
import sys
import threading
import traceback
import types

import cloudpickle

from . import _abi

# {number: exception}, oldest first. Of several tasks that fail at once one ends the computation: the
# others' are never asked for and make room in the end.
_raised = {}
_MOST = 256
_counter = itertools.count()
_crossing = _owner = None  # the file, and the process that reads it
_lock = threading.Lock()  # among the threads of that process; among processes the file is locked


class RemoteTraceback(Exception):
    """Where an exception was raised in a forked process."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


def put(problem, error):
    """Keeps an exception and tells the library of it: fills `error` and gives the status."""
    number = f"#{os.getpid()}.{next(_counter)}"
    text = "".join(traceback.format_exception_only(problem)).strip()
    _keep(number, problem)
    if is_forked():
        _send(number, text, problem)
    if error:
        message = f"{number} {text}".encode(errors="replace")[:_abi.DK_ERROR_MESSAGE_MAX - 200]
        error[0].message = message.decode(errors="ignore").encode()
    return _abi.DK_ETASK


def send(task, problem, error):
    """Hands an exception to whoever waits for a task of a cluster; fills `error` and gives the status."""
    exception = traceback_ = b""
    try:
        exception = portable(problem)
        traceback_ = pickle.dumps(Frames(problem.__traceback__))
    except Exception:
        pass  # the text is left
    _abi.dk_task_raise(task, exception, len(exception), traceback_, len(traceback_))
    text = "".join(traceback.format_exception_only(problem)).strip()
    error[0].message = text.encode(errors="replace")[:_abi.DK_ERROR_MESSAGE_MAX - 200].decode(errors="ignore").encode()
    return _abi.DK_ETASK


def portable(problem):
    """The pickle of an exception, or of one like it."""
    for like in (problem, RuntimeError("".join(traceback.format_exception_only(problem)).strip())):
        try:
            data = pickled(like)
            pickle.loads(data)  # some exceptions can be packed and not be unpacked
            return data
        except Exception:
            continue
    return b""


class Frames:
    """Where an exception was raised; unpickled, it is a traceback."""

    def __init__(self, trace):
        self.places = [(frame.filename, frame.lineno, frame.name) for frame in traceback.extract_tb(trace)]
        self.places = [place for place in self.places if place[0] != __file__.replace("_exceptions", "_tasks")]

    def __reduce__(self):
        return rebuilt, (self.places,)


def rebuilt(places):
    """A traceback through `places`: (file, line, function), the outermost first. None for none."""
    trace = None
    for filename, line, name in reversed(places):
        code = compile("\n" * ((line or 1) - 1) + "raise problem", filename, "exec").replace(co_name=name)
        try:
            exec(code, {"problem": Exception(), "__name__": name})
        except Exception as problem:
            inner = problem.__traceback__.tb_next
            trace = types.TracebackType(trace, inner.tb_frame, inner.tb_lasti, inner.tb_lineno)
    return trace


def received(raised):
    """The exception of a task of a cluster, of what dk_future_raised() says of it; None: it is not known."""
    if not raised.get("exception"):
        return None
    problem = _Unpickler(io.BytesIO(raised["exception"])).load()
    trace = received_traceback(raised)
    return problem.with_traceback(trace) if isinstance(problem, BaseException) else None


class _Unpickler(pickle.Unpickler):
    """Takes our own classes for those of Dask's scheduler, which need not be installed."""

    def find_class(self, module, name):
        if module == "distributed.scheduler":
            from .distributed import failures
            return getattr(failures, name, None) or super().find_class(module, name)
        return super().find_class(module, name)


def received_traceback(raised):
    """The traceback that goes with it, or None."""
    try:
        trace = pickle.loads(raised["traceback"]) if raised.get("traceback") else None
    except Exception:
        return None
    return trace if isinstance(trace, types.TracebackType) else None


def _keep(number, problem):
    _raised[number] = problem
    while len(_raised) > _MOST:
        _raised.pop(next(iter(_raised)), None)


def take(message):
    """The exception that a failed computation reports in `message`, or None; it is kept no more."""
    _receive()
    for number in re.findall(r"#\d+\.\d+", message):
        if number in _raised:
            return _raised.pop(number)
    return None


def is_forked():
    """Whether this is a process of the library's own making, or somebody else's fork of one that has
    computed under processes."""
    return _owner not in (None, os.getpid())


def open_crossing():
    """Before a computation under processes: makes the file, and prints what waits to be printed, or
    every process would print it."""
    global _crossing, _owner
    flush()
    with _lock:
        if _owner != os.getpid():
            _crossing = os.memfd_create("cdask-exceptions")
            fcntl.fcntl(_crossing, fcntl.F_SETFL, os.O_APPEND)
            _owner = os.getpid()


def flush():
    """Prints what waits to be printed: the library's processes end without doing so."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, closed, or broken
            stream.flush()


def pickled(thing):
    """Bytes for another process. Functions and classes that it knows by name stay the very same there, and
    forked processes know those of the program itself; others are taken along."""
    try:
        data = pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
        if is_forked() or b"__main__" not in data:
            return data
    except Exception:
        pass
    return cloudpickle.dumps(thing)


PART = 65536  # bytes, from which on a buffer is not copied into its pickle


def pickled_in_parts(thing):
    """The same, with large buffers apart: (bytes, [memoryview ...])."""
    def keep(buffer):
        with contextlib.suppress(BufferError):  # it is not contiguous
            raw = buffer.raw()
            if raw.nbytes >= PART:
                buffers.append(raw)
                return False
        return True
    buffers = []
    try:
        data = pickle.dumps(thing, protocol=5, buffer_callback=keep)
        if is_forked() or b"__main__" not in data:
            return data, buffers
    except Exception:
        pass
    buffers = []
    return cloudpickle.dumps(thing, protocol=5, buffer_callback=keep), buffers


def _send(number, text, problem):
    told = RemoteTraceback("".join(traceback.format_exception(problem)))
    for content in ((number, problem, told), (number, RuntimeError(text), told)):
        try:
            data = pickled(content)
            pickle.loads(data)  # some exceptions can be packed and not be unpacked
            break
        except Exception:
            continue
    with _locked_file():
        os.write(_crossing, len(data).to_bytes(8, "little") + data)


def _receive():
    if _owner != os.getpid():
        return
    with _lock, _locked_file():
        data = os.pread(_crossing, os.fstat(_crossing).st_size, 0)
        os.ftruncate(_crossing, 0)
    while data:
        nbytes = int.from_bytes(data[:8], "little")
        number, problem, told = pickle.loads(data[8:8 + nbytes])
        problem.__cause__ = told
        _keep(number, problem)
        data = data[8 + nbytes:]


@contextlib.contextmanager
def _locked_file():
    fcntl.lockf(_crossing, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.lockf(_crossing, fcntl.LOCK_UN)
