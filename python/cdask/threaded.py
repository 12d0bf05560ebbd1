"""The threads scheduler.   Source: dask.threaded."""
from .local import get_threads as get

__all__ = ["get"]
