"""The Python doors: containers in and out, what they share, how they are called, and that they let go of the lock."""

from __future__ import annotations

import enum
import gc
import hashlib
import inspect
import multiprocessing
import os
import pickle
import random
import statistics
import subprocess
import sys
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable
from typing import Any

import duckdb
import numpy
import pytest
from paths import FUNCTIONS, arrow_type, columns, door, of_texts, option_variants, random_rows, row_of

import streamliner_udf
from streamliner_udf import InvalidArgument, InvalidUTF8, StreamlinerError, reference

SLUG: Callable[..., Any] = streamliner_udf.slugify
URLS: Callable[..., Any] = streamliner_udf.extract_urls
UUID5: Callable[..., Any] = streamliner_udf.uuid5
PII: Callable[..., Any] = streamliner_udf.find_pii
StringDType = numpy.dtypes.StringDType


class OnlyArray:
    """Exports nothing but `__arrow_c_array__`, and counts how often it is asked."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.asked = 0

    def __arrow_c_array__(self, requested_schema: object = None) -> Any:
        self.asked += 1
        return self._array.__arrow_c_array__(requested_schema)


class OnlyStream:
    """Exports nothing but `__arrow_c_stream__`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._stream.__arrow_c_stream__(requested_schema)


# ---- how a function is called ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_looks_like_its_specification(name: str) -> None:
    function, oracle = getattr(streamliner_udf, name), getattr(reference, name)
    assert inspect.signature(function) == inspect.signature(oracle)
    assert function.__doc__ == oracle.__doc__
    assert function.__module__ == "streamliner_udf"
    assert name in streamliner_udf.__all__
    assert pickle.loads(pickle.dumps(function)) is function


