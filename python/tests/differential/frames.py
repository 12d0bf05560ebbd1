"""Pandas frames as hypothesis draws them: types, sizes, missing values, labels.

A few draws say what a frame is like, and random numbers of a drawn seed fill it; what fails shrinks to
few columns, few rows and few partitions.
"""
import numpy as np
import pandas as pd
from hypothesis import strategies as st

from random_data import INTS, KINDS, generator, series

NAMES = ["a", "b", "c", "d", "e", "f", "a b", "Zürich", "sum", "name"]
LABELS = ["range", "sorted", "ints", "text", "times", "floats"]
NULLABLE = {"bool": "boolean", **{kind: kind.capitalize() for kind in INTS if kind != "uint64"}}
WORDS = ["", "a", "b", "ab", "Zürich", "x y"]
STRANGE = {"uint8": "uint64", "uint32": "uint64", "object": "text", "datetime64[us]": "timestamp"}
HOUR = 3600 * 10**9


def near(rng, kind, n):
    """Small numbers, times around the year 2000, short words: values that often meet."""
    if kind == "bool":
        return pd.Series(rng.random(n) < 0.5)
    if kind in INTS:
        return pd.Series(rng.integers(0 if kind == "uint64" else -4, 9, n).astype(kind))
    if kind.startswith("float"):
        return pd.Series((rng.integers(-8, 9, n) / 4).astype(kind))
    if kind == "timestamp":
        return pd.Series((rng.integers(0, 2000, n) * 12 * HOUR + 946684800 * 10**9).view("M8[ns]"))
    if kind == "duration":
        return pd.Series((rng.integers(-20, 20, n) * 6 * HOUR).view("m8[ns]"))
    words = pd.Series(rng.choice(WORDS, n).tolist(), dtype="str")
    return words if kind == "text" else words.astype(pd.CategoricalDtype(pd.Index(sorted(WORDS), dtype="str")))


def column(rng, kind, n, missing, is_near):
    """`n` values; integers and bools with missing ones are pandas' nullable ones."""
    if kind in STRANGE:
        return column(rng, STRANGE[kind], n, 0 if kind.startswith("uint") else missing, True).astype(kind)
    if not is_near and missing < 1:
        values = series(rng, kind, n, missing)
    else:
        values = near(rng, kind, n)
        if kind not in NULLABLE and kind != "uint64":
            values = values.mask(rng.random(n) < missing)
    if kind in NULLABLE and missing and rng.random() < 0.3:
        return values.astype(NULLABLE[kind]).mask(rng.random(n) < missing)
    return values


def labels(rng, kind, n, name, has_gaps):
    if kind == "range":
        return pd.RangeIndex(n) if name is None else pd.RangeIndex(3, 3 + 2 * n, 2, name=name)
    values = {"sorted": lambda: np.sort(rng.integers(0, max(n, 1), n)),
              "ints": lambda: rng.integers(-9, 9 + n, n),
              "text": lambda: pd.Series([f"w{i}" for i in rng.integers(0, n + 5, n)], dtype="str"),
              "times": lambda: rng.integers(0, n + 5, n).view("M8[D]").astype("M8[ns]"),
              "floats": lambda: rng.integers(0, 2 * n + 5, n) / 2}[kind]()
    labels = pd.Series(values)
    if has_gaps and kind in ("text", "floats"):
        labels = labels.mask(rng.random(n) < 0.2)
    return pd.Index(labels, name=name)


def make_frame(rows, columns, seed, missing=0.2, is_near=True, index="range", index_name=None,
               has_gaps=False):
    """`columns` maps names to kinds."""
    rng = generator("frame", seed)
    data = pd.DataFrame({name: column(rng, kind, rows, missing, is_near) for name, kind in columns.items()})
    data.index = labels(rng, index, rows, index_name, has_gaps)
    return data


@st.composite
def frames(draw):
    """The text of a call of make_frame()."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6, unique=True))
    columns = {name: draw(st.sampled_from(KINDS * 4 + [*STRANGE])) for name in names}
    rows = draw(st.one_of(st.integers(0, 12), st.integers(0, 200)))
    return (f"make_frame({rows}, {columns}, {draw(st.integers(0, 999))}, "
            f"missing={draw(st.sampled_from([0, 0.2, 0.2, 1]))}, "
            f"is_near={draw(st.sampled_from([True, True, False]))}, "
            f"index={draw(st.sampled_from(LABELS))!r}, "
            f"index_name={draw(st.sampled_from([None, 'i']))!r}"
            f"{draw(st.sampled_from(['', '', '', ', has_gaps=True']))})")
