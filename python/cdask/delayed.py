"""Lazy calls of Python functions: `delayed`.   Source: dask.delayed."""
import dataclasses
import operator

from . import _abi, _compute, _context, _tasks, _values
from ._lifetime import Lazy
from ._tasks import Apply, Call, Slot


def delayed(obj, name=None, pure=None, nout=None, traverse=True):
    """A function whose calls are put off, or a value as if it came of such a call.

    Follows :func:`dask.delayed`.

    Parameters
    ----------
    obj : callable or object
        What to call or to hold. Lazy things inside lists, tuples, sets, dicts, slices and
        dataclasses are found (`traverse`), also among the arguments of calls; a lazy dataframe
        arrives as pandas.
    name : str, optional
        What the task is called in profiles and pictures; default: the function's name.
    pure : bool, optional
        Accepted as Dask's; every call is a task of its own here.
    nout : int, optional
        How many results the call has, which can then be unpacked: ``a, b = delayed(f, nout=2)(x)``.
    traverse : bool
        Whether to look into lists, tuples, sets, dicts, slices and dataclasses.

    Returns
    -------
    Delayed

    Raises
    ------
    ValueError
        For an `nout` that is no number of results.
    """
    if not (nout is None or type(nout) is int and nout >= 0):
        raise ValueError(f"nout must be None or a non-negative integer, got {nout!r}")
    if isinstance(obj, Delayed):
        return obj
    if is_lazy(obj):
        return make(_identity, (obj,), name=name or "finalize")
    if callable(obj):
        return DelayedFunction(obj, name, nout, traverse)
    return make(_identity, (obj,), name=name or type(obj).__name__, nout=nout, traverse=traverse)


def _identity(thing):
    return thing


def is_collection(thing):
    return isinstance(thing, Lazy)


def is_lazy(thing):
    """Futures, too: as an argument one stands for its result."""
    return hasattr(type(thing), "_as_lazy")


PLAIN = {int, float, str, bytes, bool, type(None)}


def collect(thing, lazies, is_wanted=is_lazy):
    """`thing` with a slot for everything lazy in it, or whatever is wanted, which goes to `lazies`."""
    kind = type(thing)
    if kind in PLAIN:
        return thing
    if is_wanted(thing):
        lazies.append(thing)
        return Slot(len(lazies) - 1)
    count = len(lazies)
    if kind in (list, tuple, set, frozenset):
        made = kind([collect(one, lazies, is_wanted) for one in thing])
    elif kind is dict:
        made = {collect(key, lazies, is_wanted): collect(one, lazies, is_wanted) for key, one in thing.items()}
    elif kind is slice:
        made = Apply(slice, collect((thing.start, thing.stop, thing.step), lazies, is_wanted))
    elif isinstance(thing, tuple) and hasattr(kind, "_fields"):
        made = Apply(kind, collect(tuple(thing), lazies, is_wanted))
    elif dataclasses.is_dataclass(kind):
        fields = {field.name: getattr(thing, field.name) for field in dataclasses.fields(kind)
                  if hasattr(thing, field.name)}
        made = Apply(_dataclass, (kind, collect(fields, lazies, is_wanted)))
    return thing if len(lazies) == count else made


def _dataclass(kind, fields):
    return kind(**fields)


def make(function, args, kwargs=None, name=None, nout=None, traverse=True):
    """The Delayed of one call."""
    lazies = []
    if traverse:
        args, kwargs = collect(tuple(args), lazies), collect(kwargs or {}, lazies)
    else:
        args = tuple(_slot(arg, lazies) for arg in args)
        kwargs = {key: _slot(arg, lazies) for key, arg in (kwargs or {}).items()}
    lazies = [one._as_lazy() for one in lazies]
    handle = _context.current()
    values = (_abi.dk_value * (len(lazies) + 1))()
    received = {i: one._received for i, one in enumerate(lazies) if one._received is not None}
    values[0] = _values.object_value(Call(function, args, kwargs, bool(lazies), received))
    for i, one in enumerate(lazies):
        values[i + 1] = _abi.dk_lazy(one._frame)
    task = _tasks.register(function) if name is None else _tasks.register_name(name)
    return Delayed(_abi.dk_delayed(handle, task, values, len(values)), task.decode(), nout)


def _slot(arg, lazies):
    if not is_lazy(arg):
        return arg
    lazies.append(arg)
    return Slot(len(lazies) - 1)