def test_arguments_by_name() -> None:
    assert SLUG(text="one two three", max_length=8) == SLUG("one two three", max_length=8) == "one-two"
    assert UUID5(name="python.org", namespace="dns") == uuid.uuid5(uuid.NAMESPACE_DNS, "python.org")
    assert UUID5(uuid.NAMESPACE_DNS, "python.org") == reference.uuid5(uuid.NAMESPACE_DNS, "python.org")


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "slugify: expected an argument 'text', got none"),
        ((), {"max_length": 3}, "slugify: expected an argument 'text', got none"),
        (("a", 1, 2), {}, "slugify: expected at most 2 arguments, got 3"),
        (("a",), {"text": "b"}, "slugify: got two values for argument 'text'"),
        (("a",), {"length": 3}, "slugify: expected arguments out of text, max_length, got 'length'"),
        (("a", "3"), {}, "slugify: expected max_length to be int, got str"),
        (("a", True), {}, "slugify: expected max_length to be int, got bool"),
        (("a", [3]), {}, "slugify: expected max_length to be int, got list"),
        ((5,), {}, "slugify: expected text to be str, None, a list of these, a NumPy StringDType array or an Arrow "
                   "column, got int"),
        ((["a", 5],), {}, "slugify: expected text to be a list of str and None, got int in row 1"),
        ((("a", "b"),), {}, "slugify: expected text to be str, None, a list of these, a NumPy StringDType array or an "
                            "Arrow column, got tuple"),
    ],
)  # fmt: skip
def test_wrong_calls(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        SLUG(*args, **kwargs)
    assert str(caught.value) == message


def test_numbers_of_pairs_may_miss_where_either_side_does() -> None:
    column = numpy.array(["kitten", "sitting"], dtype=StringDType())
    assert streamliner_udf.edit_distance(column, ["sitting", "sitting"]).dtype == "int64"
    for other, want in ((["sitting", None], [3, None]), (None, [None, None]), (["sitting", "kitten"], [3, 3])):
        assert streamliner_udf.edit_distance(column, other).tolist() == want
        assert streamliner_udf.edit_distance(other, column).tolist() == want
    signatures = numpy.array([[1, 2], [1, 3]], dtype="uint64")
    assert streamliner_udf.minhash_similarity(signatures, [[1, 2], None]).tolist() == [1.0, None]


def test_wrong_options_of_each_type() -> None:
    with pytest.raises(TypeError, match="html_escape: expected quote to be bool, got int"):
        streamliner_udf.html_escape("a", 1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="normalize: expected form to be str, got int"):
        streamliner_udf.normalize("a", 1)  # type: ignore[call-overload]
    with pytest.raises(InvalidArgument, match="slugify: expected max_length to fit 64 bits, got 18446744073709551616"):
        SLUG("a", 2**64)


def test_none_as_an_option_gives_none() -> None:
    assert SLUG("a", None) is None
    assert SLUG(["a", "b"], None) == [None, None]
    assert SLUG(numpy.array(["a"], dtype=StringDType()), None).tolist() == [None]


def test_a_wrong_option_is_an_error_for_none_too() -> None:
    with pytest.raises(InvalidArgument):
        SLUG(None, 0)


# ---- str and list ---------------------------------------------------------------------------------------------------


def test_str_subclasses_and_numpy_scalars() -> None:
    class Text(str):
        __slots__ = ()

    assert SLUG(Text("A b")) == "a-b"
    assert SLUG(numpy.str_("A b")) == "a-b"
    assert SLUG([Text("A b"), numpy.str_("C d")]) == ["a-b", "c-d"]


def test_a_text_that_shows_itself_in_other_words_is_its_text() -> None:
    class Kind(str, enum.Enum):  # noqa: UP042  StrEnum shows itself in its own words
        FINE = "ﬁne"

    assert streamliner_udf.normalize(Kind.FINE) == "fine"
    assert streamliner_udf.normalize([Kind.FINE]) == ["fine"]


def test_unchanged_texts_are_the_same_objects() -> None:
    text = "already-clean-and-not-interned-" + str(len(FUNCTIONS))
    assert streamliner_udf.html_escape(text) is text
    assert streamliner_udf.html_escape([text])[0] is text


def test_the_list_that_came_stays_as_it_was() -> None:
    rows = ["A b", None]
    result = SLUG(rows)
    assert rows == ["A b", None]
    assert result == ["a-b", None]
    assert SLUG([]) == []


def test_texts_keep_no_second_form() -> None:
    """Python would keep the UTF-8 of a str that it was asked for inside the str for good."""
    text = "é" * 100_000
    before = sys.getsizeof(text)
    SLUG(text)
    SLUG([text])
    assert sys.getsizeof(text) == before


@pytest.mark.parametrize("position", [0, 1, 4999])
def test_a_lone_surrogate_is_named_with_its_row(position: int) -> None:
    rows = ["ok"] * 5000
    rows[position] = "a\udfff"
    with pytest.raises(InvalidUTF8, match=rf"slugify: expected valid UTF-8, got '\\udfff', .* in row {position}$"):
        SLUG(rows)


# ---- NumPy ----------------------------------------------------------------------------------------------------------


def test_numpy_keeps_shape_and_missing_value() -> None:
    missing = StringDType(na_object=float("nan"))
    column = numpy.array([["A b", float("nan")], ["C d", "x" * 40]], dtype=missing)
    result = SLUG(column)
    assert result.shape == (2, 2)
    assert isinstance(result.dtype, StringDType)
    assert result[0, 0] == "a-b"
    assert numpy.isnan(result[0, 1])
    assert result[1, 1] == "x" * 40
    urls = URLS(numpy.array([["http://a.b"], [float("nan")]], dtype=missing))
    assert urls.tolist() == [[["http://a.b"]], [None]]


def test_numpy_strides_views_and_empties() -> None:
    column = numpy.array(["A b", "left out", "C d", "left out"], dtype=StringDType())
    assert SLUG(column[::2]).tolist() == ["a-b", "c-d"]
    assert SLUG(column[::-1]).tolist() == ["left-out", "c-d", "left-out", "a-b"]
    assert SLUG(column.reshape(2, 2).T).tolist() == [["a-b", "c-d"], ["left-out", "left-out"]]
    assert SLUG(column[:0]).shape == (0,)
    assert SLUG(numpy.array("A b", dtype=StringDType())).item() == "a-b"


def test_an_array_can_be_used_while_a_function_reads_it() -> None:
    """Also with tracemalloc, whose hooks need Python's lock wherever memory is taken."""
    code = (
        "import threading, tracemalloc, numpy, streamliner_udf\n"
        "column = numpy.array(['Call Ana <now> ' * 5] * 60_000, dtype=numpy.dtypes.StringDType())\n"
        "tracemalloc.start()\n"
        "done = threading.Event()\n"
        "def read():\n"
        "    while not done.is_set(): column[7]\n"
        "reader = threading.Thread(target=read); reader.start()\n"
        "for _ in range(3): result = streamliner_udf.html_escape(column)\n"
        "done.set(); reader.join(); print(result[7] == 'Call Ana &lt;now&gt; ' * 5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True", done.stderr


def test_other_numpy_arrays_are_told_what_to_do() -> None:
    for column in (numpy.array(["a"]), numpy.array(["a"], dtype=object), numpy.arange(3)):
        with pytest.raises(TypeError, match=r"slugify: expected a NumPy array of StringDType, got .*\.astype"):
            SLUG(column)


# ---- Arrow ----------------------------------------------------------------------------------------------------------


def test_an_object_with_nothing_but_an_array() -> None:
    pa = pytest.importorskip("pyarrow")
    source = OnlyArray(pa.array(["A b", None, "é" * 30]))
    result = SLUG(source)
    assert source.asked == 1
    assert pa.array(result).to_pylist() == ["a-b", None, "e" * 30]
    assert pa.array(OnlyArray(result)).to_pylist() == ["a-b", None, "e" * 30]
    assert len(result) == 3


def test_an_object_with_nothing_but_a_stream() -> None:
    pa = pytest.importorskip("pyarrow")
    result = SLUG(OnlyStream(pa.chunked_array([["A b"], [], [None, "C d"]])))
    assert not hasattr(result, "__arrow_c_array__")
    chunks = pa.chunked_array(result)
    assert [chunk.to_pylist() for chunk in chunks.chunks] == [["a-b"], [], [None, "c-d"]]
    assert len(result) == 3


def test_tables_of_one_column_and_a_duckdb_relation() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"t": ["A b", None]})
    assert pa.chunked_array(SLUG(table)).to_pylist() == ["a-b", None]
    assert pa.array(SLUG(OnlyArray(table.to_batches()[0].slice(1)))).to_pylist() == [None]
    assert pa.chunked_array(SLUG(duckdb.connect().sql("SELECT 'A b' AS t"))).to_pylist() == ["a-b"]
    with pytest.raises(TypeError, match=r"slugify: expected an Arrow column of text .* got Arrow format '\+s'"):
        SLUG(pa.table({"t": ["a"], "u": ["b"]}))


