"""The library's errors as the exceptions that pandas and Dask raise."""
import ctypes
from concurrent.futures.process import BrokenProcessPool

from pandas.errors import ParserError

from . import _abi

EXCEPTIONS = {
    _abi.DK_ENOMEM: MemoryError,
    _abi.DK_EINVAL: ValueError,
    _abi.DK_EIO: OSError,
    _abi.DK_ENOFILE: FileNotFoundError,
    _abi.DK_EPARSE: ParserError,  # a ValueError
    _abi.DK_ETYPE: TypeError,
    _abi.DK_ECOLUMN: KeyError,
    _abi.DK_EKEY: KeyError,
    _abi.DK_ENOTSUP: NotImplementedError,
    _abi.DK_ECANCELED: KeyboardInterrupt,
    _abi.DK_ETASK: RuntimeError,
    _abi.DK_ECRASH: BrokenProcessPool,
    _abi.DK_ECYCLE: RuntimeError,
    _abi.DK_EOVERFLOW: OverflowError,
    _abi.DK_EALIGN: ValueError,
}


def exception(error):
    """The exception for a filled dk_error; a task's has its key as the attribute `key`."""
    message = error.message.decode(errors="replace")
    kind = EXCEPTIONS[error.status]
    if kind is OSError and ": Is a directory" in message:
        kind = IsADirectoryError
    made = kind(message)
    made.key = error.key.decode(errors="replace") or None
    return made


def check(status, error):
    """Raises unless `status` is DK_OK. `error` is the dk_error that the function was given."""
    if status:
        error.status = status
        if not error.message:
            error.message = _abi.dk_status_text(status)
        raise exception(error)


def call(function, *arguments):
    """Calls a function whose last parameter is a dk_error, and raises what it reports."""
    error = _abi.dk_error()
    check(function(*arguments, ctypes.byref(error)), error)


def text(function, *arguments):
    """The text that a function gives by an out parameter before its dk_error."""
    out = ctypes.c_char_p()
    call(function, *arguments, ctypes.byref(out))
    return taken(out)


def taken(out):
    """The text in `out`, which was the library's and is freed."""
    try:
        return out.value.decode(errors="replace")
    finally:
        _abi.dk_text_free(out)
