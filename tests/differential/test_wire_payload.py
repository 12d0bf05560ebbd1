"""Payloads opened and made in C against distributed.protocol: what real Dask compresses and splits is
opened, and what C compresses and splits real Dask reads as the same values."""
import os
import pathlib
import subprocess

import numpy as np
import pytest
from distributed.comm.tcp import _add_frames_header
from distributed.protocol import dumps, loads, to_serialize
from distributed.protocol.compression import compressions
from distributed.protocol.utils import unpack_frames
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
REOPEN = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_wire_reopen"
CODECS = [None, "zlib", "lz4", "snappy", "zstd"]


def reopen(values, theirs, ours, split=None, shard=1 << 26):
    """Serialised by Dask with compression `theirs`, opened and made with `ours` by C: (message, frames)."""
    message = {"values": [to_serialize(value) for value in values], "codec": ours, "shard": shard}
    frames = dumps(message, context={"compression": theirs}, frame_split_size=split)
    stream = b"".join(map(bytes, _add_frames_header(frames)[0]))
    result = subprocess.run([REOPEN], input=stream, capture_output=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, b"")
    made = unpack_frames(result.stdout[8:])
    return loads(made), made


def check(values, *args, **kwargs):
    message, made = reopen(values, *args, **kwargs)
    for value, found in zip(values, message["values"], strict=True):
        assert type(found) is type(value)
        assert np.array_equal(found, value) if isinstance(value, np.ndarray) else found == value
    return made


VALUES = [np.arange(100_000), b"abc" * 50_000, "text", {"x": [1, 2.0, None]},
          np.random.default_rng(1).random(20_000), b"", np.ones((3, 0)), bytes(30_000)]


@pytest.mark.parametrize("ours", CODECS)
@pytest.mark.parametrize("theirs", CODECS)
def test_codecs(theirs, ours):
    for name in (theirs, ours):
        if name not in compressions:
            pytest.skip(f"Python has no {name} here")
    plain = sum(len(frame) for frame in check(VALUES, None, None))
    made = sum(len(frame) for frame in check(VALUES, theirs, ours))
    assert (made < plain * 0.6) == (ours is not None)


@pytest.mark.parametrize("split", [1000, 20_000, 80_008])
def test_shards(split):
    """Split on either side, at the same places or not."""
    check(VALUES, None, None, split=split)
    check(VALUES, "zlib", "zlib", split=split)
    check(VALUES, None, None, shard=split)
    check(VALUES, "zlib", "zlib", split=split, shard=12_345)


def test_same_bytes():
    """What C makes of Dask's frames, without compression, are Dask's frames."""
    values = [np.arange(1000), b"x" * 100]
    frames = dumps({"values": [to_serialize(value) for value in values]}, context={"compression": None})
    _, made = reopen(values, None, None)
    kept = [bytes(frame) for frame in frames]
    assert [bytes(frame) for frame in made[2:]] == kept[2:]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=50_000) | st.integers(0, 60_000).map(bytes), min_size=1, max_size=4),
       st.sampled_from([None, "zlib"]), st.sampled_from([None, "zlib"]), st.integers(1000, 70_000))
def test_any_bytes(values, theirs, ours, shard):
    check(values, theirs, ours, split=shard + 17, shard=shard)