class Delayed(Lazy):
    """The result of a call that has not been made.

    Operators, attributes, items and method calls give further Delayed. It has no truth value and
    cannot be iterated over unless `nout` is known.
    """

    __slots__ = ("_label", "_nout")

    def __init__(self, frame, label, nout=None):
        super().__init__(frame)
        self._label, self._nout = label, nout

    def compute(self, **options):
        """Makes the calls and gives the result.

        Parameters
        ----------
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        object

        Raises
        ------
        Exception
            The one that a call raised: under sync and threads that very object, under processes one
            like it whose cause tells where it was raised.
        """
        return _compute.compute([self], **options)[0]

    def persist(self, **options):
        """Makes the calls now and keeps the result: in memory, or on the cluster of an open client,
        which this does not wait for.

        Parameters
        ----------
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        Delayed
            Of the result, of as many results if their number is known.

        Raises
        ------
        Exception
            As :meth:`compute`.
        """
        return _compute.persist([self], **options)[0]

    def _kept(self, frame):
        return Delayed(frame, self._label, self._nout)

    def visualize(self, filename="mydask", **options):
        """Draws the tasks.

        Parameters
        ----------
        filename : str or None
        **options
            As in :func:`cdask.visualize`.

        Returns
        -------
        As :func:`cdask.visualize`.
        """
        from . import visualize
        return visualize(self, filename=filename, **options)

    def __repr__(self):
        return f"Delayed('{self._label}')"

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(f"Attribute {name} not found")
        return DelayedAttribute(self, name)

    def __getitem__(self, key):
        return make(operator.getitem, (self, key))

    def __iter__(self):
        if self._nout is None:
            raise TypeError("Delayed objects of unspecified length are not iterable")
        return iter([self[i] for i in range(self._nout)])

    def __len__(self):
        if self._nout is None:
            raise TypeError("Delayed objects of unspecified length have no len()")
        return self._nout

    def __bool__(self):
        raise TypeError("Truth of Delayed objects is not supported")

    def __setattr__(self, name, value):
        if not name.startswith("_"):
            raise TypeError("Delayed objects are immutable")
        object.__setattr__(self, name, value)

    def __setitem__(self, key, value):
        raise TypeError("Delayed objects are immutable")

    def __call__(self, *args, **kwargs):
        return make(_apply, (self, args, kwargs), name="apply")


def _apply(function, args, kwargs):
    return function(*args, **kwargs)


class DelayedFunction(Delayed):
    """A function whose calls are put off; computed, it is itself."""

    __slots__ = ("_function", "_name", "_call_nout", "_traverse", "_made")

    def __init__(self, function, name, nout, traverse):
        self._function, self._name, self._call_nout = function, name, nout
        self._traverse, self._made = traverse, None
        self._label = name or _tasks.name_of(function)
        self._nout = None

    @property
    def _frame(self):
        if self._made is None:
            self._made = make(_identity, (self._function,), name=self._label)
        return self._made._frame

    def __call__(self, *args, dask_key_name=None, pure=None, **kwargs):
        return make(self._function, args, kwargs, dask_key_name or self._name, self._call_nout,
                    self._traverse)

    @property
    def __name__(self):
        return self._function.__name__

    @property
    def __doc__(self):
        return self._function.__doc__

    @property
    def __wrapped__(self):
        return self._function


class DelayedAttribute(Delayed):
    """obj.name, which may be called: then the method is."""

    __slots__ = ("_owner", "_attribute", "_made")

    def __init__(self, owner, attribute):
        self._owner, self._attribute, self._made = owner, attribute, None
        self._label, self._nout = f"getattr-{attribute}", None

    @property
    def _frame(self):
        if self._made is None:
            self._made = make(getattr, (self._owner, self._attribute), name=self._label)
        return self._made._frame

    def __call__(self, *args, **kwargs):
        return make(_call_method, (self._owner, self._attribute, args, kwargs),
                    name=self._attribute)


def _call_method(owner, method, args, kwargs):
    return getattr(owner, method)(*args, **kwargs)


def _operators():
    def forward(function):
        return lambda self, *others: make(function, (self, *others))

    def backward(function):
        return lambda self, other: make(function, (other, self))

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or",
                 "xor", "lshift", "rshift"):
        function = getattr(operator, f"__{name}__")
        setattr(Delayed, f"__{name}__", forward(function))
        setattr(Delayed, f"__r{name}__", backward(function))
    for name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"):
        setattr(Delayed, f"__{name}__", forward(getattr(operator, f"__{name}__")))
    Delayed.__hash__ = object.__hash__


_operators()
