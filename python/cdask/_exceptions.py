"""Exceptions of Python code that the library calls, on their way through it.

The library carries their text; they wait here until the computation that they ended picks them up.
From forked processes they come by a file that both sides have open.
"""
import collections
import fcntl
import os
import pickle
import traceback

import cloudpickle

from . import _abi

_raised = collections.deque(maxlen=256)  # (text, exception), newest last
_crossing = _owner = None  # the file, and the process that reads it


class RemoteTraceback(Exception):
    """Where an exception was raised in a forked process."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


def put(problem, error):
    """Keeps an exception and tells the library of it: fills `error` and gives the status."""
    text = "".join(traceback.format_exception_only(problem)).strip()
    _raised.append((text, problem))
    if _owner not in (None, os.getpid()):
        _send(text, problem)
    if error:
        message = text.encode(errors="replace")[:_abi.DK_ERROR_MESSAGE_MAX - 200]
        error[0].message = message.decode(errors="ignore").encode()
    return _abi.DK_ETASK


def take(message):
    """The exception that a failed computation reports in `message`, or None; it is kept no more."""
    _receive()
    for entry in list(_raised):
        text, problem = entry
        if text[:400] in message:
            _raised.remove(entry)
            return problem
    return None


def open_crossing():
    """Before a computation under processes: makes the file."""
    global _crossing, _owner
    if _owner != os.getpid():
        _owner = os.getpid()
        _crossing = os.memfd_create("cdask-exceptions")
        fcntl.fcntl(_crossing, fcntl.F_SETFL, os.O_APPEND)


def pickled(thing):
    """Bytes for another process. Functions and classes that forked processes know by name stay the
    very same there; others are taken along."""
    try:
        return pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        return cloudpickle.dumps(thing)


def _send(text, problem):
    told = RemoteTraceback("".join(traceback.format_exception(problem)))
    for content in ((text, problem, told), (text, RuntimeError(text), told)):
        try:
            data = pickled(content)
            pickle.loads(data)  # some exceptions can be packed and not be unpacked
            break
        except Exception:
            continue
    os.write(_crossing, len(data).to_bytes(8, "little") + data)


def _receive():
    data = os.pread(_crossing, os.fstat(_crossing).st_size, 0) if _owner == os.getpid() else b""
    if data:
        os.ftruncate(_crossing, 0)
    while data:
        nbytes = int.from_bytes(data[:8], "little")
        text, problem, told = pickle.loads(data[8:8 + nbytes])
        problem.__cause__ = told
        _raised.append((text, problem))
        data = data[8 + nbytes:]