def test_a_null_row_of_a_struct_is_null() -> None:
    pa = pytest.importorskip("pyarrow")
    column = pa.StructArray.from_arrays([pa.array(["A", "B", "C"])], ["t"], mask=pa.array([False, True, False]))
    assert pa.array(SLUG(column)).to_pylist() == ["a", None, "c"]
    assert pa.array(SLUG(column.slice(1))).to_pylist() == [None, "c"]


def test_arrow_types_in_and_out() -> None:
    pa = pytest.importorskip("pyarrow")
    assert pa.array(SLUG(pa.array(["A"], pa.string()))).type == pa.string()
    assert pa.array(SLUG(pa.array(["A"], pa.large_string()))).type == pa.large_string()
    assert pa.array(SLUG(pa.array(["A"], pa.string_view()))).type == pa.large_string()
    assert pa.array(SLUG(pa.array([None, None]))).to_pylist() == [None, None]
    assert pa.array(URLS(pa.array(["A"], pa.string()))).type == pa.list_(pa.field("item", pa.string()))
    assert pa.array(UUID5("dns", pa.array(["python.org"]))).type == pa.uuid()
    kinds = pa.array(PII(pa.array(["mail ana@example.org"])))
    assert [field.name for field in kinds.type.value_type] == ["kind", "start", "stop", "value"]
    for wrong in (pa.array([1]), pa.array(["a"]).dictionary_encode(), pa.array([b"a"])):
        with pytest.raises(TypeError, match="slugify: expected an Arrow column of text"):
            SLUG(wrong)


