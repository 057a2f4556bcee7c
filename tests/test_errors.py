"""Errors: one class for each status of the kernels, the same sentence by every door."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import streamliner_udf
from streamliner_udf import _core, errors

HEADER = Path(__file__).parents[1] / "csrc/streamliner.h"


def statuses() -> list[str]:
    """Names of the error statuses in the order of their codes."""
    body = re.search(r"typedef enum sl_status \{(.*?)\}", HEADER.read_text(encoding="utf-8"), re.DOTALL)
    assert body is not None
    names = re.findall(r"\bSL_\w+", body[1])
    return names[names.index("SL_OK") + 1 : names.index("SL_STATUS_COUNT")]


def test_every_status_has_a_class_and_a_sentence() -> None:
    names = statuses()
    assert names == ["SL_ENOMEM", "SL_EUTF8", "SL_EARG", "SL_ERANGE"]
    assert len(errors.BY_STATUS) == len(set(errors.BY_STATUS)) == len(names)
    sentences = [_core.status_text(code) for code in range(1, len(names) + 1)]
    assert all(sentences)
    assert len(set(sentences)) == len(names)
    assert _core.status_text(len(names) + 1) is None
    assert _core.status_text(0) is None


def test_every_class_is_ours_and_the_closest_of_pythons() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c is not errors.StreamlinerError]
    assert set(errors.BY_STATUS) <= set(classes)
    for error in classes:
        assert issubclass(error, errors.StreamlinerError)
        assert issubclass(error, (ValueError, MemoryError, RuntimeError))
        assert error.__doc__
        assert getattr(streamliner_udf, error.__name__) is error


def test_invalid_bytes_are_the_same_sentence_by_every_door() -> None:
    pa = pytest.importorskip("pyarrow")
    import duckdb

    column = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.array([0, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xc3(")]
    )
    sentence = _core.status_text(2)
    assert sentence is not None
    with pytest.raises(errors.InvalidUTF8, match=f"^slugify: {re.escape(sentence)} in row 0$"):
        streamliner_udf.slugify(column)
    with streamliner_udf.connect() as con:
        con.register("bad", pa.table({"s": column}))
        with pytest.raises(duckdb.Error, match=f"sl_slugify: {re.escape(sentence)}|Invalid unicode"):
            con.execute("SELECT sl_slugify(s) FROM bad").fetchall()
