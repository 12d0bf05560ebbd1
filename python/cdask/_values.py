"""Values that tasks take and give (dk_value), and the Python objects they stand for.

None, bool, int of 64 bits, float, str and bytes are values of their own; a pandas object becomes a
table only where one is asked for; anything else travels as an object of this interpreter, and to
other processes pickled.
"""
import ctypes
import itertools
import pickle
import sys

import numpy as np
import pandas as pd

from . import _abi, _arrow, _context, _exceptions
from ._errors import check

pythonapi = ctypes.pythonapi
pythonapi.Py_IncRef.argtypes = pythonapi.Py_DecRef.argtypes = [ctypes.c_void_p]
pythonapi.Py_IncRef.restype = pythonapi.Py_DecRef.restype = None


FIELDS = dict(_abi.dk_object_type._fields_)


@FIELDS["free"]
def _free(address):
    pythonapi.Py_DecRef(address)


@FIELDS["pack"]
def _pack(context, address, out, error):
    try:
        out[0] = _bytes_value(_abi.dk_value_bytes, _exceptions.pickled(_at(address)))
        return _abi.DK_OK
    except BaseException as problem:
        return _exceptions.put(problem, error)


@FIELDS["unpack"]
def _unpack(context, data, nbytes, out, error):
    try:
        out[0] = _address(pickle.loads(ctypes.string_at(data, nbytes)))
        return _abi.DK_OK
    except BaseException as problem:
        return _exceptions.put(problem, error)


@FIELDS["nbytes"]
def _nbytes(address):
    try:
        return nbytes(_at(address))
    except Exception:
        return 0


@FIELDS["pack_parts"]
def _pack_parts(context, address, parts, error):
    """Large buffers are lent: they are not copied on their way."""
    try:
        data, buffers = _exceptions.pickled_in_parts(_at(address))
        for part in (data, *buffers):
            lent = np.frombuffer(part, np.uint8)
            if _abi.dk_parts_add(parts, lent.ctypes.data, lent.nbytes, _free, _address(lent)):
                return _abi.DK_ENOMEM
        return _abi.DK_OK
    except BaseException as problem:
        return _exceptions.put(problem, error)


@FIELDS["unpack_parts"]
def _unpack_parts(context, parts, nparts, out, error):
    try:
        data, *buffers = (_bytearray(parts[i]) for i in range(nparts))
        out[0] = _address(pickle.loads(data, buffers=buffers))
        return _abi.DK_OK
    except BaseException as problem:
        return _exceptions.put(problem, error)


def _bytearray(part):
    """A copy that may be written to, as what is sent by Dask's own processes."""
    return bytearray((ctypes.c_char * part.nbytes).from_address(part.data)) if part.nbytes else bytearray()


OBJECT = _abi.dk_object_type(b"python", _free, _pack, _unpack, _nbytes, True, _pack_parts, _unpack_parts)

SAMPLE = 10


def nbytes(thing):
    """About what `thing` takes; of containers some items are looked at."""
    if isinstance(thing, (pd.DataFrame, pd.Series, pd.Index)):
        return int(np.sum(thing.memory_usage(deep=False)))
    size = getattr(thing, "nbytes", None)
    if type(size) is int:
        return size
    size = sys.getsizeof(thing)
    if type(thing) in (list, tuple, set, frozenset, dict) and thing:
        parts = list(itertools.islice(thing, SAMPLE))
        parts += [thing[part] for part in parts] if type(thing) is dict else []
        size += sum(map(nbytes, parts)) * len(thing) // min(len(thing), SAMPLE)
    return size


def _address(thing):
    """Where `thing` is, with a reference that belongs to the address."""
    pythonapi.Py_IncRef(id(thing))
    return id(thing)


def _at(address):
    return ctypes.cast(address, ctypes.py_object).value


def object_value(thing):
    """`thing` itself as a value, which holds a reference of it."""
    value = _abi.dk_value()
    address = _address(thing)
    check(_abi.dk_value_object(_context.current(), ctypes.byref(OBJECT), address,
                               ctypes.byref(value)), _abi.dk_error())
    return value