def test_empty_arrow_columns() -> None:
    pa = pytest.importorskip("pyarrow")
    for function in (SLUG, URLS, PII):
        for kind in (pa.string(), pa.large_string(), pa.string_view()):
            result = pa.array(function(pa.array([], kind)))
            result.validate(full=True)
            assert len(result) == 0
        assert pa.chunked_array(function(pa.chunked_array([], pa.string()))).to_pylist() == []


def test_arrow_results_are_valid_arrow() -> None:
    pa = pytest.importorskip("pyarrow")
    texts = ["see http://a.b and http://c.d", None, "", "mail ana@example.org or bo@example.org", "é" * 50, None] * 500
    for function in FUNCTIONS.values():
        options = option_variants(function)[0]
        rows = [row_of(function, text) if text is not None else None for text in texts]
        if not of_texts(function):
            rows = [*random_rows(function, random.Random(1), 50), None]
        for kind in ("string", "large_string"):
            made = [pa.array(column, arrow_type(function, kind)).slice(7) for column in columns(function, rows)]
            pa.array(door(function, made, options)).validate(full=True)


def test_results_outlive_everything_they_came_from() -> None:
    pa = pytest.importorskip("pyarrow")
    result = URLS(pa.array([f"see http://host{i}.example/{'x' * 50}" for i in range(5000)]))
    once, again = pa.array(result), pa.array(result)
    del result
    gc.collect()
    assert once.equals(again)
    assert once[4999].as_py() == ["http://host4999.example/" + "x" * 50]


@pytest.mark.not_sanitized("it keeps what was freed")
def test_unused_capsules_and_half_read_streams_are_released() -> None:
    pa = pytest.importorskip("pyarrow")
    resource = pytest.importorskip("resource")
    column = pa.array(["A b " * 1000] * 1000)  # 4 MB of results each time

    def spend() -> None:
        result = SLUG(column, 5000)
        result.__arrow_c_schema__()
        result.__arrow_c_array__()
        result.__arrow_c_stream__()
        pa.chunked_array(OnlyStream(result))

    spend()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(40):
        spend()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB; 40 lost results are 160,000


def test_a_stream_that_fails_says_why() -> None:
    pa = pytest.importorskip("pyarrow")

    def batches() -> Any:
        yield pa.record_batch({"t": ["a"]})
        raise RuntimeError("the source went away")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("t", pa.string())]), batches())
    with pytest.raises(StreamlinerError, match=r"slugify: expected an Arrow stream .* the source went away"):
        SLUG(reader)


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    series = pl.Series(["A b", None, "C" * 40])
    assert pl.Series(SLUG(series)).to_list() == ["a-b", None, "c" * 40]
    assert pl.Series(URLS(pl.Series(["http://a.b", None]))).to_list() == [["http://a.b"], None]
    assert pl.Series(PII(pl.Series(["ana@x.org"]))).to_list() == [
        [{"kind": "email", "start": 0, "stop": 9, "value": "ana@x.org"}]
    ]


def test_duckdb_reads_a_result() -> None:
    pa = pytest.importorskip("pyarrow")
    slugs = pa.chunked_array(SLUG(pa.chunked_array([["A b"], [None]])))
    with duckdb.connect() as con:
        con.register("slugs", pa.table({"slug": slugs}))
        assert con.execute("FROM slugs").fetchall() == [("a-b",), (None,)]


# ---- large columns --------------------------------------------------------------------------------------------------


def columns_of(rows: list[str]) -> list[tuple[str, Callable[[Any], list[Any]], Any]]:
    """The same texts in every container, and how to read its results."""
    pa = pytest.importorskip("pyarrow")
    return [
        ("list", list, rows),
        ("NumPy", lambda result: list(result.tolist()), numpy.array(rows, dtype=StringDType())),
        ("Arrow", lambda result: list(pa.array(result).to_pylist()), pa.array(rows)),
        ("Arrow view", lambda result: list(pa.array(result).to_pylist()), pa.array(rows, pa.string_view())),
    ]


