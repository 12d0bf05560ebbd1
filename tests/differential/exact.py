"""Sums, means and variances without rounding errors: what an aggregate of floats should come out as."""
import math
from fractions import Fraction

import numpy as np


def known(values):
    return [value.item() for value in values.to_numpy() if not math.isnan(value)]


def exact_sum(values):
    """The nearest float to the sum; infinities as in ordinary addition."""
    values = known(values)
    if not any(isinstance(value, float) for value in values):
        return float(sum(values))
    infinite = {value for value in values if math.isinf(value)}
    if infinite:
        return math.nan if len(infinite) == 2 else infinite.pop()
    return math.fsum(values)


def exact_mean(values):
    count = len(known(values))
    return exact_sum(values) / count if count else math.nan


def exact_var(values):
    """The nearest float to the variance over n - 1."""
    values = known(values)
    if len(values) < 2 or any(map(math.isinf, values)):
        return math.nan
    values = [Fraction(value) for value in values]
    mean = sum(values) / len(values)
    return float(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def exact_std(values):
    return math.sqrt(exact_var(values))


EXACT = {"sum": exact_sum, "mean": exact_mean, "var": exact_var, "std": exact_std}
ULPS = {"sum": 0, "mean": 0, "var": 2, "std": 2}


def assert_exact(got, aggregate, values):
    """`got` is what `aggregate` of `values` is, or its neighbour where a root or a square is rounded."""
    want = EXACT[aggregate](values)
    if isinstance(got, np.float32):  # computed in full precision, then rounded once
        want = np.float32(want)
    if math.isnan(want) or math.isinf(want):
        assert got == want or math.isnan(got) and math.isnan(want), (aggregate, got, want)
    else:
        assert abs(got - want) <= ULPS[aggregate] * np.spacing(abs(want)), (aggregate, got, want)
