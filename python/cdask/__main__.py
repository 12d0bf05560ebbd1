"""The executable's commands, whose workers have Python: python -m cdask worker ADDRESS ..."""
import ctypes
import sys

from . import _abi, _context, _tasks


def main():
    """Runs the command line.

    Returns
    -------
    int
        The exit status.
    """
    _tasks.begin()
    words = ["cdask", *sys.argv[1:]]
    return _abi.dk_main(_context.current(), len(words), (ctypes.c_char_p * (len(words) + 1))(*map(str.encode, words)))


if __name__ == "__main__":
    sys.exit(main())
