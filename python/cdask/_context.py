"""The process's context: everything that Python builds hangs on it."""
import atexit
import ctypes
import threading

from . import _abi
from ._errors import call

_lock = threading.Lock()
_handle = None


def current():
    """The context (dk_context *), opened when first asked for and closed when the interpreter ends."""
    global _handle
    if _handle is None:
        with _lock:
            if _handle is None:
                handle = _abi.context_p()
                call(_abi.dk_open_with, None, ctypes.byref(handle))
                atexit.register(_close)
                _handle = handle
    return _handle


def is_open():
    """False once the interpreter ends: nothing may be given back any more."""
    return _handle is not None


def _close():
    global _handle
    handle, _handle = _handle, None
    _abi.dk_close(handle)


def memory():
    """Bytes that the library holds for this process: `current`, `peak`, `limit`, and `blocks`."""
    return _abi.dk_context_memory(current())
