"""Whether two pandas objects are the same: names, labels, types, order, and every value to the last bit."""
import numpy as np
import pandas as pd

NAT = np.iinfo(np.int64).min
NAN_BITS = {np.dtype("f4"): np.float32("nan").view("u4"), np.dtype("f8"): np.float64("nan").view("u8")}


def type_name(dtype):
    """pandas' name of a type; cdask counts time in nanoseconds only, pandas in several units."""
    name = str(dtype)
    if name.startswith(("datetime64", "timedelta64")):
        return name.split("[")[0]
    return "str" if name in ("string", "large_string") else name


def plain(values):
    """The values as an array in which equal means the same bits; missing ones are all alike."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype if len(values.cat.categories) else object)
    dtype = values.dtype
    if type_name(dtype) in ("datetime64", "timedelta64"):
        return values.to_numpy().astype(f"{dtype.kind}8[ns]").view("i8")
    if dtype.kind == "f":
        array = values.to_numpy()
        bits = array.view(f"u{array.itemsize}").copy()
        bits[np.isnan(array)] = NAN_BITS[array.dtype]
        return bits
    if type_name(dtype) in ("str", "object"):
        missing = values.isna().to_numpy()
        array = np.array(values.astype(object), dtype=object)
        array[missing] = None
        return array
    return values.to_numpy()


def first_difference(got, want):
    """Position of the first value that differs, or None."""
    a, b = plain(got), plain(want)
    if a.dtype != object and a.dtype == b.dtype:
        unequal = np.flatnonzero(a != b)
        return int(unequal[0]) if len(unequal) else None
    pairs = ((type(x) is type(y) or isinstance(x, np.generic)) and x == y for x, y in zip(a, b))
    return next((i for i, equal in enumerate(pairs) if not equal), None)


def assert_same_values(got, want, what="series"):
    assert type_name(got.dtype) == type_name(want.dtype), f"{what}: type {got.dtype}, not {want.dtype}"
    assert len(got) == len(want), f"{what}: {len(got)} rows, not {len(want)}"
    at = first_difference(got, want)
    assert at is None, f"{what}, row {at}: {got.iloc[at]!r}, not {want.iloc[at]!r}"


def assert_same_index(got, want):
    assert got.name == want.name, f"index is called {got.name!r}, not {want.name!r}"
    assert_same_values(got.to_series(), want.to_series(), "index")


def assert_same(got, want, labels=True):
    """Two Series or two DataFrames; without `labels` only what stands in the columns."""
    assert type(got) is type(want)
    if labels:
        assert_same_index(got.index, want.index)
    if isinstance(got, pd.Series):
        assert got.name == want.name
        return assert_same_values(got, want, f"series {want.name!r}")
    assert list(got.columns) == list(want.columns)
    for i, name in enumerate(want.columns):
        assert_same_values(got.iloc[:, i], want.iloc[:, i], f"column {name!r}")


def assert_near(got, want, rtol=1e-12):
    """The same, but floats of `got` may be off by `rtol` where the oracle rounds on its way."""
    for one in (got, want):
        assert isinstance(one, (pd.Series, pd.DataFrame))
    if isinstance(got, pd.Series):
        got, want = got.to_frame("x"), want.to_frame("x")
    assert_same_index(got.index, want.index)
    for name in want.columns:
        if want[name].dtype.kind != "f":
            assert_same_values(got[name], want[name], f"column {name!r}")
        else:
            np.testing.assert_allclose(got[name].to_numpy(), want[name].to_numpy(), rtol=rtol, atol=0,
                                       err_msg=f"column {name!r}")
