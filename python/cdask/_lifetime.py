"""What stands for an expression of the library, and holds it while it lives."""
from . import _abi, _context, _errors


class Handle:
    """A C frame, forgotten with this object.

    Errors: raised here when the frame is one that could not be built.
    """

    __slots__ = ("frame",)

    def __init__(self, frame):
        error = _abi.dk_frame_error(frame)
        if error:
            problem = _errors.exception(error[0])
            _abi.dk_forget(frame)
            raise problem
        self.frame = frame

    def __del__(self, is_open=_context.is_open, forget=_abi.dk_forget):
        if hasattr(self, "frame") and is_open():
            forget(self.frame)


class Lazy:
    """Something lazy: `_frame` is its C frame."""

    __slots__ = ("_handle", "__weakref__")
    _received = None  # a function that makes of the result, a table, what a task is given

    def __init__(self, frame):
        self._handle = Handle(frame)

    @property
    def _frame(self):
        _context.current()
        return self._handle.frame

    def _as_lazy(self):
        """What stands for it among the arguments of a call."""
        return self

    def __reduce__(self):
        from .distributed import adopted
        return adopted.adopted, adopted.described(self)

    def _finish(self, value):
        """What compute() gives for the Python object that the library's result stands for."""
        return value

    def _finish_part(self, thing):
        """The same for the result of its last task."""
        return self._finish(thing)
