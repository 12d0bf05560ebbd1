"""Exchange with other Arrow libraries, both ways."""
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cdask.dataframe as dd


@pytest.fixture
def data():
    return pd.DataFrame({"i": [1, 2, 3], "f": [0.5, np.nan, 2.5], "s": ["x", None, "z"],
                         "b": [True, False, True], "t": pd.date_range("2015-04-20", periods=3)})


def test_a_stream_comes_in(data):
    table = pa.Table.from_pandas(data)
    chunked = pa.concat_tables([table, table])
    df = dd.from_arrow(chunked, npartitions=2)
    assert df.npartitions == 2
    pd.testing.assert_frame_equal(df.compute(), pd.concat([data, data], ignore_index=True),
                                  check_dtype=False)
    assert list(df.dtypes.astype(str)) == ["int64", "float64", "str", "bool", "datetime64[ns]"]


def test_a_column_becomes_the_index(data):
    df = dd.from_arrow(pa.Table.from_pandas(data), index="i")
    assert df.compute().index.name == "i"
    assert list(df.columns) == ["f", "s", "b", "t"]
    with pytest.raises(KeyError, match="none"):
        dd.from_arrow(pa.Table.from_pandas(data), index="none")


def test_empty_streams_keep_their_columns(data):
    df = dd.from_arrow(pa.Table.from_pandas(data).slice(0, 0))
    assert list(df.columns) == list(data.columns) and len(df) == 0


def test_what_has_no_stream():
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        dd.from_arrow([1, 2])
    nested = pa.table({"n": pa.array([[1], [2]])})
    with pytest.raises(TypeError, match="'n'"):
        dd.from_arrow(nested)


def test_a_stream_goes_out(data):
    df = dd.from_pandas(data, npartitions=2)
    table = pa.table(df)
    assert table.column("f").null_count in (0, 1)
    assert table.column("i").to_pylist() == [1, 2, 3]
    assert table.column("s").to_pylist() == ["x", None, "z"]
    assert pa.table(df.i).num_rows == 3
    again = dd.from_arrow(table.select(data.columns)).compute()
    pd.testing.assert_frame_equal(again, df.compute().reset_index(drop=True), check_dtype=False)
