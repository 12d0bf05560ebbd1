"""Lazy partitioned dataframes under pandas' names.   Source: dask.dataframe."""
from ._collections import DataFrame, GroupBy, Row, Scalar, Series
from ._io import from_arrow, from_pandas, read_csv
from .._collections import compute

__all__ = ["DataFrame", "GroupBy", "Row", "Scalar", "Series", "compute", "from_arrow",
           "from_pandas", "read_csv"]
