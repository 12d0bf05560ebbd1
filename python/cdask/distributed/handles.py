"""What a client or a future is in the library, for as long as any thread uses it."""
import ctypes

from .. import _abi, _context


class _Handle:
    """Stands for its pointer as an argument of the library's functions. Freed with the last reference: a thread that
    is in one of them has one, whatever the others do."""

    __slots__ = ("_as_parameter_",)

    def __init__(self, pointer):
        self._as_parameter_ = pointer

    @property
    def pointer(self):
        """For structs: whoever fills one in keeps this object, too."""
        return self._as_parameter_

    @property
    def address(self):
        """As a number."""
        return ctypes.cast(self._as_parameter_, ctypes.c_void_p).value


class ClientHandle(_Handle):
    """A dk_client *."""

    __slots__ = ()

    def __del__(self, is_open=_context.is_open, close=_abi.dk_client_close):
        if is_open():
            close(self._as_parameter_)


class FutureHandle(_Handle):
    """A dk_future *."""

    __slots__ = ()

    def __del__(self, is_open=_context.is_open, free=_abi.dk_future_free):
        if is_open():
            free(self._as_parameter_)


class FutureHandles(_Handle):
    """An array of dk_future *, of handles."""

    __slots__ = ("_handles",)

    def __init__(self, handles):
        array = (_abi.future_p * len(handles))(*(handle.pointer for handle in handles))
        super().__init__(ctypes.cast(array, ctypes.POINTER(_abi.future_p)))
        self._handles = handles

    def __len__(self):
        return len(self._handles)
