"""The scale report: fits of series whose law is known, the corpus, a whole run, and what is made of failures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streamliner_udf import cli, parse_whatsapp, scale
from streamliner_udf.scale.analysis import TOTAL, analyse, size_bytes
from streamliner_udf.scale.corpus import chat_messages, make_chats
from streamliner_udf.scale.fit import fit_power, fit_threads
from streamliner_udf.scale.pipeline import FUNCTIONS, STEPS
from streamliner_udf.scale.trials import Plan, Trial, plan_trials, run_trial, thread_counts

SIZES = [100_000, 300_000, 1_000_000, 3_000_000]
# Relative errors of three repeats, the same at every size; their mean is 0.
NOISE = (-0.02, 0.005, 0.015)
GIGABYTE = 10**9


# ---- fits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("constant", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.13, 1.5, 2.0])
def test_the_law_of_an_exact_series_is_found(constant: float, exponent: float) -> None:
    found = fit_power(SIZES, [constant + 1.7 * (n / 1e5) ** exponent for n in SIZES])
    assert found is not None
    assert found.exponent == pytest.approx(exponent, abs=0.002)
    assert found.constant == pytest.approx(constant, abs=0.01)
    assert found.at(10_000_000) == pytest.approx(constant + 1.7 * 100**exponent, rel=0.01)


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.2])
def test_the_interval_holds_the_exponent_and_narrows_with_the_noise(exponent: float) -> None:
    sizes = [n for n in SIZES for _ in NOISE]
    widths = []
    for loud in (1, 3):
        values = [2 * (n / 1e5) ** exponent * (1 + loud * error) for n in SIZES for error in NOISE]
        found = fit_power(sizes, values)
        assert found is not None
        assert found.low < exponent < found.high
        low, high = found.between(10_000_000)
        assert low < 2 * 100**exponent < high
        widths.append(found.high - found.low)
    assert 0.002 < widths[0] < widths[1] < 0.5


def test_a_fit_is_the_same_every_time() -> None:
    values = [1.1, 2.9, 10.4, 30.2]
    assert fit_power(SIZES, values) == fit_power(SIZES, values)


def test_what_does_not_grow_has_exponent_0() -> None:
    found = fit_power(SIZES, [5.0, 5.0, 5.0, 5.0])
    assert found is not None
    assert found.exponent == 0
    assert found.at(10**9) == pytest.approx(5)


def test_a_fixed_cost_is_no_exponent_below_1() -> None:
    """A straight line through the logarithms of these would have a slope of 0.6."""
    found = fit_power(SIZES, [1 + n / 1e6 for n in SIZES])
    assert found is not None
    assert found.exponent == pytest.approx(1, abs=0.002)


def test_volumes_within_the_noise_are_left_out() -> None:
    assert fit_power(SIZES, [0.5, 0.5, 3.0, 9.0], least=1.0) is None
    assert fit_power(SIZES[:2], [1.0, 2.0]) is None
    found = fit_power(SIZES, [0.9, 3.0, 10.0, 30.0], least=1.0)
    assert found is not None
    assert found.exponent == pytest.approx(1, abs=0.002)


def test_threads_follow_amdahl_and_the_universal_law() -> None:
    counts = [1, 2, 4, 8, 16]
    usl = [n / (1 + 0.05 * (n - 1) + 0.002 * n * (n - 1)) for n in counts]
    found = fit_threads(counts, usl)
    assert found is not None
    assert found.contention == pytest.approx(0.05)
    assert found.coherence == pytest.approx(0.002)
    assert found.best == pytest.approx((0.95 / 0.002) ** 0.5)
    amdahl = fit_threads(counts[:3], [n / (1 + 0.2 * (n - 1)) for n in counts[:3]])
    assert amdahl is not None
    assert amdahl.contention == pytest.approx(0.2)
    assert (amdahl.coherence, amdahl.best) == (0.0, None)
    assert fit_threads([1, 2], [1.0, 1.9]) is None
    better = fit_threads(counts, [1.1 * n for n in counts])  # more than once a thread: no contention below 0
    assert better is not None
    assert (better.contention, better.coherence) == (0.0, 0.0)


# ---- corpus ----------------------------------------------------------------------------------------------------------


def test_more_volume_is_other_content_with_the_same_share_of_duplicates(tmp_path: Path) -> None:
    chats = [parse_whatsapp("".join(chat_messages(number, 3_000, 7))) for number in range(4)]
    assert [len(chat) for chat in chats] == [3_000] * 4  # nothing runs into the message before it
    texts = [[row["text"] for row in chat] for chat in chats]
    shares = [len(set(text)) / len(text) for text in texts]
    assert 0.7 < min(shares) <= max(shares) < 0.9
    assert max(shares) - min(shares) < 0.03
    long = [{text for text in chat if len(text) > 40} for chat in texts]
    assert len(long[0]) > 500
    assert len(long[0] & long[1]) <= 3  # what the app says is the same in all chats
    assert chats[0][-1]["ts"] != chats[1][-1]["ts"]
    assert len({chat[0]["ts"] for chat in chats}) == 4


def test_chats_are_the_same_whatever_writes_them(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    said: list[tuple[str, int, int]] = []
    alone = make_chats(tmp_path / "one", 500, 200, 3)
    several = make_chats(tmp_path / "two", 700, 200, 3, 2, lambda *state: said.append(state))
    assert [count for _, count, _ in alone] == [200, 200, 100]
    assert [count for _, count, _ in several] == [200, 200, 200, 100]
    for (first, _, size), (second, _, _) in zip(alone[:2], several[:2], strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert first.stat().st_size == size
    assert said


# ---- plans and analysis ----------------------------------------------------------------------------------------------


def test_repeats_are_furthest_apart_and_every_volume_has_both_limits() -> None:
    plans = list(plan_trials((1, 3, 10, 30), 2, "100MB", 4))
    assert plans[:3] == [Plan(1, 4, None, 0), Plan(1, 4, "100MB", 0), Plan(3, 4, None, 0)]
    assert plans[8:11] == [Plan(10, 1, None, 0), Plan(10, 2, None, 0), Plan(10, 3, None, 0)]
    assert plans[11] == Plan(1, 4, None, 1)
    assert thread_counts(1) == [1]
    assert thread_counts(2) == [1, 2]
    assert thread_counts(12) == [1, 2, 3, 4, 8, 12]


def made(
    scale: int,
    repeat: int,
    limit: str | None = None,
    threads: int = 2,
    bend: dict[str, float] | None = None,
    slow: float = 1,
) -> Trial:
    """A run in which every step takes a second for 100,000 messages, or more where it bends."""

    def figures(name: str) -> dict[str, Any]:
        cpu = scale ** (bend or {}).get(name, 1.0) * (1 + NOISE[repeat]) * slow
        spilled = 5_000_000 * scale if limit and scale > 3 else 0
        memory = 300_000_000 if limit else 200_000_000 + 10_000_000 * scale
        return {
            "name": name,
            "wall": cpu / threads,
            "cpu": cpu,
            "peak_memory": memory,
            "spilled": spilled,
            "written": 0,
        }

    return Trial(
        scale, threads, limit, repeat, 13_000_000 * scale,
        [figures(step.name) for step in STEPS], [figures(step.name) for step in FUNCTIONS],
        dict.fromkeys(("texts", "near_duplicates", "windows", "chunks"), 80_000 * scale) | {"rows": 100_000 * scale},
        {"clean": f"{scale}"}, 30_000_000 * scale, 5_000_000 * scale, 0.0, 0.0,
    )  # fmt: skip


def series(**changed: Any) -> list[Trial]:
    own = [made(scale, repeat, **changed) for repeat in range(3) for scale in (1, 3, 10, 30)]
    tight = [made(scale, repeat, "512MB", **changed) for repeat in range(3) for scale in (1, 3, 10, 30)]
    one = [made(10, repeat, threads=1, **changed) for repeat in range(3)]
    return [*own, *tight, *one]


OPTIONS = {"base": 100_000, "threads": 2, "memory_limit": "512MB"}
MACHINE = {"memory": 24 * GIGABYTE, "disk_free": 100 * GIGABYTE}


def test_linear_steps_fit() -> None:
    found = analyse(series(), OPTIONS, MACHINE)
    assert found.verdict == "fits"
    assert found.forecast is not None
    assert found.forecast.messages == 10_000_000
    assert found.forecast.wall == pytest.approx(len(STEPS) * 100 / 2, rel=0.05)
    assert found.forecast.wall_low < len(STEPS) * 100 / 2 < found.forecast.wall_high
    assert found.speedups[TOTAL] == {1: 1.0, 2: pytest.approx(2)}
    assert found.threads_fit is None
    for one in (*found.steps, *found.functions):
        assert one.cpu_fit is not None
        assert one.cpu_fit.exponent == pytest.approx(1, abs=0.03)
    line = found.total.last
    assert line.messages == 3_000_000
    assert line.rows_per_second == pytest.approx(3_000_000 / (7 * 15), rel=0.02)
    assert line.megabytes_per_second == pytest.approx(390 / (7 * 15), rel=0.02)
    assert line.busy == pytest.approx(2)
    assert sum(one.last.share for one in found.steps) == pytest.approx(1)
    assert not [finding for finding in found.findings if finding.good is False]
    assert any("too few to fit" in finding.text for finding in found.findings)


def test_a_step_that_bends_is_named_and_becomes_the_bottleneck() -> None:
    found = analyse(series(bend={"windows": 1.4}, slow=0.5), OPTIONS, MACHINE)
    assert found.verdict == "tune"
    assert "windows" in found.because
    text = " ".join(finding.text for finding in found.findings)
    assert "windows grows with exponent 1.40" in text
    assert "What grows most is windows, from 14 % to 30 %" in text
    assert "Extrapolated to 100x it is windows, 51 %" in text


def test_a_function_that_streams_is_held_to_a_narrower_bound() -> None:
    found = analyse(series(bend={"clean_text": 1.12, "export": 1.12}), OPTIONS, MACHINE)
    bad = [finding.text for finding in found.findings if finding.good is False]
    assert len(bad) == 2
    assert "clean_text grows with exponent 1.12" in bad[0]
    assert "export does 34 % fewer rows a second" in bad[1]


def test_hours_of_work_or_a_small_machine_are_to_be_distributed() -> None:
    found = analyse(series(slow=20), OPTIONS, MACHINE)
    assert (found.verdict, "117 minutes" in found.because) == ("distribute", True)
    small = analyse(series(), OPTIONS, MACHINE | {"memory": 250_000_000})
    assert (small.verdict, "of memory" in small.because) == ("distribute", True)
    full = analyse(series(), OPTIONS, MACHINE | {"disk_free": GIGABYTE})
    assert (full.verdict, "of disk" in full.because) == ("distribute", True)


def test_what_streams_may_fill_the_limit_and_no_more() -> None:
    def grown(most: int) -> list[str]:
        """Of runs in which `ingest` holds up to so many megabytes at the largest volume, a third of it at 10x."""
        trials = []
        for trial in series():
            steps = [dict(step) for step in trial.steps]
            if trial.memory_limit:
                steps[1]["peak_memory"] = most * 1_000_000 * trial.scale // 30
            trials.append(replace(trial, steps=steps))
        found = analyse(trials, OPTIONS, MACHINE).findings
        return [finding.text for finding in found if finding.good is False]

    assert grown(500) == []
    assert grown(900) == [
        "ingest streams, yet its memory grows 3.00 times from 10x to 30x, to 900 MB with memory_limit = 512MB."
    ]


def test_sizes_as_duckdb_writes_them() -> None:
    assert size_bytes("512MB") == 512_000_000
    assert size_bytes(" 1.5 GiB") == 1.5 * 2**30
    assert size_bytes("80%") is None


def test_a_busy_machine_is_said_with_the_verdict() -> None:
    busy = [replace(trial, others=0.9) for trial in series()]
    found = analyse(busy, OPTIONS, MACHINE)
    assert found.findings[-1].good is False
    assert "other processes kept 0.90 processors busy" in found.findings[-1].text
    assert found.because.endswith("The machine was not quiet meanwhile: measure again before you act on it.")
    stolen = [replace(trial, stolen=0.5) for trial in series()]
    assert "the host 0.50" in analyse(stolen, OPTIONS, MACHINE).findings[-1].text


def test_runs_that_differ_or_fail_are_said() -> None:
    trials = series()
    differing = [*trials[:5], replace(trials[5], checks={"clean": "other"}), *trials[6:]]
    found = analyse(differing, OPTIONS, MACHINE)
    assert found.findings[0].good is False
    assert found.findings[0].text == "Results differ between runs of one volume: clean at 3x."
    failed = [*trials, replace(made(30, 0, "512MB"), error="Out of Memory", memory=True, steps=())]
    again = analyse(failed, OPTIONS, MACHINE)
    assert again.verdict == "tune"
    assert again.failed == ("30x with 2 threads and 512MB: Out of Memory",)
    with pytest.raises(ValueError, match="expected runs that ended, got none"):
        analyse([replace(made(1, 0), error="no disk")], OPTIONS, MACHINE)


# ---- a whole run -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report() -> scale.ScaleReport:
    return scale.run(300, (1, 2, 4), repeats=1, threads=2, chat=200, memory_limit="400MB")


def test_a_run_measures_every_step_and_every_function(report: scale.ScaleReport) -> None:
    assert report.ok
    assert len(report.trials) == 3 * 2 + 1
    for trial in report.trials:
        assert trial.error is None
        assert [step["name"] for step in trial.steps] == [step.name for step in STEPS]
        assert [function["name"] for function in trial.functions] == [function.name for function in FUNCTIONS]
        assert trial.contents["rows"] == 300 * trial.scale
        assert 0 < trial.contents["texts"] < trial.contents["rows"]
        assert trial.contents["near_pairs"] > 0
        assert trial.contents["chunks"] > 0
        assert trial.database_bytes > 0
        for step in trial.steps:
            assert step["wall"] >= 0
            assert step["cpu"] >= 0
            assert step["peak_memory"] is None or step["peak_memory"] > 10_000_000
    assert sum(line.cpu for line in report.analysis.total.lines) > 0
    for checks in ({trial.checks["chunks"] for trial in report.trials if trial.scale == n} for n in (1, 2, 4)):
        assert len(checks) == 1


def test_a_report_comes_back_from_json(report: scale.ScaleReport) -> None:
    again = scale.ScaleReport.from_dict(json.loads(report.to_json()))
    assert again.to_json() == report.to_json()
    with pytest.raises(scale.ScaleError, match="expected a report of version 1, got 2"):
        scale.ScaleReport.from_dict({"version": 2})


def test_a_limit_that_is_too_tight_is_a_finding_and_no_failure(report: scale.ScaleReport, tmp_path: Path) -> None:
    files = make_chats(tmp_path, 200, 100, 7)
    trial = run_trial(Plan(1, 1, "1MB", 0), files, tmp_path / "trial")
    assert trial.memory
    assert trial.error is not None
    assert "Out of Memory" in trial.error
    assert not (tmp_path / "trial").exists()
    found = replace(report, trials=(*report.trials, trial))
    assert found.ok
    assert any(finding.text.startswith("A run did not end") for finding in found.analysis.findings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": 0}, "expected base to be a whole number above 0, got 0"),
        ({"scales": (1, 2)}, "expected scales to be three or more rising whole numbers"),
        ({"scales": (3, 2, 1)}, "expected scales to be three or more rising whole numbers"),
        ({"memory_limit": "much"}, "expected memory_limit to be a size like 512MB, got 'much'"),
        ({"threads": 0}, "expected threads to be a whole number above 0"),
        ({"base": 10**12, "chat": 10}, "expected the free disk space to be"),
    ],
)
def test_what_cannot_be_measured_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(scale.ScaleError, match=message):
        scale.run(**options)


def test_the_command_writes_a_report_and_shows_it_again(
    report: scale.ScaleReport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report.write(tmp_path / "first")
    first, second = tmp_path / "first" / "report.json", tmp_path / "second"
    assert cli.main(["scale", "--from", str(first), "--output", str(second)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"{report.analysis.verdict}: ")
    assert shown.err == ""
    for path in (tmp_path / "first").iterdir():
        assert (second / path.name).read_bytes() == path.read_bytes()
    assert cli.main(["scale", "--from", str(first), "--output", str(second), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == report.analysis.verdict


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as usage:
        cli.main(["scale", "--scales", "3,1"])
    assert usage.value.code == 2
    assert "expected three or more rising whole numbers like 1,3,10,30, got '3,1'" in capsys.readouterr().err
    other = tmp_path / "other.json"
    for content, message in (("[]", "expected"), ("{}", "expected a report of version 1, got None"), ("{", "")):
        other.write_text(content)
        assert cli.main(["scale", "--from", str(other), "--output", str(tmp_path)]) == 1
        assert message in capsys.readouterr().err
