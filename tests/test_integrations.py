"""The doors of other libraries, each with the real library where it is installed.

Every function of the table against its golden cases and the specification, and what is the library's own: types, names,
errors, lazy plans, real runs.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import random
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import paths
import pytest
from paths import FUNCTIONS, Function, Options, Rows, arguments, canonical, differences, is_pair, of_texts, split
from test_docs import INTEGRATIONS, blocks
from test_golden import by_options, error_cases, oracle_message
from test_oracle import batch, specified

import streamliner_udf

pytest.importorskip("pyarrow")
# What Ibis calls in DuckDB and in pandas.
pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table"),
    pytest.mark.filterwarnings("ignore:The 'future.infer_string'"),
]
# A call, the class of its error, and a part of what that says.
Wrong = list[tuple[Callable[[], Any], type[Exception], str]]
# Where the package is: workers are processes of their own.
HOME = str(Path(streamliner_udf.__file__).parents[1])
MODULES = {"polars": "polars", "pandas": "pandas", "ibis": "ibis", "dbt": "dbt.adapters.duckdb"}


def library(name: str) -> Any:
    """The library, once our door is in it. Untyped: what a door adds to it, type checkers do not see."""
    found = pytest.importorskip(MODULES[name])
    importlib.import_module(f"streamliner_udf.{name}")
    return found


def udfs() -> Any:
    """The functions for Ibis."""
    pytest.importorskip("ibis")
    return importlib.import_module("streamliner_udf.ibis")


# ---- every function ------------------------------------------------------------------------------------------------


def row_type(function: Function) -> Any:
    pl = library("polars")
    kinds: dict[str, Any] = {"text": pl.String, "integers": pl.List(pl.Int64), "naturals": pl.List(pl.UInt64)}
    return kinds[function.params[function.row_indexes[0]].type]


def method(column: Any, function: Function, others: list[Any], options: Options) -> Any:
    """A call as a method of the first column."""
    given = list(arguments(function, [column, *others], options))
    del given[function.row_indexes[0]]
    return getattr(column.sl, function.name)(*given)


def frame(function: Function, rows: Rows) -> Any:
    """Columns a and b in chunks, and a slice of what they are: there is a row before and one behind."""
    pl = library("polars")
    made = {
        name: pl.Series(column, dtype=row_type(function))
        for name, column in zip("ab", paths.columns(function, rows), strict=False)
    }
    whole = pl.DataFrame(made)
    cut = len(rows) // 3
    return pl.concat([whole[-1:], whole[:cut], whole[cut:], whole[:1]], rechunk=False)[1:-1]


def polars_expression(engine: str) -> Callable[[Function, Rows, Options], list[Any]]:
    def run_polars(function: Function, rows: Rows, options: Options) -> list[Any]:
        pl = library("polars")
        columns = frame(function, rows)
        expr = method(pl.col("a"), function, [pl.col(name) for name in columns.columns[1:]], options)
        lazy = columns.lazy().select(expr)
        made = lazy.collect(engine=engine)
        assert made.schema == lazy.collect_schema()
        assert made.columns == ["a"]
        return list(made["a"].to_list())

    return run_polars


def polars_series(function: Function, rows: Rows, options: Options) -> list[Any]:
    library("polars")
    columns = frame(function, rows)
    made = method(columns["a"], function, [columns[name] for name in columns.columns[1:]], options)
    assert made.name == "a"
    return list(made.to_list())


def pandas_series(dtype: str) -> Callable[[Function, Rows, Options], list[Any]]:
    def run_pandas(function: Function, rows: Rows, options: Options) -> list[Any]:
        pd = library("pandas")
        index = range(len(rows), 0, -1)
        kind = dtype if of_texts(function) else object
        made = [pd.Series(column, index, kind, "t") for column in paths.columns(function, rows)]
        # The other column in another order: the index says what belongs together.
        result = method(made[0], function, [column.sort_index() for column in made[1:]], options)
        assert result.index.equals(made[0].index)
        assert result.name == "t"
        if function.result.type == "text":
            assert result.dtype == made[0].dtype
        return [None if missing else value for value, missing in zip(result, result.isna(), strict=True)]

    return run_pandas


def ibis_udf(function: Function, rows: Rows, options: Options) -> list[Any]:
    ibis = library("ibis")
    if "\\x00" in repr(options) and duckdb.__version__ < "2":
        pytest.skip("Ibis writes options as literals, and DuckDB before 2.0 reads no NUL in one")

    con = ibis.duckdb.from_connection(paths.connection())
    paths.load(paths.connection(), function, rows)
    table = con.table("t")
    given = arguments(function, [table[name] for name in paths.names(function)], options)
    expr = getattr(udfs(), function.name)(*given)
    return list(con.to_pyarrow(table.select("i", value=expr).order_by("i"))["value"].to_pylist())


DOORS: dict[str, Callable[[Function, Rows, Options], list[Any]]] = {
    "polars": polars_expression("in-memory"),
    "polars_streaming": polars_expression("streaming"),
    "polars_series": polars_series,
    "pandas_object": pandas_series("object"),
    "pandas_string": pandas_series("string"),
    "pandas_arrow": pandas_series("string[pyarrow]"),
    "ibis": ibis_udf,
}
EACH = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda f: f.name)
EACH_DOOR = pytest.mark.parametrize("door", DOORS)


def run(door: str, function: Function, rows: Rows, options: Options) -> list[Any]:
    made: list[Any] = canonical(DOORS[door](function, rows, options))
    return made


@EACH_DOOR
@EACH
def test_golden_cases(door: str, function: Function) -> None:
    for options, rows, want in by_options(function):
        mixed, expected = [None, *rows, None], [None, *want, None]
        got = run(door, function, mixed, options)
        assert not (report := differences(function, mixed, options, got, expected)), report


@EACH_DOOR
@EACH
def test_equals_the_oracle(door: str, function: Function, rng: random.Random) -> None:
    known = batch(specified(function, 0, 250), rng)
    rows, want = [row for row, _ in known], [value for _, value in known]
    options = paths.option_variants(function)[0]
    got = run(door, function, rows, options)
    assert not (report := differences(function, rows, options, got, want)), report


@EACH_DOOR
@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if is_pair(f)], ids=lambda f: f.name)
def test_pairs_with_a_null(door: str, function: Function) -> None:
    options = paths.option_variants(function)[0]
    rows = [row for row, _ in specified(function, 0, 250)[:10]]
    halves = [(None, b) for _, b in rows] + [(a, None) for a, _ in rows]
    assert run(door, function, [*halves, *rows], options)[:20] == [None] * 20


@EACH_DOOR
@EACH
def test_one_row_and_none(door: str, function: Function) -> None:
    options, rows, want = by_options(function)[0]
    assert run(door, function, rows[:1], options) == want[:1]
    assert run(door, function, [None], options) == [None]


@EACH_DOOR
@pytest.mark.parametrize(("function", "case"), error_cases())
def test_wrong_options(door: str, function: Function, case: dict[str, Any]) -> None:
    row, options = split(function, case["args"])
    in_sql = door == "ibis"
    with pytest.raises(duckdb.Error if in_sql else streamliner_udf.StreamlinerError) as caught:
        run(door, function, [row, row], options)
    assert ("sl_" if in_sql else "") + oracle_message(function, case) in str(caught.value)


@pytest.mark.parametrize("module", MODULES)
def test_the_error_without_the_library_names_the_extra(module: str) -> None:
    """In a process where it cannot be imported, whether it is here or not."""
    library = MODULES[module].split(".")[0]
    code = f"import sys; sys.modules[{library!r}] = None; import streamliner_udf.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: streamliner_udf.{module}: expected ")
    assert last.endswith(f"pip install 'streamliner_udf[{module}]'")


def test_extras_have_the_names_of_the_errors() -> None:
    tomllib = importlib.import_module("tomllib")
    project = tomllib.loads((INTEGRATIONS.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(MODULES) <= set(project["optional-dependencies"])


def test_the_package_imports_none_of_them() -> None:
    code = f"import sys, streamliner_udf; sys.exit(bool({set(map(str, MODULES))!r} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", ["polars", "pandas"])
@EACH
def test_methods_have_the_words_of_the_function(module: str, function: Function) -> None:
    library(module)
    found = importlib.import_module(f"streamliner_udf.{module}")
    for namespace in (getattr(found, name) for name in found.__all__):
        made, public = getattr(namespace, function.name), getattr(streamliner_udf, function.name)
        assert (made.__name__, made.__doc__, made.__module__) == (function.name, public.__doc__, found.__name__)
        parameters = list(inspect.signature(public).parameters.values())
        column = parameters.pop(function.row_indexes[0]).name
        shown = list(inspect.signature(made).parameters.values())
        assert [p.name for p in shown] == ["self", *(p.name for p in parameters)]
        assert column not in [p.name for p in shown]
        assert [p.default for p in shown[1:]] == [p.default for p in parameters]


@pytest.mark.parametrize("module", ["polars", "pandas", "ibis"])
def test_an_option_by_name_leaves_those_before_it(module: str) -> None:
    found = library(module)
    want = [streamliner_udf.chunk_text("One two. Three four.", overlap=3)]
    if module == "ibis":
        assert [
            found.duckdb.from_connection(paths.connection()).execute(
                udfs().chunk_text("One two. Three four.", overlap=3)
            )
        ] == want
    else:
        assert found.Series(["One two. Three four."]).sl.chunk_text(overlap=3).to_list() == want


# ---- Polars --------------------------------------------------------------------------------------------------------


@pytest.fixture
def messages() -> Any:
    pl = library("polars")
    return pl.DataFrame({"id": [1, 2, 3], "text": ["mail ana@example.org", None, "é"], "author": ["Ana", "Bo", None]})


def test_polars_constants_stand_beside_columns(messages: Any) -> None:
    pl = library("polars")
    text, author = pl.col("text"), pl.col("author")
    made = messages.select(
        right=author.sl.ratio("Ana"),
        left=pl.lit("Ana").sl.ratio(author),
        null=author.sl.ratio(None),
        series=author.sl.ratio(messages["author"]),
        first=author.sl.ratio(author.first()),
        lists=text.sl.minhash(2).sl.minhash_similarity([1, 2]),
    )
    assert made["right"].to_list() == made["left"].to_list() == made["first"].to_list() == [100.0, 0.0, None]
    assert made["null"].to_list() == [None] * 3
    assert made["series"].to_list() == [100.0, 100.0, None]
    assert made["lists"].to_list() == [0.0, None, 0.0]
    assert messages["author"].sl.ratio("Ana").to_list() == [100.0, 0.0, None]
    assert messages.clear().select(text.sl.ratio("Ana")).height == 0
    alone = pl.select(a=pl.lit("Ana").sl.ratio("Ana"), b=pl.lit("Ana").sl.uuid5("dns"))
    assert alone.rows() == [(100.0, str(uuid.uuid5(uuid.NAMESPACE_DNS, "Ana")))]


def test_polars_streams_many_batches_and_moves_filters(messages: Any) -> None:
    """More rows than a batch of the streaming engine has, with a Series as the other column."""
    pl = library("polars")
    many = pl.select(
        a=pl.format("mail n{}@example.org", pl.int_range(250_000)), b=pl.int_range(250_000).cast(pl.String)
    )
    lazy = many.lazy().with_columns(
        made=pl.col("a").sl.scrub_pii(), like=pl.col("b").sl.ratio(many["b"]), constant=pl.col("b").sl.ratio("x")
    )
    made = lazy.collect(engine="streaming")
    assert made.select("a", "b").equals(many)
    assert made["made"].unique().to_list() == ["mail <EMAIL_REDACTED>"]
    assert made["like"].unique().to_list() == [100.0]
    assert made["constant"].unique().to_list() == [0.0]
    plan = messages.lazy().with_columns(pl.col("text").sl.slugify()).filter(pl.col("id") == 3).explain()
    assert plan.index("python_udf") < plan.index("FILTER")


def test_polars_in_groups(messages: Any) -> None:
    pl = library("polars")
    slug = pl.col("text").sl.slugify()
    assert messages.select(slug.over("author")).to_series().to_list() == ["mail-ana-example-org", None, "e"]
    groups = messages.group_by("id", maintain_order=True).agg(slug)
    assert groups["text"].to_list() == [["mail-ana-example-org"], [None], ["e"]]


def test_polars_says_what_is_wrong_when_the_expression_is_made() -> None:
    pl = library("polars")
    text = pl.col("text")
    wrong: Wrong = [
        (lambda: text.sl.slugify(0), streamliner_udf.InvalidArgument, "slugify: expected max_length >= 1, got 0"),
        (lambda: text.sl.slugify(text), TypeError, "slugify: expected max_length to be int, got Expr"),
        (lambda: text.sl.slugify(1, 2), TypeError, "slugify: too many positional arguments, expected (max_length"),
        (lambda: text.sl.pseudonym(), TypeError, "pseudonym: missing a required argument: 'key', expected (key"),
        (lambda: text.sl.ratio(5), TypeError, "ratio: expected b to be an expression, a Series, None or a constant"),
        (lambda: text.sl.ratio(["a"]), TypeError, "VARCHAR, got list"),
    ]
    for call, error, sentence in wrong:
        with pytest.raises(error) as caught:
            call()
        assert sentence in str(caught.value)


def test_polars_says_what_is_wrong_with_a_column(messages: Any) -> None:
    pl = library("polars")
    for expr, error, sentence in [
        (pl.col("id").sl.slugify(), TypeError, "slugify: expected an Arrow column of text"),
        (pl.col("text").cast(pl.Categorical).sl.slugify(), TypeError, "cast it to string first"),
        (pl.col("text").cast(pl.Binary).sl.parse_whatsapp(), TypeError, "expected an Arrow column of text"),
        (pl.col("text").sl.ratio(pl.Series(["a", "b"])), streamliner_udf.InvalidArgument, "equal length, got 3 and 2"),
    ]:
        with pytest.raises(error, match="expected") as caught:
            messages.select(expr)
        assert sentence in str(caught.value)


# ---- pandas --------------------------------------------------------------------------------------------------------


@pytest.fixture
def authors() -> Any:
    pd = library("pandas")
    return pd.Series(["Ana", None, "Bo"], [3, 5, 9], name="author")


def test_pandas_aligns_and_takes_constants(authors: Any) -> None:
    pd = library("pandas")
    other = pd.Series(["Bo", "Ana"], [9, 3])
    assert authors.sl.ratio(other).dropna().to_dict() == {3: 100.0, 9: 100.0}
    assert authors.sl.ratio(["Ana", "x", "Ana"]).dropna().to_dict() == {3: 100.0, 9: 0.0}
    assert authors.sl.ratio("Ana").dropna().to_dict() == {3: 100.0, 9: 0.0}
    assert pd.Series(["Ana", float("nan")], dtype=object).sl.slugify().to_list() == ["ana", None]
    assert authors[::2].sl.slugify().to_dict() == {3: "ana", 9: "bo"}
    assert authors.iloc[:0].sl.ratio("x").empty
    twice = authors.set_axis([1, 1, 2])
    assert twice.sl.ratio(twice).to_list()[::2] == [100.0, 100.0]
    with pytest.raises(ValueError, match="duplicate labels"):
        authors.sl.ratio(twice)


def test_pandas_results_have_room_for_null(authors: Any) -> None:
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]

    for call, kind in [
        (authors.sl.count_words(), pa.int64()),
        (authors.sl.has_pii(), pa.bool_()),
        (authors.sl.ratio("Ana"), pa.float64()),
        (authors.sl.simhash(), pa.uint64()),
    ]:
        assert call.dtype.pyarrow_dtype == kind
        assert call.isna().to_list() == [False, True, False]
    assert authors.sl.uuid5("dns").loc[3] == uuid.uuid5(uuid.NAMESPACE_DNS, "Ana")
    assert authors.sl.extract_hashtags().dropna().to_list() == [[], []]


def test_pandas_says_what_is_wrong(authors: Any) -> None:
    pd = library("pandas")
    wrong: Wrong = [
        (lambda: pd.Series([1]).sl.slugify(), TypeError, "slugify: expected an Arrow column of text"),
        (lambda: authors.astype("category").sl.slugify(), TypeError, "cast it to string first"),
        (lambda: pd.Series(["a", 1]).sl.slugify(), TypeError, "slugify: expected text to be a column of VARCHAR, got"),
        (lambda: pd.Series([1]).sl.pack_windows(3), TypeError, "pack_windows: expected sizes to be a list of int"),
        (
            lambda: pd.Series([["a"]]).sl.pack_windows(3),
            TypeError,
            "sizes to be a column of BIGINT[], got object",
        ),
        (lambda: authors.sl.ratio(["a"]), streamliner_udf.InvalidArgument, "equal length, got 3 and 1"),
        (lambda: authors.sl.ratio(), TypeError, "ratio: missing a required argument: 'b'"),
    ]
    for call, error, sentence in wrong:
        with pytest.raises(error) as caught:
            call()
        assert sentence in str(caught.value)


# ---- Ibis ----------------------------------------------------------------------------------------------------------


@EACH
def test_ibis_types_are_those_of_duckdb(function: Function) -> None:
    ibis = library("ibis")
    con = ibis.duckdb.from_connection(paths.connection())
    options, rows, _ = by_options(function)[0]
    paths.load(paths.connection(), function, rows[:1])
    table = con.table("t")
    expr = getattr(udfs(), function.name)(
        *arguments(function, [table[name] for name in paths.names(function)], options)
    )
    values = ", ".join(f"NULL::{param.sql_type}" for param in function.params)
    paths.connection().execute(f"CREATE OR REPLACE VIEW made AS SELECT {function.sql_name}({values}) AS made")
    assert expr.type() == con.table("made").schema()["made"]
    public = inspect.signature(getattr(streamliner_udf, function.name)).parameters.values()
    shown = inspect.signature(getattr(udfs(), function.name)).parameters.values()
    assert [(p.name, p.default) for p in shown] == [(p.name, p.default) for p in public]
    assert getattr(udfs(), function.name).__doc__ == getattr(streamliner_udf, function.name).__doc__
    assert function.name in dir(udfs())


def test_ibis_takes_what_sql_takes() -> None:
    ibis = library("ibis")
    con = ibis.duckdb.from_connection(streamliner_udf.connect())
    table = ibis.memtable({"text": ["aaaa", "bbbb"], "size": [1, 2]})
    assert con.to_pyarrow(udfs().slugify(table.text, table.size)).to_pylist() == ["a", "bb"]
    made = con.execute(udfs().uuid5(uuid.NAMESPACE_DNS, "a"))
    assert str(made) == str(uuid.uuid5(uuid.NAMESPACE_DNS, "a"))
    export = b"05/03/2024, 09:15 - Ana: hi"
    assert con.execute(udfs().sniff_whatsapp(ibis.literal(export)))["messages"] == 1
    with pytest.raises(Exception, match="missing a required argument: 'text'"):
        udfs().slugify()
    with pytest.raises(AttributeError, match="no attribute 'no_such'"):
        udfs().no_such  # noqa: B018


def test_ibis_connections_of_its_own() -> None:
    ibis = library("ibis")
    con = ibis.duckdb.connect(allow_unsigned_extensions=True)
    streamliner_udf.register(con.con)
    assert con.execute(udfs().slugify("Olá, Mundo!")) == "ola-mundo"


# ---- dbt, SQLAlchemy -----------------------------------------------------------------------------------------------


def dbt_run(folder: Path, config: str = "") -> tuple[list[Any], list[Any]]:
    """A real run of the profile and the model that the documentation has; rows of the two tables that it made."""
    [(_, profile)], [(_, model)] = blocks(INTEGRATIONS, "yaml"), blocks(INTEGRATIONS, "sql")
    messages = """
        SELECT unnest([1, 2]) AS id, unnest(['mail ana@example.org', NULL]) AS text,
            current_setting('allow_unsigned_extensions') AS unsigned"""
    project = "name: chat\nversion: '1.0'\nprofile: chat\nmodels:\n  +materialized: table\n"
    (folder / "models").mkdir()
    for name, text in {
        "profiles.yml": profile + config,
        "dbt_project.yml": project,
        "models/messages.sql": messages,
        "models/clean.sql": model,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    code = "from dbt.cli.main import cli; cli()"
    command = [sys.executable, "-c", code, "--no-send-anonymous-usage-stats", "run", "--profiles-dir", "."]
    environment = {**os.environ, "PYTHONPATH": HOME}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(folder / "chat.duckdb")) as con:
        return con.execute("FROM clean ORDER BY id").fetchall(), con.execute("SELECT unsigned FROM messages").fetchall()


DBT_ROWS = [(1, "mail <EMAIL_REDACTED>"), (2, None)]


def test_dbt_run(tmp_path: Path) -> None:
    pytest.importorskip("dbt.adapters.duckdb")
    assert dbt_run(tmp_path) == (DBT_ROWS, [(False,)] * 2)


def test_dbt_run_keeps_what_the_profile_sets(tmp_path: Path) -> None:
    pytest.importorskip("dbt.adapters.duckdb")
    config = "      config_options:\n        allow_unsigned_extensions: true\n"
    assert dbt_run(tmp_path, config) == (DBT_ROWS, [(True,)] * 2)


def test_dbt_run_where_the_file_cannot_be_loaded(tmp_path: Path) -> None:
    """Several threads, each with cursors of its own."""
    pytest.importorskip("dbt.adapters.duckdb")
    config = "      threads: 3\n      config_options:\n        allow_unsigned_extensions: false\n"
    assert dbt_run(tmp_path, config) == (DBT_ROWS, [(False,)] * 2)


def test_sqlalchemy_needs_nothing_where_duckdb_has_the_functions() -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pytest.importorskip("duckdb_engine")
    if streamliner_udf.status().backend is not streamliner_udf.Backend.STATIC:
        pytest.skip("this DuckDB takes no static registration; the documentation's way is run by test_docs.py")
    engine = sqlalchemy.create_engine("duckdb:///:memory:")
    with engine.connect() as con:
        query = sqlalchemy.text("SELECT sl_scrub_pii(:text)")
        assert con.execute(query, {"text": "mail ana@example.org"}).scalar() == "mail <EMAIL_REDACTED>"
    engine.dispose()


# ---- Spark ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # PySpark about pandas
def test_spark_takes_the_results_of_all_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """One job: every function of one text with its default options, over golden texts, against the specification."""
    pytest.importorskip("pyspark")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, which is not here")
    import pyarrow as pa  # type: ignore[import-untyped,unused-ignore]
    from pyspark.sql import SparkSession  # type: ignore[import-not-found,unused-ignore]
    from pyspark.sql.pandas.types import from_arrow_schema  # type: ignore[import-not-found,unused-ignore]

    monkeypatch.setenv("PYTHONPATH", HOME)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    chosen = [f for f in FUNCTIONS.values() if of_texts(f) and sum(param.required for param in f.params) == 1]
    texts = [None, *(row for f in chosen for _, rows, _ in by_options(f)[:1] for row in rows[:5] if row is not None)]
    assert len(chosen) > 20
    names = [f.name for f in chosen]
    signed = pa.decimal128(20, 0)

    def column(name: str, text: Any) -> Any:
        """As Spark can have it: it has no unsigned numbers."""
        made = pa.array(getattr(streamliner_udf, name)(text))
        if made.type == pa.uint64():
            return made.cast(signed)
        is_list = pa.types.is_list(made.type) or pa.types.is_large_list(made.type)
        return made.cast(pa.list_(signed)) if is_list and made.type.value_type == pa.uint64() else made

    def every(batches: Any) -> Any:
        for one in batches:
            columns = {name: column(name, one["text"]) for name in names}
            yield pa.record_batch({"text": one["text"], **columns})

    [empty] = every([pa.record_batch({"text": pa.array([], pa.string())})])
    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        source = spark.createDataFrame([(text,) for text in texts], "text string").repartition(2)
        rows = source.mapInArrow(every, from_arrow_schema(empty.schema)).collect()
    finally:
        spark.stop()
    assert len(rows) == len(texts)
    for row in rows:
        made = row.asDict(recursive=True)
        for function in chosen:
            assert canonical(made[function.name]) == paths.oracle(function, made["text"], ()), function.name
