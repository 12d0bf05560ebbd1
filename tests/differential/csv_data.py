"""Made-up CSV files: columns of one kind each, with everything that may stand in a field of that kind."""
import gzip
import random
import struct

import pandas as pd
import pyarrow as pa

NA_WORDS = ["", "NA", "N/A", "null", "NULL", "NaN", "nan", "-NaN", "-nan", "#N/A", "n/a", "None", "<NA>",
            "#NA", "1.#IND", "-1.#QNAN", "#N/A N/A", "1.#QNAN", "-1.#IND"]
WORDS = ["x", "yes", "Zürich", "naïve", "日本", "🙂", "a b", "a,b", 'say "hi"', "two\nlines", "two\r\nlines",
         "  blanks  ", "'", "\t", '"', ",", "\n", "1.5.2", "0x1f", "12-13", "--", "e5", "tru"]


def an_int(rng):
    return str(rng.choice([rng.randint(-9, 9), rng.randint(-10**6, 10**6), rng.randint(-2**63, 2**63 - 1)]))


def a_short_int(rng):
    return rng.choice(["{}", "+{}", "00{}", " {}"]).format(rng.randint(0, 10**9))


def a_uint(rng):
    return str(rng.randint(2**63, 2**64 - 1))


def a_price(rng):
    return f"{rng.uniform(0, 1000):.{rng.randint(1, 8)}f}"


def a_float(rng):
    """Any double by its bits, in full precision and beyond, and unusual spellings."""
    value = struct.unpack("d", rng.randbytes(8))[0]
    return rng.choice([repr(value), f"{value:.25e}", f"{rng.uniform(-1, 1):.17g}", "1e3", ".5", "5.", "-.5E-3",
                       "+2.5", "inf", "-Infinity", "-inf", "-0.0", "1e-400", "-1e400", "4.9e-324",
                       "9007199254740993", "179769313486231580793728971405301e276"])


def a_bool(rng):
    return rng.choice(["True", "False", "TRUE", "FALSE", "true", "false"])


def a_text(rng):
    return "".join(rng.choice(WORDS) for _ in range(rng.choice([1, 1, 1, 2, 5])))


def a_label(rng):
    return rng.choice(["red", "green", "blue"])


def a_date(rng):
    return f"{rng.randint(1700, 2200)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def a_time(rng):
    return f"{a_date(rng)} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"


def a_microsecond(rng):
    return f"{a_time(rng).replace(' ', 'T')}.{rng.randint(0, 999999):06}"


KINDS = {"int": an_int, "short": a_short_int, "uint": a_uint, "price": a_price, "float": a_float,
         "bool": a_bool, "text": a_text, "label": a_label, "date": a_date, "time": a_time, "us": a_microsecond}
DATES = {"date", "time", "us"}
MAY_MISS = {"price", "float", "text", "label", "date", "time", "us"}


def quoted(field, rng, always):
    if always or any(c in field for c in ',"\r\n') or rng.random() < 0.03:
        return '"' + field.replace('"', '""') + '"'
    return field


class Recipe:
    """Which columns there are and how the files are written; rows come from `file`."""

    def __init__(self, seed, kinds=None, quotes=True):
        self.rng = rng = random.Random(seed)
        self.kinds = kinds or rng.sample(list(KINDS), rng.randint(1, len(KINDS)))
        self.names = [f"{kind} {i}" if rng.random() < 0.2 else f"{kind}{i}" for i, kind in
                      enumerate(self.kinds)]
        self.missing = {kind: rng.choice([0, 0.1, 0.5]) if kind in MAY_MISS else 0 for kind in self.kinds}
        self.end = rng.choice(["\n", "\n", "\r\n"])
        self.blank = rng.choice([0, 0, 0.05])
        self.bom = rng.random() < 0.2
        self.quotes = quotes
        self.last_end = rng.random() < 0.7

    @property
    def parse_dates(self):
        return [name for name, kind in zip(self.names, self.kinds) if kind in DATES]

    def cell(self, kind):
        rng = self.rng
        if rng.random() < self.missing[kind]:
            return quoted(rng.choice(NA_WORDS), rng, len(self.kinds) == 1)
        field = KINDS[kind](rng)
        # An embedded line end keeps its bytes; a line of blanks alone would be skipped as blank.
        return quoted(field, rng, kind == "text" and len(self.kinds) == 1)

    def file(self, nrows, shuffled=False):
        """The bytes of one file."""
        rng = self.rng
        order = list(range(len(self.kinds)))
        if shuffled:
            rng.shuffle(order)
        lines = [",".join(quoted(self.names[i], rng, False) for i in order)]
        for _ in range(nrows):
            if rng.random() < self.blank:
                lines.append("")
            lines.append(",".join(self.cell(self.kinds[i]) for i in order))
        text = self.end.join(lines) + (self.end if self.last_end else "")
        return (b"\xef\xbb\xbf" if self.bom else b"") + text.encode()


def write(folder, name, data):
    path = folder / name
    if name.endswith(".gz"):
        data = gzip.compress(data, 1)
    elif name.endswith(".zst"):
        data = pa.compress(data, "zstd", asbytes=True)
    path.write_bytes(data)
    return path


def read_pandas(paths, **options):
    """What Dask means by reading several files: pandas' frames one after the other."""
    frame = pd.concat([pd.read_csv(opened(path), **options) for path in paths])
    return known_types(frame, options.get("parse_dates", []))


def opened(path):
    if str(path).endswith(".zst"):  # pandas wants another package for these
        return pa.CompressedInputStream(str(path), "zstd")
    return path


def known_types(frame, dates):
    """pandas' objects are bools with holes, or text in cdask: integers that fit no type, columns without
    rows. Dates are dates also without rows."""
    if frame.empty:
        frame = frame.astype({name: "datetime64[ns]" for name in dates})
    for name in frame.columns[[dtype == object for dtype in frame.dtypes]]:
        if not frame[name].dropna().map(lambda value: isinstance(value, bool)).all() or frame.empty:
            frame[name] = frame[name].astype("str")
    return frame
