"""Functions over several lazy things at once."""
import ctypes
import os

from . import _abi, _compute, _errors
from ._lifetime import Lazy
from .delayed import collect, is_collection
from ._tasks import filled


def compute(*args, traverse=True, **options):
    """Computes several lazy things at once; work that they share is done once.

    Follows :func:`dask.compute`.

    Parameters
    ----------
    *args : any
        Lazy things, also inside lists, tuples, sets and dicts; anything else is passed through.
    traverse : bool
        Whether to look into lists, tuples, sets and dicts.
    **options
        - scheduler : {"threads", "processes", "sync"}, another of their names, or a get function;
          default: the configuration's, else threads
        - get : a get function, the older spelling of `scheduler`: :func:`cdask.threaded.get`,
          :func:`cdask.multiprocessing.get`, :func:`cdask.get_sync`
        - num_workers : threads or processes at once, an int; default: the CPUs of this process
        - optimize_graph : whether chains of tasks are joined, a bool; default: they are
        - priority, retries, resources, workers, allow_other_workers : on a cluster, how tasks are run there, see
          :func:`cdask.annotate`

    Returns
    -------
    tuple
        The arguments with results in the places of lazy things: dataframes as pandas'.

    Raises
    ------
    Exception
        What a task raises, and where. What the library finds wrong has the classes that pandas and
        Dask raise.
    KeyboardInterrupt
        After Ctrl-C.
    """
    return replaced(args, traverse, lambda lazies: _compute.compute(lazies, **options))


def persist(*args, traverse=True, **options):
    """Computes several lazy things now, at once, and keeps the results: in memory, or on the cluster
    of an open client, which this does not wait for.

    Follows :func:`dask.persist`.

    Parameters
    ----------
    *args : any
        Lazy things, also inside lists, tuples, sets and dicts; anything else is passed through.
    traverse : bool
        Whether to look into lists, tuples, sets and dicts.
    **options
        `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

    Returns
    -------
    tuple
        The arguments with lazy things of the same classes in the places of lazy things, on which
        nothing is left to be computed; dataframes in as many partitions.

    Raises
    ------
    Exception
        As :func:`cdask.compute`; on a cluster those of tasks when something is computed of what was
        kept.
    """
    return replaced(args, traverse, lambda lazies: _compute.persist(lazies, **options))


def replaced(args, traverse, function):
    """`args` with what function(all lazy things) gives in the places of lazy things."""
    lazies = []
    shapes = [collect(arg, lazies, is_collection) if traverse or isinstance(arg, Lazy) else arg for arg in args]
    results = function(lazies) if lazies else []
    return tuple(filled(shape, results) for shape in shapes)


def frames_of(args):
    lazies = []
    for arg in args:
        collect(arg, lazies, is_collection)
    if not lazies:
        raise TypeError("nothing lazy among the arguments")
    return (_abi.dk_frame * len(lazies))(*(lazy._frame for lazy in lazies)), len(lazies)


def explain(*args):
    """The expressions as written and the plan that is run.

    Parameters
    ----------
    *args : lazy things
        Also inside lists, tuples, sets and dicts.

    Returns
    -------
    str
    """
    frames, count = frames_of(args)
    return _errors.text(_abi.dk_explain, frames, count)


def visualize(*args, filename="mydask", format=None, color=None, rankdir=None, full_keys=False):
    """Draws the tasks that would be run.

    Follows :func:`dask.visualize`.

    Parameters
    ----------
    *args : lazy things
        Also inside lists, tuples, sets and dicts.
    filename : str or None
        Ends in .svg, .png, .pdf (drawn by Graphviz' `dot`, which must be installed) or .dot, else
        `format` is added; None: nothing is written.
    format : {"svg", "png", "pdf", "dot"}, optional
        Default: as the file's name says, else "svg".
    color : {None, "order", "function"}
        What colors tell: in which order tasks are run, or which function they call.
    rankdir : {"BT", "TB", "LR", "RL"}, optional
        Where arrows point; default: upwards.
    full_keys : bool
        Whole keys in the boxes.

    Returns
    -------
    IPython.display.SVG, IPython.display.Image, or str
        What shows the picture where IPython can, else the file's name; the DOT document when there
        is no file.

    Raises
    ------
    ValueError
        For options that there are not.
    OSError
        When the file cannot be written, or Graphviz is missing.
    """
    frames, count = frames_of(args)
    graph, keys = _abi.graph_p(), (_abi.dk_task_id * count)()
    _errors.call(_abi.dk_frame_graph, frames, count, ctypes.byref(graph), keys)
    try:
        options = _abi.dk_draw_options(color and color.encode(), rankdir and rankdir.encode(),
                                       full_keys)
        dot = _errors.text(_abi.dk_graph_draw, graph, keys, count, ctypes.byref(options))
    finally:
        _abi.dk_graph_free(graph)
    if filename is None:
        return dot
    filename = os.fspath(filename)
    if format or os.path.splitext(filename)[1] not in (".svg", ".png", ".pdf", ".dot"):
        filename += f".{format or 'svg'}"
    if filename.endswith(".dot"):
        with open(filename, "w") as file:
            file.write(dot)
        return filename
    _errors.call(_abi.dk_draw_dot, dot.encode(), os.fsencode(filename))
    return shown(filename)


def shown(filename):
    """The picture for a notebook, where there is one; else its file."""
    import sys
    if "IPython" not in sys.modules:
        return filename
    from IPython import display, get_ipython
    if get_ipython() is None or filename.endswith(".pdf"):
        return filename
    return display.SVG(filename) if filename.endswith(".svg") else display.Image(filename)
