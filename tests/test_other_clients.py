"""The bundled file in clients of DuckDB that are not Python's: each that is here, from its registry, unchanged.

The command line of DuckDB (`duckdb`, from PyPI: duckdb-cli) is looked for beside this Python and on PATH; Node's client
(`@duckdb/node-api`) where `require` finds it, so NODE_PATH may name the folder.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import streamliner_udf
from streamliner_udf._table import FUNCTIONS
from streamliner_udf.sql import quoted

NODE = """
const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const [load, query] = process.argv.slice(1);
  const instance = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true' });
  const connection = await instance.connect();
  await connection.run(load);
  console.log(JSON.stringify((await connection.runAndReadAll(query)).getRowObjectsJson()));
})().catch((error) => { console.error(error.message); process.exit(1); });
"""


@functools.cache
def command(client: str) -> list[str]:
    """How to start it: two arguments follow, a statement that loads and a query; it prints rows as JSON objects."""
    if client == "cli":
        folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        if found := shutil.which("duckdb", path=folders):
            return [found, "-unsigned", "-bail", "-json", "-c"]
        pytest.skip("no command line of DuckDB here (pip install duckdb-cli)")
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here")
    look = subprocess.run([node, "-e", "require.resolve('@duckdb/node-api')"], capture_output=True, timeout=60)
    if look.returncode:
        pytest.skip("node does not find @duckdb/node-api (npm install @duckdb/node-api, and NODE_PATH)")
    return [node, "-e", NODE]


def start(client: str, query: str) -> subprocess.CompletedProcess[str]:
    load = f"LOAD {quoted(streamliner_udf.extension_path())};"
    arguments = [load, query] if client == "node" else [f"{load} {query}"]
    return subprocess.run([*command(client), *arguments], capture_output=True, text=True, encoding="utf-8", timeout=120)


@pytest.fixture(params=["cli", "node"])
def ask(request: pytest.FixtureRequest) -> Callable[[str], list[list[Any]]]:
    client: str = request.param
    command(client)

    def asked(query: str) -> list[list[Any]]:
        done = start(client, query)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [list(row.values()) for row in json.loads(done.stdout)]

    return asked


def test_every_shape_of_answer(ask: Callable[[str], list[list[Any]]]) -> None:
    assert ask("SELECT sl_slugify('Olá, Mundo!') AS a, sl_slugify(NULL) AS b, sl_slugify('one two', 5) AS c") == [
        ["ola-mundo", None, "one-t"]
    ]
    assert ask("SELECT sl_uuid5('dns', 'python.org')::VARCHAR AS a") == [["886313e1-3b8a-5372-9b90-0c9aee199e5d"]]
    assert ask("SELECT unnest(sl_extract_urls('see http://a.b and www.python.org')) AS a") == [
        ["http://a.b"],
        ["www.python.org"],
    ]
    assert ask(
        "SELECT p.kind AS a, p.value AS b FROM (SELECT unnest(sl_find_pii('é mail ana@example.org now')) AS p)"
    ) == [["email", "ana@example.org"]]
    assert ask("SELECT sl_has_pii('ana@example.org') AS a, sl_edit_distance('kitten', 'sitting')::INT AS b") == [
        [True, 3]
    ]
    assert ask(f"SELECT sl_version() AS a, count(*)::INT = {len(FUNCTIONS)} AS b FROM sl_functions()") == [
        [streamliner_udf.__version__, True]
    ]


def test_many_rows_on_all_its_threads(ask: Callable[[str], list[list[Any]]]) -> None:
    query = (
        "SELECT count(*)::INT AS a, count(DISTINCT s)::INT AS b FROM "
        "(SELECT i, sl_html_escape('<' || i || '>') AS s FROM range(300000) t(i)) "
        "WHERE s = '&lt;' || i || '&gt;'"
    )
    assert ask(query) == [[300000, 300000]]


def test_errors_are_errors_there_too(ask: Callable[[str], list[list[Any]]]) -> None:
    with pytest.raises(RuntimeError, match=r"sl_slugify: expected max_length .* got 0"):
        ask("SELECT sl_slugify('a', 0) AS a")


def block(begin: str) -> str:
    """The block of docs/other-clients.md that begins so, with the path of the file in it."""
    page = (Path(__file__).parents[1] / "docs/other-clients.md").read_text(encoding="utf-8")
    found = page.partition(f"\n{begin}")[2].partition("\n```")[0]
    assert found, begin
    return (begin + found).replace(".../streamliner_udf.duckdb_extension", streamliner_udf.extension_path().as_posix())


@pytest.mark.parametrize("client", ["cli", "node"])
def test_what_the_page_shows_runs(client: str) -> None:
    program = command(client)[0]
    if client == "cli":
        arguments = shlex.split(block("duckdb -unsigned"))[1:]
    else:
        arguments = ["-e", block("const { DuckDBInstance }")]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert "ola-mundo" in done.stdout


def test_a_view_can_say_what_it_needs() -> None:
    with streamliner_udf.connect() as con:
        con.execute("CREATE VIEW slugs AS SELECT sl_slugify('A b') AS slug")
        for statement in con.extract_statements(block("COMMENT ON VIEW")):
            con.execute(statement)
        assert con.fetchall() == [("slugs", "needs the functions of streamliner_udf")]
