"""Spans of time as text ("30 s") against dask.utils.parse_timedelta."""
import math
import os
import pathlib
import subprocess

from dask.utils import parse_timedelta, timedelta_sizes
from hypothesis import given
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_timedelta"

UNITS = st.sampled_from(sorted(timedelta_sizes) + ["", "Seconds", "mS", "years", "x"])
NUMBERS = st.one_of(st.integers(0, 10**20).map(str), st.floats(0, 1e300).map(str), st.just(""))
SPANS = st.one_of(st.tuples(st.sampled_from(["", " "]), NUMBERS, st.sampled_from(["", " "]), UNITS).map("".join),
                  st.text("0123456789.eE+- smhdxX", max_size=12))


def dask_says(text):
    try:
        return parse_timedelta(text)
    except KeyError:
        return "DK_EKEY"
    except (ValueError, IndexError):
        return "DK_EPARSE"
    except OverflowError:
        return math.inf


def ours_says(texts):
    result = subprocess.run([PROGRAM], input="\n".join(texts) + "\n", text=True, capture_output=True,
                            timeout=60, check=True)
    return result.stdout.splitlines()


@given(st.lists(SPANS, min_size=20, max_size=200))
def test_spans_are_read_as_dask_reads_them(texts):
    """Numbers with and without a unit, units without a number, and what is neither."""
    for text, said in zip(texts, ours_says(texts), strict=True):
        expected = dask_says(text)
        if isinstance(expected, str):
            assert said == expected, text
        else:
            assert math.isclose(float(said), expected, rel_tol=1e-15), text