@pytest.mark.parametrize(
    "rows",
    [["ab<" * 1_000_000, "c"], ["<" * (1 + i % 59) for i in range(120_000)], ["x" * 4_194_303, "<<", "y" * 5_000_000]],
    ids=["one text", "many texts", "around the limit"],
)
def test_results_that_grow_beyond_four_megabytes(rows: list[str]) -> None:
    """Memory moves to large pages there, in the middle of a text as well."""
    wanted = [row.replace("<", "&lt;") for row in rows]
    for name, read, column in columns_of(rows):
        assert read(streamliner_udf.html_escape(column)) == wanted, name


def test_results_of_many_large_decompositions() -> None:
    rows = ["\ufdfa é \u1e69" * (i % 40) for i in range(6_000)]
    wanted = [unicodedata.normalize("NFKD", row) for row in rows]
    for name, read, column in columns_of(rows):
        assert read(streamliner_udf.normalize(column, "NFKD")) == wanted, name


def test_views_that_share_their_bytes() -> None:
    """Their lengths add up to gigabytes that nobody has."""
    pa = pytest.importorskip("pyarrow")
    text, count = "a b " * 100_000, 40_000
    one = pa.array([text], pa.string_view())
    _, view, data = one.buffers()
    shared = pa.Array.from_buffers(pa.string_view(), count, [None, pa.py_buffer(view.to_pybytes()[:16] * count), data])
    assert pa.array(SLUG(shared)).unique().to_pylist() == [SLUG(text)]


# ---- rows out of one text -------------------------------------------------------------------------------------------

CHAT = "".join(f"05/03/2024, 09:{i % 60:02d} - Ana: message {i} é\n" for i in range(10_000))


def test_rows_of_one_text_are_read_while_they_are_made() -> None:
    wanted = [(m["seq"], m["ts"], m["author"], m["text"]) for m in streamliner_udf.parse_whatsapp(CHAT)]
    for content in (CHAT, CHAT.encode()):
        rows = streamliner_udf.parse_rows("parse_whatsapp", content)
        with duckdb.connect() as con:
            con.register("rows", rows)
            assert con.execute("SELECT seq, ts, author, text FROM rows ORDER BY seq").fetchall() == wanted
            assert con.execute("SELECT count(*), max(line) FROM rows").fetchall() == [(10_000, 10_000)]
        assert rows
        assert len(rows) == 10_000


def test_rows_outlive_their_text_and_their_maker() -> None:
    pa = pytest.importorskip("pyarrow")
    for _ in range(20):
        reader = pa.RecordBatchReader.from_stream(streamliner_udf.parse_rows("parse_whatsapp", CHAT.encode()))
        gc.collect()
        assert reader.read_all().num_rows == 10_000
    for _ in range(20):  # dropped before they are made, or half read
        streamliner_udf.parse_rows("parse_whatsapp", CHAT.encode())
        reader = pa.RecordBatchReader.from_stream(streamliner_udf.parse_rows("parse_whatsapp", CHAT.encode()))
        assert reader.read_next_batch().num_rows > 0


