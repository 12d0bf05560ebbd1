"""Made-up pandas data of every type: special values, extremes, missing ones."""
import numpy as np
import pandas as pd

INTS = ["int8", "int16", "int32", "int64", "uint64"]
FLOATS = ["float32", "float64"]
NUMBERS = INTS + FLOATS
TIMES = ["timestamp", "duration"]
KINDS = ["bool", *NUMBERS, *TIMES, "text", "category"]
WORDS = ["", "a", "b", "ab", "Zürich", "日本", "🙂 x", "a b", "long enough to be no short text at all"]
FLOAT_SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan]


def some_floats(rng, n, dtype="float64", missing=True):
    values = np.where(rng.random(n) < 0.5, rng.normal(0, 100, n), rng.integers(-5, 6, n).astype("f8"))
    special = np.array(FLOAT_SPECIALS if missing else FLOAT_SPECIALS[:5])
    return np.where(rng.random(n) < 0.2, rng.choice(special, n), values).astype(dtype)


def some_ints(rng, n, dtype="int64"):
    limits = np.iinfo(dtype)
    near = rng.integers(max(limits.min, -9), 10, n).astype(dtype)
    far = rng.integers(limits.min, limits.max, n, dtype=dtype, endpoint=True)
    return np.where(rng.random(n) < 0.7, near, far)


def some_nanoseconds(rng, n):
    """Whole days, half days, anything; from 1678 to 2261."""
    day = 86400 * 10**9
    span = rng.integers(-106000, 106000, n) * day
    within = rng.choice([0, day // 2, day // 2 + 1, day // 2 - 1, 1, -1, 3600 * 10**9], n)
    return np.where(rng.random(n) < 0.6, span + within, rng.integers(-9 * 10**18, 9 * 10**18, n))


def series(rng, kind, n, missing=0.2, name="x"):
    """`n` values of a kind, about that share of them missing where the type can say so in pandas."""
    hole = rng.random(n) < missing
    if kind == "bool":
        return pd.Series(rng.random(n) < 0.5, name=name)
    if kind in INTS:
        return pd.Series(some_ints(rng, n, kind), name=name)
    if kind in FLOATS:
        return pd.Series(some_floats(rng, n, kind, missing > 0), name=name)
    if kind in TIMES:
        unit = "M8[ns]" if kind == "timestamp" else "m8[ns]"
        values = pd.Series(some_nanoseconds(rng, n).view(unit), name=name)
        return values.mask(hole)
    words = pd.Series(rng.choice(WORDS, n).tolist(), dtype="str", name=name).mask(hole)
    if kind == "category":
        return words.astype(pd.CategoricalDtype(pd.Index(sorted(WORDS), dtype="str")))
    return words


def frame(rng, n, kinds=KINDS, missing=0.2):
    return pd.DataFrame({kind: series(rng, kind, n, missing, kind) for kind in kinds})


def generator(*seed):
    """Random numbers of their own for each test and case."""
    return np.random.default_rng(list(repr(seed).encode()))
