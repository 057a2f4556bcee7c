"""tune: the search decides rightly over known surfaces, and real trials measure, compare and change nothing."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

import streamliner_udf
from streamliner_udf import cli
from streamliner_udf.resources import Limit, Resources
from streamliner_udf.tuning import Recommendation, Recorded, Trial, TuningError, trials, tune, verify
from streamliner_udf.tuning.knobs import ALWAYS_LEFT, SETTINGS, folklore, knobs
from streamliner_udf.tuning.search import Outcome, Search, differs
from streamliner_udf.tuning.statistics import band, interval
from streamliner_udf.tuning.trials import Facts, Processes, Table
from streamliner_udf.tuning.workload import parse

GIB = 1 << 30
SAME = ({"rows": 10, "hash": "1/2", "floats": []},)
WORKLOAD = parse("SELECT count(*) FROM messages")


def facts(rows: int = 100_000, groups: int | None = 1, cpus: int = 2, **settings: str) -> Facts:
    known = {"threads": "2", "memory_limit": "8.0 GiB", "force_compression": "auto", "preserve_insertion_order": "true"}
    return Facts(
        duckdb="2.0.0",
        settings={**known, **settings},
        tables=(Table("main", "messages", rows, groups),),
        database_bytes=10 << 20,
        machine={"processor": "a processor"},
        resources=Resources(cpus, 24 * GIB, 20 * GIB, (Limit(cpus, "here"),), (Limit(24 * GIB, "here"),)),
        disk_free=100 * GIB,
    )


@dataclass
class Machine:
    """A runner whose every figure is known: `effect` gives factors of wall, cpu, span and peak memory, or whole fields.

    noise : how far equal runs lie apart; busy : processors that others use, which only lengthens the time on the clock.
    """

    effect: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda configuration: {}
    noise: float = 0.01
    busy: float = 0.0
    spans: bool = True
    seconds: float = 1.0
    seed: int = 1
    stop_at: int | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.count = 0
        self.seen: list[dict[str, Any]] = []

    def run(self, configuration: Mapping[str, Any], purpose: str, every: int, timeout: float) -> Trial:
        self.count += 1
        self.seen.append(dict(configuration))
        if self.stop_at == self.count:
            raise KeyboardInterrupt
        found = dict(self.effect(configuration))
        wall, cpu, span, peak = (found.pop(name, 1.0) for name in ("wall", "cpu", "span", "peak"))
        waits = 1 + self.busy * self.random.random()
        jitter = 1 + self.random.uniform(-self.noise, self.noise)
        quiet = 1 + self.random.uniform(-0.01, 0.01)
        fields: dict[str, Any] = {
            "wall": wall * waits * jitter / every,
            "cpu": cpu * quiet / every,
            "span": span * quiet / every if self.spans else None,
            "passes": (wall * waits * jitter / every,),
            "peak_memory": int(peak * (400 << 20)),
            "database_bytes": 10 << 20,
            "others": self.busy,
            "load": self.busy,
            "checksums": SAME,
            "seconds": self.seconds / every,
        }
        return Trial(dict(configuration), purpose, every, **{**fields, **found})


def search(machine: Any, about: Facts | None = None, **options: Any) -> Outcome:
    return Search(machine, about or facts(), WORKLOAD, **{"budget": 1000.0, **options}).run()


def recommendation(outcome: Outcome, about: Facts | None = None) -> Recommendation:
    return Recommendation.of(
        outcome,
        about or facts(),
        objective="latency",
        seed=0,
        budget=1000.0,
        database="chat.duckdb",
        workload=WORKLOAD.text,
        workload_sha256=WORKLOAD.sha256,
    )


def parallel(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """One row group: smaller ones let two threads work; processor time stays."""
    many = configuration.get("row_group_size", 122_880) < 60_000 and configuration.get("threads", 2) > 1
    return {"wall": 0.52, "span": 0.51, "cpu": 1.02} if many else {}


def verdicts(outcome: Outcome, knob: str) -> dict[Any, str]:
    return {choice.value: choice.verdict for choice in outcome.choices if choice.knob == knob}


# ---- decisions -------------------------------------------------------------------------------------------------------


def test_a_lever_that_helps_is_found_and_confirmed() -> None:
    outcome = search(Machine(parallel))
    assert list(outcome.chosen) == ["row_group_size"]
    assert outcome.metric == "wall"
    assert outcome.complete
    assert outcome.confirmation is not None
    assert outcome.confirmation.accepted
    assert 0.5 < outcome.confirmation.low <= outcome.confirmation.ratio <= outcome.confirmation.high < 0.55
    assert verdicts(outcome, "threads") == {1: "default"}
    found = recommendation(outcome)
    assert found.rows()[0].confidence == "high"
    assert "ROW_GROUP_SIZE" in found.sql()


@pytest.mark.parametrize("noise", [0.01, 0.08])
def test_the_defaults_are_right_where_nothing_helps(noise: float) -> None:
    for seed in range(20):
        outcome = search(Machine(noise=noise, seed=seed))
        assert outcome.chosen == {}
        assert recommendation(outcome).verdict.startswith("The defaults are right for you")


def test_a_gain_below_five_percent_is_none() -> None:
    outcome = search(Machine(lambda given: {"wall": 0.965} if "row_group_size" in given else {}, noise=0.001))
    assert outcome.chosen == {}
    assert outcome.confirmation is not None
    assert "below 5%" in outcome.confirmation.reason


def test_what_changes_results_is_rejected() -> None:
    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        if "row_group_size" in given:
            return {"wall": 0.3, "checksums": ({"rows": 9, "hash": "1/2", "floats": []},)}
        return {}

    outcome = search(Machine(effect))
    assert outcome.chosen == {}
    assert set(verdicts(outcome, "row_group_size").values()) == {"rejected"}
    (row,) = (row for row in recommendation(outcome).rows() if row.name == "row_group_size")
    assert "changes results: result 1 has 9 rows instead of 10" in row.evidence


def test_results_that_change_only_in_the_confirmation_are_rejected() -> None:
    machine = Machine(parallel)
    original = machine.run

    def run(configuration: Mapping[str, Any], purpose: str, every: int, timeout: float) -> Trial:
        trial = original(configuration, purpose, every, timeout)
        other = ({"rows": 10, "hash": "3/4", "floats": []},)
        return replace(trial, checksums=other) if purpose == "confirm" and configuration else trial

    machine.run = run  # type: ignore[method-assign]
    outcome = search(machine)
    assert outcome.chosen == {}
    assert "rejected" in verdicts(outcome, "row_group_size").values()


def test_a_default_that_differs_from_itself_is_said() -> None:
    counter = itertools.count()
    machine = Machine(lambda given: {"checksums": ({"rows": next(counter), "hash": "", "floats": []},)})
    outcome = search(machine)
    assert "other results each time" in outcome.notes[0]


def test_what_fails_is_rejected() -> None:
    outcome = search(Machine(lambda given: {"error": "no room\nmore"} if "row_group_size" in given else {}))
    assert set(verdicts(outcome, "row_group_size").values()) == {"rejected"}
    assert any(choice.reason == "it fails: no room" for choice in outcome.choices)


def test_a_busy_machine_counts_the_busiest_thread() -> None:
    """The clock shows nothing there, and the processor time of all threads does not either."""

    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**parallel(given), "wall": 1.0}

    outcome = search(Machine(effect, noise=0.3, busy=2.0))
    assert outcome.metric == "span"
    assert "busy" in outcome.metric_reason
    assert list(outcome.chosen) == ["row_group_size"]
    assert recommendation(outcome).rows()[0].confidence == "medium"


def test_a_busy_machine_that_tells_nothing_of_threads_invents_no_gain() -> None:
    found = [search(Machine(noise=0.3, busy=2.0, spans=False, seed=seed)) for seed in range(30)]
    assert {outcome.metric for outcome in found} == {"wall"}
    assert sum(bool(outcome.chosen) for outcome in found) <= 1


def test_throughput_is_processor_time_and_does_not_see_threads() -> None:
    outcome = search(Machine(parallel), objective="throughput")
    assert outcome.metric == "cpu"
    assert outcome.chosen == {}


def test_levers_are_combined_as_long_as_they_help_together() -> None:
    about = facts(cpus=4, threads="8")

    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        threads, groups = given.get("threads", 8), "row_group_size" in given
        return {"wall": (0.8 if threads == 4 else 1.0) * (0.6 if groups else 1.0)}

    outcome = search(Machine(effect), about)
    assert outcome.chosen["threads"] == 4
    assert "row_group_size" in outcome.chosen
    assert outcome.confirmation is not None
    assert outcome.confirmation.ratio == pytest.approx(0.48, rel=0.05)

    def conflict(given: Mapping[str, Any]) -> Mapping[str, Any]:
        threads, groups = given.get("threads") == 4, "row_group_size" in given
        return {"wall": 1.2 if threads and groups else 0.7 if groups else 0.8 if threads else 1.0}

    outcome = search(Machine(conflict), about)
    assert list(outcome.chosen) == ["row_group_size"]
    assert any("not together" in note for note in outcome.notes)


def test_what_may_be_lost_is_chosen_only_with_the_callers_word() -> None:
    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"wall": 0.6} if given.get("storage") == "memory" else {}

    assert search(Machine(effect)).chosen == {}
    assert verdicts(search(Machine(effect)), "storage")["memory"] == "advice"
    assert search(Machine(effect), disposable=True).chosen == {"storage": "memory"}


@pytest.mark.parametrize("knee", [70, 150, 300])
def test_the_spill_knee_is_found(knee: int) -> None:
    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        limit = int(given["memory_limit"].removesuffix("MiB")) if "memory_limit" in given else 8192
        if limit < 40:
            return {"error": "Out of Memory", "memory": True}
        return {} if limit >= knee else {"spilled": 100 << 20, "wall": 1.5, "peak": 0.5}

    outcome = search(Machine(effect))
    assert outcome.knee is not None
    assert outcome.knee.exact
    assert knee <= outcome.knee.limit >> 20 <= knee * 1.3
    assert [point.free for point in outcome.knee.points] == sorted(point.free for point in outcome.knee.points)
    assert "below it the workload spills" in str(recommendation(outcome))


def test_a_workload_that_fits_everywhere_has_no_knee() -> None:
    outcome = search(Machine())
    assert outcome.knee is not None
    assert not outcome.knee.exact
    assert len(outcome.knee.points) == 2


def test_less_memory_may_cost_a_quarter_more_time() -> None:
    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        if given.get("threads") == 1:
            return {"wall": 2.0, "span": 2.0, "peak": 0.3}
        limit = int(given["memory_limit"].removesuffix("MiB")) if "memory_limit" in given else 8192
        if limit < 100:
            return {"wall": 1.6, "peak": 0.4, "spilled": 1}
        return {"wall": 1.1, "peak": 0.6, "spilled": 1} if limit < 300 else {}

    outcome = search(Machine(effect), objective="memory")
    assert verdicts(outcome, "threads") == {1: "rejected"}
    assert list(outcome.chosen) == ["memory_limit"]
    assert outcome.confirmation is not None
    assert outcome.confirmation.ratio == pytest.approx(0.6, rel=0.05)


def test_order_is_given_up_only_where_memory_runs_out() -> None:
    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {} if given.get("preserve_insertion_order") is False else {"error": "Out of Memory", "memory": True}

    machine = Machine(effect)
    outcome = search(machine)
    assert outcome.chosen == {"preserve_insertion_order": False}
    assert recommendation(outcome).sql().count("SET preserve_insertion_order = false;") == 1
    assert Recommendation.from_json(recommendation(outcome).to_json()).settings == outcome.chosen
    with pytest.raises(TuningError, match="runs with the default settings, got: no such table"):
        search(Machine(lambda given: {"error": "no such table"}))


def test_large_data_is_screened_on_a_sample_and_confirmed_whole() -> None:
    machine = Machine(lambda given: {"wall": 0.5} if given.get("threads") == 4 else {}, seconds=12.0)

    def slow(given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"wall": 5.0 if given.get("threads") == 4 else 10.0, "cpu": 10.0, "span": 10.0}

    machine.effect = slow
    outcome = search(machine, facts(rows=5_000_000, groups=41, cpus=4), budget=180.0)
    assert {trial.every for trial in outcome.trials if trial.purpose == "screen"} == {3}
    assert outcome.chosen == {"threads": 4}
    assert outcome.confirmation is not None
    assert outcome.confirmation.every == 1
    assert sum(trial.seconds for trial in outcome.trials) <= 180


# ---- ends ------------------------------------------------------------------------------------------------------------


def test_interrupted_at_any_trial_what_was_measured_stays(tmp_path: Path) -> None:
    whole = len(search(Machine(parallel)).trials)
    for number in range(2, whole + 1):
        outcome = search(Machine(parallel, stop_at=number))
        assert outcome.interrupted
        assert not outcome.complete
        assert outcome.chosen == {}
        assert len(outcome.trials) == number - 1
        found = recommendation(outcome)
        assert "INCOMPLETE" in str(found)
        paths = found.write(tmp_path / str(number))
        assert json.loads(paths[1].read_text())["complete"] is False
        assert "(incomplete)" in paths[2].read_text()
    with pytest.raises(KeyboardInterrupt):
        search(Machine(stop_at=1))


@pytest.mark.parametrize("limit", [{"budget": 12.5}, {"most": 12}])
def test_budget_and_number_of_trials_hold(limit: dict[str, Any]) -> None:
    outcome = search(Machine(parallel), **limit)
    assert len(outcome.trials) <= 25
    assert sum(trial.seconds for trial in outcome.trials) <= limit.get("budget", 12)
    assert not outcome.complete or outcome.confirmation is not None
    assert not outcome.interrupted


def test_the_budget_is_kept_for_a_confirmation() -> None:
    outcome = search(Machine(parallel), budget=26.0)
    assert list(outcome.chosen) == ["row_group_size"]
    assert any(
        "not tried" in choice.reason or "was not searched" in note
        for choice in outcome.choices
        for note in outcome.notes
    )


def test_a_budget_below_one_run_is_an_error() -> None:
    with pytest.raises(TuningError, match="expected a budget for 5 runs, got 0 s"):
        search(Machine(lambda given: {"error": "stopped after 0 s"}), budget=0.5)


def test_the_same_trials_and_seed_give_the_same_search() -> None:
    for machine in (Machine(parallel), Machine(noise=0.2, busy=2.0), Machine(parallel, noise=0.1, seed=5)):
        first = search(machine, seed=3, everything=True)
        again = search(Recorded(first.trials), seed=3, everything=True)
        assert again == first
        stored = Recommendation.from_json(recommendation(first).to_json()).outcome.trials
        assert search(Recorded(stored), seed=3, everything=True) == first
    with pytest.raises(TuningError, match="expected trial 1 of the record"):
        Recorded(first.trials).run({"threads": 7}, "noise", 1, 1.0)
    with pytest.raises(TuningError, match="expected no trial after"):
        search(Recorded(first.trials[:3]), seed=3)


# ---- knobs -----------------------------------------------------------------------------------------------------------


def test_row_groups_are_tried_only_where_they_can_matter() -> None:
    def values(about: Facts) -> tuple[Any, ...]:
        (found,) = (knob.values for knob in knobs(about, WORKLOAD) if knob.name == "row_group_size")
        return found

    assert values(facts()) == (14_336, 28_672)
    assert values(facts(groups=3)) == (14_336, 28_672)
    assert values(facts(groups=4)) == ()
    assert values(facts(rows=10_000)) == ()
    assert values(facts(rows=3_000_000, groups=25)) == ()
    assert values(facts(rows=1_000_000, groups=400)) == (122_880,)
    assert values(facts(rows=0)) == ()
    assert values(replace(facts(), disk_free=1)) == ()
    assert values(replace(facts(), tables=())) == ()


def test_a_file_with_small_groups_is_opened_so_before_it_is_written_anew() -> None:
    """As DuckDB 2.0 has it: how many threads read a table is decided by the size that ATTACH says."""

    def effect(given: Mapping[str, Any]) -> Mapping[str, Any]:
        many = {"attach_row_group_size", "row_group_size"} & set(given)
        return {"wall": 0.52} if many and given.get("threads", 2) > 1 else {}

    for groups in (3, 7):
        outcome = search(Machine(effect), facts(groups=groups))
        size = -(-100_000 // groups // 2048) * 2048
        assert outcome.chosen == {"attach_row_group_size": size}
        assert f"ATTACH 'chat.duckdb' AS \"chat\" (ROW_GROUP_SIZE {size});" in recommendation(outcome).sql()
        assert outcome.notes == ()
    names = [knob.name for knob in knobs(facts(groups=1), WORKLOAD)]
    assert "attach_row_group_size" not in names
    assert "attach_row_group_size" not in [knob.name for knob in knobs(facts(rows=300_000, groups=20), WORKLOAD)]


def test_three_knobs_that_change_nothing_end_the_screening() -> None:
    machine = Machine()
    outcome = search(machine, facts(cpus=4))
    assert sum("not tried" in choice.reason for choice in outcome.choices) == 0
    tried = search(Machine(), facts(cpus=4, enable_fsst_vectors="false"), everything=True)
    assert verdicts(tried, "enable_fsst_vectors") == {"true": "default"}


def test_folklore_is_what_this_duckdb_lists() -> None:
    found = {knob.name: knob for knob in folklore(facts(pin_threads="auto", enable_object_cache="true"))}
    assert found["pin_threads"].values == ("on",)
    assert found["enable_object_cache"].reason == "it is so by default"
    assert found["read_ahead_depth"].reason == "not a setting of DuckDB 2.0.0"
    with duckdb.connect() as con:
        listed = dict(con.execute("SELECT name, value FROM duckdb_settings()").fetchall())
        for knob in folklore(replace(facts(), settings=listed)):
            for value in knob.values:
                con.execute(f"SET {knob.name} = '{value}'")


def test_safety_is_never_tried() -> None:
    machine = Machine()
    search(
        machine,
        replace(facts(), settings={**facts().settings, **dict.fromkeys(ALWAYS_LEFT, "x")}),
        everything=True,
        disposable=True,
    )
    assert not {name for given in machine.seen for name in given} & set(ALWAYS_LEFT)
    assert not SETTINGS & set(ALWAYS_LEFT)


def test_limits_of_the_process_are_set_where_duckdb_does_not_see_them() -> None:
    small = Resources(1, GIB, GIB, (Limit(1, "a quota"),), (Limit(GIB, "a group"),))
    found = recommendation(search(Machine(), replace(facts(), resources=small)))
    assert found.settings == {"memory_limit": "512MiB", "threads": 1}
    with duckdb.connect() as con:
        assert len(found.apply(con).done) == 2
        assert con.execute("SELECT current_setting('threads')").fetchall() == [(1,)]


# ---- statistics ------------------------------------------------------------------------------------------------------


def test_intervals() -> None:
    assert band([1.0, 1.1, 0.9]) == pytest.approx(0.1)
    assert band([1.0]) == 0.02
    assert interval([0.5, 0.5, 0.5], 0) == (0.5, 0.5)
    assert interval([0.4, 0.5, 0.6, 0.5, 0.5], 7) == interval([0.4, 0.5, 0.6, 0.5, 0.5], 7)
    low, high = interval([0.4, 0.5, 0.6], 7)
    wide_low, wide_high = interval([0.4, 0.5, 0.6], 7, 0.1)
    assert 0.4 <= low <= 0.5 <= high <= 0.6
    assert wide_low < low < high < wide_high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    source, covered, rounds = random.Random(5), 0, 300
    for number in range(rounds):
        low, high = interval([source.lognormvariate(math.log(0.8), 0.1) for _ in range(9)], number)
        covered += low <= 0.8 <= high
    assert covered / rounds > 0.9


def test_results_are_compared_with_a_tolerance_for_sums_of_floats() -> None:
    def one(**change: Any) -> list[dict[str, Any]]:
        return [{"rows": 3, "hash": "1/2", "floats": [3, 6.0, 700.0], "order": "5", **change}]

    assert differs(one(), one()) is None
    assert differs(one(floats=[3, 6.0 + 1e-10, 700.0 - 1e-8]), one()) is None
    assert differs(one(floats=[3, 6.1, 700.0]), one()) == "numbers of result 1 are others"
    assert differs(one(floats=[2, 6.0, 700.0]), one()) == "numbers of result 1 are others"
    assert differs(one(hash="2/2"), one()) == "the rows of result 1 are others"
    assert differs(one(order="6"), one()) == "the rows of result 1 come in another order"
    assert differs([], one()) == "0 results instead of 1"


# ---- the workload ----------------------------------------------------------------------------------------------------


def test_what_the_rows_are_ordered_by() -> None:
    found = parse(
        "SELECT a AS k, b FROM t ORDER BY k, 2; SELECT a FROM t; SELECT a FROM t ORDER BY a + 1; FROM t ORDER BY ALL"
    ).statements
    assert [(one.order, one.order_columns) for one in found] == [
        (True, ("k", 2)),
        (False, ()),
        (True, ()),
        (True, ()),
    ]


def test_files_of_a_copy_go_elsewhere() -> None:
    (one,) = parse(
        "COPY (SELECT 'to' AS \"to\", {'a': 1} AS s) /* to 'x' */ TO '/data/o''ut.parquet' (FORMAT parquet)"
    ).statements
    assert one.target == "o'ut.parquet"
    assert one.sql.format("'here'").endswith("TO 'here' (FORMAT parquet)")
    assert "{'a': 1}" in one.sql.format("'here'")
    (one,) = parse("COPY t FROM 'in.csv'").statements
    assert one.target is None


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "expected SQL"),
        ("", "at least one statement"),
        ("BEGIN; COMMIT", "at least one statement"),
        ("ATTACH 'other.duckdb' AS o; SELECT 1", "READ_ONLY"),
        ("ATTACH 'other.duckdb' AS o (READ_ONLY false); SELECT 1", "READ_ONLY"),
        ("EXPORT DATABASE 'folder'", "got EXPORT"),
        ("SET threads = 1; SELECT 1", "leaves threads alone"),
        ("PRAGMA memory_limit='1GB'; SELECT 1", "leaves memory_limit alone"),
    ],
)
def test_workloads_that_are_refused(sql: str, message: str) -> None:
    with pytest.raises(TuningError, match=message):
        parse(sql, SETTINGS)


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="objective"):
        tune(tmp_path, "SELECT 1", objective="speed")
    with pytest.raises(TuningError, match="budget above 0"):
        tune(tmp_path, "SELECT 1", budget=0)
    with pytest.raises(TuningError, match="file of a DuckDB database"):
        tune(tmp_path / "none.duckdb", "SELECT 1")
    (tmp_path / "text.duckdb").write_text("no database" * 1000)
    with pytest.raises(TuningError, match="can be opened read-only"):
        tune(tmp_path / "text.duckdb", "SELECT 1")
    with pytest.raises(TuningError, match="recommendation as to_json"):
        Recommendation.from_json("{}")


# ---- real trials -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real trials with as few passes as there may be."""
    monkeypatch.setattr(trials, "_PASSES_SECONDS", 0.01)
    monkeypatch.setattr(trials, "_PASSES_MIN", 1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "chat.duckdb"
    with streamliner_udf.connect(path) as con:
        con.execute(
            "CREATE TABLE messages AS "
            "SELECT i, 'mail n' || i || '@example.org' AS text, i / 7 AS share FROM range(40000) t(i)"
        )
    return path


@pytest.fixture
def measured(database: Path, tmp_path: Path) -> Callable[..., Trial]:
    """Runs one configuration of a workload for real."""
    folder = tmp_path / "measured"
    folder.mkdir()

    def run(sql: str, configuration: Mapping[str, Any], every: int = 1) -> Trial:
        runner = Processes(database, "chat", parse(sql), folder)
        return runner.run(configuration, "test", every, 60.0)

    return run


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_end_to_end(database: Path, tmp_path: Path) -> None:
    before, folder = digest(database), tmp_path / "scratch"
    folder.mkdir()
    seen: list[tuple[int, int, str]] = []
    sql = "SELECT i, sl_scrub_pii(text) AS t, avg(share) OVER (PARTITION BY i % 10) FROM messages ORDER BY i"
    found = tune(database, sql, trials=13, folder=folder, progress=lambda *given: seen.append(given))
    assert digest(database) == before
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chat.duckdb", "scratch"]
    assert 5 <= len(found.outcome.trials) <= 13
    assert len(seen) >= len(found.outcome.trials)
    for trial in found.outcome.trials:
        assert trial.error is None
        assert 0 < trial.wall < trial.seconds
        assert trial.cpu > 0
        assert (trial.database_bytes > 0) == (trial.configuration.get("storage") != "memory")
        assert differs(trial.checksums, found.outcome.trials[0].checksums) is None
        assert trial.checksums[0]["rows"] == 40_000
        assert trial.checksums[0]["order"]
    assert any("row_group_size" in trial.configuration for trial in found.outcome.trials)
    again = Recommendation.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    assert json.loads(found.to_json())["facts"]["tables"] == [
        {"schema": "main", "name": "messages", "rows": 40_000, "groups": 1}
    ]
    ElementTree.fromstring(found.svg())
    forced = replace(again, outcome=replace(again.outcome, chosen={"threads": 1, "row_group_size": 8192}))
    checked = verify(forced, database, sql, pairs=2)
    assert checked.pairs == 2
    assert checked.verdict in ("faster", "no difference", "worse")
    assert checked.changed == ()
    assert (
        verify(replace(again, outcome=replace(again.outcome, chosen={})), database, sql).verdict == "nothing to verify"
    )


def test_the_statements_of_a_recommendation_run(database: Path) -> None:
    choice = search(Machine(parallel)).choices
    outcome = replace(search(Machine(parallel)), choices=choice)
    found = replace(recommendation(outcome), database=str(database))
    with streamliner_udf.connect() as con:
        con.execute(found.sql())
        groups = con.execute("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('messages')").fetchall()
        assert groups == [(3,)]
        assert con.execute("SELECT count(*) FROM chat.messages").fetchall() == [(40_000,)]
        applied = found.apply(con)
    assert applied.done == ()
    assert [name for name, _ in applied.left] == ["row_group_size"]
    assert "write the database anew" in str(applied)


def test_results_of_configurations_are_told_apart(measured: Callable[..., Trial]) -> None:
    usual = measured("SELECT text FROM messages ORDER BY i", {})
    turned = measured("SELECT text FROM messages ORDER BY i", {"default_order": "DESC"})
    assert differs(turned.checksums, usual.checksums) == "the rows of result 1 come in another order"
    same = measured("SELECT text FROM messages ORDER BY i", {"row_group_size": 8192, "threads": 1})
    assert differs(same.checksums, usual.checksums) is None
    division = "SELECT i / 2 AS half FROM messages"
    numbers = differs(measured(division, {"integer_division": True}).checksums, measured(division, {}).checksums)
    assert numbers is not None
    fails = measured("SELECT * FROM messages", {"no_such_setting": 1})
    assert fails.error is not None
    assert "no_such_setting" in fails.error


def test_a_workload_that_writes_has_a_copy(
    measured: Callable[..., Trial], database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = digest(database)
    sql = (
        "CREATE TABLE clean AS SELECT i FROM messages; DELETE FROM messages WHERE i < 10; "
        "COPY clean TO 'clean.parquet'; DESCRIBE clean"
    )
    found = measured(sql, {"row_group_size": 8192})
    assert found.error is None
    assert [one["rows"] for one in found.checksums] == [1, 40_000, 39_990, 40_000]
    assert found.output_bytes > 0
    assert digest(database) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chat.duckdb", "measured"]
    in_memory = measured(sql, {"storage": "memory"})
    assert differs(in_memory.checksums, found.checksums) is None
    assert measured(sql, {"storage": "uncompressed"}).database_bytes > found.database_bytes


def test_spilling_and_want_of_memory_are_seen(measured: Callable[..., Trial]) -> None:
    sql = "SELECT i, repeat(md5(i::VARCHAR), 8) AS s FROM range(300000) t(i) ORDER BY s"
    assert measured(sql, {}).spilled == 0
    assert measured(sql, {"memory_limit": "60MiB", "threads": 1}).spilled > 0
    short = measured(sql, {"memory_limit": "3MiB"})
    assert short.memory
    assert short.error is not None


def test_a_sample_keeps_blocks_of_rows(measured: Callable[..., Trial], database: Path) -> None:
    with duckdb.connect(str(database)) as con:
        con.execute("CREATE TABLE many AS SELECT i FROM range(81920) t(i)")
    found = measured("SELECT i FROM many; SELECT i FROM messages", {}, every=4)
    assert [one["rows"] for one in found.checksums] == [81_920 // 4, 40_000]


@pytest.mark.parametrize("where", ["memory", "file"])
def test_a_connection_is_copied_and_left_as_it_was(where: str, tmp_path: Path) -> None:
    with duckdb.connect(":memory:" if where == "memory" else str(tmp_path / "live.duckdb")) as con:
        con.execute("CREATE TABLE messages AS SELECT i FROM range(1000) t(i)")
        pending = con.execute("SELECT 5")
        found = tune(con, "SELECT count(*) FROM messages", trials=6)
        assert pending.fetchall() == [(5,)]
        databases = {row[0] for row in con.execute("SELECT database_name FROM duckdb_databases()").fetchall()}
        assert databases == {"system", "temp", "memory" if where == "memory" else "live"}
        con.execute("INSERT INTO messages VALUES (1)")
    assert found.outcome.trials[0].checksums[0]["rows"] == 1
    assert json.loads(found.to_json())["facts"]["tables"][0]["rows"] == 1000


def test_inputs_are_read_as_arrow(database: Path, tmp_path: Path) -> None:
    export = tmp_path / "chat.txt"
    export.write_text("".join(f"05/03/2024, 09:{i % 60:02} - Ana: hi {i}\n" for i in range(3000)))
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"n": list(range(5000))})
    sql = "SELECT count(*), max(text) FROM rows; SELECT sum(n) FROM numbers"
    found = tune(database, sql, inputs={"rows": export, "numbers": table}, trials=8)
    batches = [
        trial.configuration["batch_rows"] for trial in found.outcome.trials if "batch_rows" in trial.configuration
    ]
    assert batches
    assert len({json.dumps(trial.checksums) for trial in found.outcome.trials}) == 1
    with pytest.raises(TuningError, match="to be the file of an export"):
        tune(database, sql, inputs={"rows": tmp_path / "none.txt"})
    with pytest.raises(TuningError, match="__arrow_c_stream__"):
        tune(database, sql, inputs={"rows": 5})


def test_a_trial_ends_with_its_parent(database: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from streamliner_udf.tuning.trials import Processes; "
        "from streamliner_udf.tuning.workload import parse; import tempfile; "
        "sql = 'SELECT count(*) FROM range(10000000000) a, range(1000000) b WHERE hash(a.range, b.range) = 1'; "
        "print('on', flush=True); "
        f"folder = Path(tempfile.mkdtemp(dir={str(database.parent)!r})); "
        f"Processes(Path({str(database)!r}), 'chat', parse(sql), folder).run({{}}, '', 1, 600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        child = ""
        while not child:
            listed = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
            if not listed.exists():
                parent.kill()
                pytest.skip("needs /proc")
            child = listed.read_text().strip()
        parent.kill()
    for _ in range(200):
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.1)"], check=True)
    pytest.fail("the trial outlived its parent")


# ---- command line and picture ----------------------------------------------------------------------------------------


def test_command_line(database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = tmp_path / "pipeline.sql"
    sql.write_text("SELECT max(text) FROM messages")
    out = tmp_path / "tuned"
    assert cli.main(["tune", str(database), str(sql), "--trials", "6", "--out", str(out), "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["workload"] == "SELECT max(text) FROM messages"
    assert sorted(path.name for path in out.iterdir()) == [f"recommendation.{end}" for end in ("json", "sql", "svg")]
    stored = out / "recommendation.json"
    assert cli.main(["tune", "--verify", str(stored), str(database), str(sql)]) == 0
    assert "nothing to verify" in capsys.readouterr().out
    assert cli.main(["tune", str(tmp_path / "none.duckdb"), "SELECT 1"]) == 1
    assert "expected the file of a DuckDB database" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        cli.main(["tune", str(database), "SELECT 1", "--budget", "-1"])
    assert wrong.value.code == 2


def test_interrupted_on_the_command_line(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, count = Processes.run, itertools.count(1)

    def run(self: Processes, *given: Any) -> Trial:
        if next(count) == 4:
            raise KeyboardInterrupt
        return original(self, *given)

    monkeypatch.setattr(Processes, "run", run)
    assert cli.main(["tune", str(database), "SELECT max(text) FROM messages", "--out", str(tmp_path / "o")]) == 1
    assert "interrupted: what was measured until then is here" in capsys.readouterr().out
    given = json.loads((tmp_path / "o" / "recommendation.json").read_text())
    assert given["complete"] is False
    assert len(given["search"]["trials"]) == 3


def boxes(svg: str) -> tuple[list[tuple[float, float, float, float, str]], float, float]:
    """Where the texts of a picture stand, by a width that letters rarely have; and the size of the picture."""
    root = ElementTree.fromstring(svg)
    found = []
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        size = float(text.attrib["font-size"])
        width = len(text.text or "") * size * 0.56
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        x -= {"start": 0.0, "middle": width / 2, "end": width}[text.attrib["text-anchor"]]
        found.append((x, y - size, x + width, y + size * 0.2, text.text or ""))
    return found, float(root.attrib["width"]), float(root.attrib["height"])


@pytest.mark.parametrize(
    "machine",
    [
        Machine(parallel),
        Machine(),
        Machine(parallel, noise=0.3, busy=2.0),
        Machine(
            lambda given: {"spilled": 1, "wall": 9.0} if "memory_limit" in given else {"wall": 0.2} if given else {}
        ),
        Machine(lambda given: {"error": "no"} if given else {}),
        Machine(lambda given: {"wall": 8.0} if "threads" in given else {"wall": 1.02} if given else {}),
    ],
)
def test_labels_of_the_picture_do_not_overlap(machine: Machine) -> None:
    svg = recommendation(search(machine, everything=True)).svg()
    found, width, height = boxes(svg)
    assert len(found) > 5
    for left, top, right, bottom, text in found:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= width, text
        assert bottom <= height, text
    for one, other in itertools.combinations(found, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one[4], other[4])
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
