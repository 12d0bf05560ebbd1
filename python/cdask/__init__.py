"""Dask, natively: lazy dataframes and task graphs, computed by libcdask.

    import cdask.dataframe as dd
    df = dd.read_csv("data/*.csv", parse_dates=["timestamp"])
    df.groupby(df.timestamp.dt.round("1d")).high.max().compute()
"""
import sys

from . import config, local, multiprocessing, threaded
from ._annotations import annotate, get_annotations
from ._collections import compute, explain, persist, visualize
from .delayed import delayed
from .local import get_sync

__all__ = ["annotate", "compute", "config", "delayed", "explain", "get_annotations", "get_sync", "local",
           "multiprocessing", "persist", "threaded", "visualize"]

# The old home of get_sync, which is no longer a name: getattr(cdask, "async").get_sync
setattr(sys.modules[__name__], "async", local)
sys.modules[f"{__name__}.async"] = local