def test_rows_survive_the_collector_and_refuse_a_fork() -> None:
    text = CHAT.encode() * 40
    rows = streamliner_udf.parse_rows("parse_whatsapp", text)
    holder: list[Any] = [rows]
    holder.append(holder)
    del rows, holder, text
    gc.collect()  # while the thread in the background still reads
    code = (
        "import os, signal, streamliner_udf\n"
        "rows = streamliner_udf.parse_rows('parse_whatsapp', b'05/03/2024, 09:15 - Ana: hi\\n' * 1_000_000)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(20)\n"
        "    try: len(rows)\n"
        "    except streamliner_udf.StreamlinerError as error: os._exit('got a fork of it' not in str(error))\n"
        "    os._exit(2)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(rows))"
    )
    if hasattr(os, "fork"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "0 1000000", done.stderr


def test_rows_of_nothing() -> None:
    for content in ("", b"", "no chat at all", b"\0"):
        rows = streamliner_udf.parse_rows("parse_whatsapp", content)
        assert not rows
        assert len(rows) == 0
        with duckdb.connect() as con:
            con.register("rows", rows)
            assert con.execute("SELECT author FROM rows").fetchall() == []


def test_rows_refuse_other_functions_and_contents() -> None:
    with pytest.raises(TypeError, match="parse_rows: expected a function that gives a list of structs, got slugify"):
        streamliner_udf.parse_rows("slugify", "a")
    with pytest.raises(LookupError, match=r"^parse_rows: expected the name of a function, as .*, got 'nothing'"):
        streamliner_udf.parse_rows("nothing", "a")
    with pytest.raises(LookupError, match=r"^parse_row: expected the name of a function, as .*, got 'nothing'"):
        streamliner_udf.parse_row("nothing", "a")
    with pytest.raises(TypeError, match="parse_row: expected a function that gives a struct, got slugify"):
        streamliner_udf.parse_row("slugify", "a")
    with pytest.raises(TypeError, match="parse_whatsapp: expected str or bytes, got list"):
        streamliner_udf.parse_rows("parse_whatsapp", ["a"])  # type: ignore[arg-type]
    with pytest.raises(InvalidUTF8, match="parse_whatsapp: expected valid UTF-8"):
        streamliner_udf.parse_rows("parse_whatsapp", b"05/03/2024, 09:15 - Ana: \xff")
    with pytest.raises(InvalidUTF8, match="a lone surrogate"):
        streamliner_udf.parse_rows("parse_whatsapp", "05/03/2024, 09:15 - Ana: \ud800")


# ---- the lock -------------------------------------------------------------------------------------------------------


def _seconds(work: Callable[[], object], threads: int) -> float:
    ready = threading.Barrier(threads + 1)

    def run() -> None:
        ready.wait()
        work()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    ready.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - start


def _speed_up(work: Callable[[], object]) -> float:
    """How much more two threads get done than one in the same time."""
    return statistics.median(2 * _seconds(work, 1) / _seconds(work, 2) for _ in range(3))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
@pytest.mark.not_sanitized("its allocator has locks")
def test_two_threads_do_the_work_of_two() -> None:
    """Two threads get through at least 1.7 times what one does in the same time: the kernels run without the lock.

    Other work on the machine can take the second core away, in part too. So hashing, which is known to let go of the
    lock, is measured before and after: the kernel must once do 0.85 of what hashing did both times. Where hashing does
    below 1.4 there is no core to speak of, and a kernel that held the lock, 1.0, could not be told from others.
    """
    pa = pytest.importorskip("pyarrow")
    column = pa.array(["Call Ana on +1 555 123 4567 or write to ana@example.org, ok? " * 3] * 60_000)
    scrub = streamliner_udf.scrub_pii
    data = b"x" * 12_000_000
    rounds = []
    for _ in range(12):
        before = _speed_up(lambda: hashlib.sha256(data))
        ours = _speed_up(lambda: scrub(column))
        after = _speed_up(lambda: hashlib.sha256(data))
        free = min(before, after, 2.0)
        if free >= 1.4:
            if ours >= 0.85 * free:
                return
            rounds.append(f"{ours:.2f} (hashing {free:.2f})")
    if len(rounds) < 5:
        pytest.skip(f"no second core to be had; two threads did, times the work of one: {', '.join(rounds)}")
    pytest.fail(f"two threads did, times the work of one: {', '.join(rounds)}")


def test_the_processor_can_be_kept_to_less() -> None:
    code = "from streamliner_udf import _core; print(_core.cpu())"
    best = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    levels = ["plain", "ssse3", "avx2", "avx512"]
    for level in levels[:3]:
        environment = {**os.environ, "STREAMLINER_UDF_CPU": level}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        assert done.stdout.strip() == min(level, best, key=levels.index)


def test_a_spawned_child_can_be_given_a_function() -> None:
    """Functions travel by name, as `multiprocessing` and Ray send them."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(SLUG, ["A b", None]) == ["a-b", None]


def test_import_brings_neither_numpy_nor_oracles() -> None:
    code = (
        "import sys, streamliner_udf as s\n"
        "assert s.slugify('A b') == 'a-b' and s.slugify(['A b']) == ['a-b'] and s.has_pii('a@example.org') is True\n"
        "print([name for name in ('numpy', 'pyarrow', 'streamliner_udf.reference.words') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
    code = (
        "import streamliner_udf as s, numpy as np\nprint(s.html_escape(np.array(['<'], dtype=np.dtypes.StringDType())))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "['&lt;']\n"
