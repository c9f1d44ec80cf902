"""bench.json holds every figure with its median and its runs, and the table shows these medians."""

from rich.console import Console

from tests.bench import report

MACHINE = {"cpu": "Abacus 3000", "cores": 2, "commit": "0123456789abcdef", "dirty": True}


def run(bare: float, full: float, others: float = 0.1) -> dict[str, float]:
    return {
        "bare.decided_per_s": bare,
        "bare.others_share": others,
        "tenon.full.decided_per_s": full,
        "tenon.full.cpu_us.matcher": 30.0,
        "tenon.half.latency_p50_ms": 9.0,
        "tenon.half.latency_p99_ms": 30.0,
        "tenon.single.latency_p50_ms": 4.0,
    }


def test_a_ratio_is_taken_within_each_run_before_the_median() -> None:
    told = report.document([run(100, 50), run(10, 1), run(40, 10)], MACHINE, {})
    assert told["ratios_to_bare"]["tenon.full.decided_per_s"] == {"median": 0.25, "runs": [0.5, 0.1, 0.25]}
    assert told["figures"]["bare.decided_per_s"] == {"median": 40, "runs": [100, 10, 40]}


def test_the_machine_says_the_most_that_others_used() -> None:
    told = report.document([run(100, 50, others=0.1), run(100, 50, others=0.4)], MACHINE, {})
    assert told["machine"]["others_share"] == 0.4


def test_the_table_shows_figures_and_ratio_in_one_row() -> None:
    console = Console(width=120)
    with console.capture() as shown:
        console.print(report.line(report.document([run(40_000, 10_000)], MACHINE, {})))
    row = next(line for line in shown.get().splitlines() if "decided" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "events/s, decided",
        "40,000",
        "10,000",
        "0.250",
    ]


def test_the_table_says_that_the_commit_was_changed() -> None:
    console = Console(width=120)
    with console.capture() as shown:
        console.print(report.line(report.document([run(4, 1)], MACHINE, {})))
    assert "012345678 (changed)" in shown.get()


def test_more_processes_are_shown_beside_one() -> None:
    figures = {f"scale.matcher.{number}.per_s": 700.0 * number for number in (1, 2)}
    (table,) = report.tables(report.document([{**figures, "scale.others_share": 0.0}], MACHINE, {}))
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table)
    (row,) = [line for line in shown.get().splitlines() if "2 of matcher" in line]
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == ["2 of matcher", "1,400", "2.00"]


def test_each_part_is_compared_with_its_own_baseline() -> None:
    figures = {"bare.batches.accepted_per_s": 50.0, "ingest.batches.accepted_per_s": 20.0}
    figures |= {"bare.log.decided_per_s": 40.0, "market.1000.log.decided_per_s": 4.0, "x.others_share": 0.0}
    told = report.document([figures], MACHINE, {})
    assert {name: each["median"] for name, each in told["ratios_to_bare"].items()} == {
        "ingest.batches.accepted_per_s": 0.4,
        "market.1000.log.decided_per_s": 0.1,
    }


def test_only_what_was_measured_is_shown() -> None:
    figures = {"market.1000.log.decided_per_s": 4.0, "handover.join_s": 2.5, "x.others_share": 0.0}
    console = Console(width=120)
    with console.capture() as shown:
        for table in report.tables(report.document([figures], MACHINE, {})):
            console.print(table)
    assert "one market of 1,000 open" in shown.get()
    assert "2.50 s" in shown.get()
    assert "ingest" not in shown.get()