def object_of(value):
    """The Python object in a value of kind object."""
    address = _abi.dk_value_as_object(value, ctypes.byref(OBJECT))
    if not address:
        raise TypeError("an object of another program cannot be used in Python")
    return _at(address)


def _bytes_value(make, data):
    value = _abi.dk_value()
    check(make(_context.current(), data, len(data), ctypes.byref(value)), _abi.dk_error())
    return value


def value_of(thing):
    """The value that stands for `thing`; its reference is the caller's."""
    kind = type(thing)
    if kind is int and -2**63 <= thing < 2**63:
        return _abi.dk_value_int(thing)
    if kind is float:
        return _abi.dk_value_float(thing)
    if thing is None:
        return _abi.dk_value_null()
    if kind is bool:
        return _abi.dk_value_bool(thing)
    if kind is bytes:
        return _bytes_value(_abi.dk_value_bytes, thing)
    if kind is str:
        try:
            return _bytes_value(_abi.dk_value_text, thing.encode())
        except UnicodeEncodeError:
            pass  # lone surrogates are no UTF-8
    return object_value(thing)


def plain(thing):
    """The value of a message: lists for lists, tuples and sets, maps for dicts; its reference is the caller's."""
    if isinstance(thing, dict):
        return _container(_abi.dk_value_map, [plain(one) for item in thing.items() for one in item])
    if isinstance(thing, (list, tuple, set, frozenset)):
        return _container(_abi.dk_value_list, [plain(one) for one in thing])
    if isinstance(thing, Whole):
        return object_value(thing.thing)
    return value_of(thing)


class Whole:
    """A part of a message that travels as results do."""

    __slots__ = ("thing",)

    def __init__(self, thing):
        self.thing = thing


def _container(make, values):
    value = _abi.dk_value()
    check(make(_context.current(), (_abi.dk_value * len(values))(*values), len(values), ctypes.byref(value)),
          _abi.dk_error())
    return value


def _data(value):
    nbytes = ctypes.c_size_t()
    address = _abi.dk_value_data(value, ctypes.byref(nbytes))
    return ctypes.string_at(address, nbytes.value)


def _items(value):
    count = ctypes.c_size_t()
    items = _abi.dk_value_items(value, ctypes.byref(count))
    return [python_of(items[i]) for i in range(count.value)]


def _map(value):
    items = _items(value)
    return dict(zip(items[::2], items[1::2]))


PYTHON = {
    _abi.DK_KIND_NULL: lambda value: None,
    _abi.DK_KIND_BOOL: lambda value: bool(value.bits & 1),
    _abi.DK_KIND_INT: lambda value: value.as_.integer,
    _abi.DK_KIND_FLOAT: lambda value: value.as_.real,
    _abi.DK_KIND_TEXT: lambda value: _data(value).decode(),
    _abi.DK_KIND_BYTES: _data,
    _abi.DK_KIND_LIST: _items,
    _abi.DK_KIND_MAP: _map,
    _abi.DK_KIND_TABLE: lambda value: _arrow.pandas(value.as_.table),
    _abi.DK_KIND_OBJECT: object_of,
}


def python_of(value):
    """The Python object that a value stands for: tables as pandas objects."""
    return PYTHON[value.kind](value)


def taken(values):
    """The Python objects of values whose references are the caller's, and are dropped."""
    try:
        return [python_of(value) for value in values]
    finally:
        drop(values)


def drop(values):
    for value in values:
        _abi.dk_value_unref(value)


def partition_value(thing):
    """What a function over partitions gave: a table for pandas objects, else a scalar."""
    if isinstance(thing, pd.DataFrame | pd.Series):
        return _abi.dk_value_table(_arrow.table(thing))
    if isinstance(thing, pd.Index):
        return _abi.dk_value_table(_arrow.table(thing.to_series()))
    if isinstance(thing, np.generic) and thing.dtype.kind in "biufU":
        thing = thing.item()
    if isinstance(thing, (bool, int, float, str)):
        return value_of(thing)
    if pd.api.types.is_scalar(thing):
        return _abi.dk_value_table(_arrow.table(pd.Series([thing])))
    raise TypeError(f"a function over partitions gives a DataFrame, Series or scalar, "
                    f"not {type(thing).__name__}")
