"""The process's context: everything that Python builds hangs on it."""
import atexit
import ctypes
import threading

from . import _abi
from ._errors import call

_lock = threading.Lock()
_handle = None
_has_ended = False


def current():
    """The context (dk_context *), opened when first asked for and closed when the interpreter ends.

    Errors: RuntimeError after that.
    """
    global _handle
    if _handle is None:
        with _lock:
            if _has_ended:
                raise RuntimeError("cdask cannot be used any more: the interpreter is ending")
            if _handle is None:
                handle = _abi.context_p()
                options = _abi.dk_options(fork_hooks=ctypes.pointer(_fork_hooks()))
                call(_abi.dk_open_with, ctypes.byref(options), ctypes.byref(handle))
                atexit.register(_close)
                _handle = handle
    return _handle


def _fork_hooks():
    """Keeps the interpreter alive in the processes that the library forks: what os.fork() does, by
    the interpreter's own functions, which cannot be Python's here since they hold its lock."""
    names = {"lock": "PyGILState_Ensure", "before": "PyOS_BeforeFork",
             "in_parent": "PyOS_AfterFork_Parent", "in_child": "PyOS_AfterFork_Child",
             "unlock": "PyGILState_Release"}
    types = dict(_abi.dk_fork_hooks._fields_)
    return _abi.dk_fork_hooks(**{
        hook: types[hook](ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
        for hook, name in names.items()})


def is_open():
    """False once the interpreter ends: nothing may be given back any more."""
    return _handle is not None


def _close():
    """When the interpreter ends, unless threads are left that may be computing."""
    global _handle, _has_ended
    if threading.active_count() == 1:
        handle, _handle, _has_ended = _handle, None, True
        _abi.dk_close(handle)


def memory():
    """Bytes that the library holds for this process: `current`, `peak`, `limit`, and `blocks`."""
    return _abi.dk_context_memory(current())
