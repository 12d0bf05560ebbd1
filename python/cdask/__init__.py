"""Dask, natively: lazy dataframes and task graphs, computed by libcdask."""
