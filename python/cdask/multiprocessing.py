"""The processes scheduler.   Source: dask.multiprocessing."""
from .local import get_processes as get

__all__ = ["get"]
