"""Persisted collections on their way to other clients of their cluster: their futures, and what they are beside."""
import ctypes

from .. import _abi, _arrow, _context, _values
from .._errors import call
from ..delayed import Delayed, delayed
from .futures import futures_of


def described(lazy):
    """What :func:`adopted` makes such a collection of.

    Parameters
    ----------
    lazy : Delayed, DataFrame, Series, Row or Scalar
        Persisted on a cluster.

    Returns
    -------
    tuple

    Raises
    ------
    TypeError
        It is not.
    """
    futures = futures_of(lazy)
    if isinstance(lazy, Delayed):
        _check(lazy, len(futures) == 1)
        return Delayed, None, None, futures
    description, divisions = _abi.dk_value(), _abi.table_p()
    _check(lazy, hasattr(lazy, "npartitions") and len(futures) == lazy.npartitions)
    call(_abi.dk_frame_description, lazy._frame, ctypes.byref(description))
    call(_abi.dk_frame_divisions, lazy._frame, ctypes.byref(divisions))
    try:
        bounds = _arrow.pandas(divisions) if divisions else None
    finally:
        _abi.dk_table_unref(divisions)
    return type(lazy), _values.taken([description])[0], bounds, futures


def _check(lazy, is_kept):
    if not is_kept:
        raise TypeError(f"a lazy {type(lazy).__name__} leaves its process only when it is persisted on a cluster")


def adopted(kind, description, divisions, futures):
    """The collection, of this process's client.

    Parameters
    ----------
    kind : type
    description : dict or None
        None: of a delayed result.
    divisions : pandas.Series or None
    futures : list of Future

    Returns
    -------
    object
        Of that type.
    """
    if kind is Delayed:
        return delayed(futures[0])
    told = _values.plain(description)
    bounds = None if divisions is None else _arrow.table(divisions)
    results = (_abi.dk_value * len(futures))(*(future._kept_value() for future in futures))
    try:
        return kind(_abi.dk_adopt(_context.current(), told, bounds, results, len(futures)))
    finally:
        _values.drop([told, *results])
        _abi.dk_table_unref(bounds)
