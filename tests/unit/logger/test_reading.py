"""Files that were edited, cut or are none of ours are read as far as possible, in clear words."""

from pathlib import Path

import pytest

from wattbus_logger.reading import BadLog, Problems, read_rows
from wattbus_logger.timeline import newest_day, read_days


def lines_of(folder: Path) -> list[str]:
    return (folder / "battery_log.csv").read_text().splitlines()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda line: line.replace(",smart,", ",sm"), "37 cells instead of 38"),
        (lambda line: line.replace("2025-01-1", "20x5-01-1", 1), "Invalid isoformat"),
        (lambda line: line.replace(",0.000,", ",zero,", 1), "energy_register_wh = 'zero'"),
        (lambda line: line.replace(",0.000,", ",inf,", 1), "energy_register_wh = 'inf'"),
        (lambda line: line.replace("Z,", ",", 1), "has no zone"),
        (lambda line: "\0\0" + line[2:], "isoformat"),
    ],
)
def test_a_broken_row_is_told_by_its_number_and_left_out(
    course_folder: Path, damage: object, problem: str
) -> None:
    lines = lines_of(course_folder)
    lines[4] = damage(lines[4])  # type: ignore[operator]  # one of the functions above
    path = course_folder / "battery_log.csv"
    path.write_text("\n".join(lines) + "\n")
    problems = Problems()

    rows = list(read_rows(path, problems))

    assert len(rows) == len(lines) - 2
    (told,) = problems.lines()
    assert told.startswith("battery_log.csv row 5 left out: ")
    assert problem in told


def test_many_broken_rows_are_counted_not_listed(course_folder: Path) -> None:
    path = course_folder / "battery_log.csv"
    path.write_text(lines_of(course_folder)[0] + "\n" + "garbage\n" * 50)
    problems = Problems()

    assert list(read_rows(path, problems)) == []
    assert len(problems.lines()) == 6
    assert problems.lines()[-1] == "and 45 more rows left out"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("time,soc\n20:00,55\n", "its header lacks at, local_time, station"),
    ],
)
def test_a_file_that_is_no_log_is_refused_by_name(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "battery_log.csv"
    path.write_text(content)

    with pytest.raises(BadLog, match=reason):
        list(read_rows(path, Problems()))


def test_a_folder_without_rows_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadLog, match="nothing has been recorded yet"):
        newest_day(tmp_path)


def test_columns_may_be_missing_or_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "battery_log.csv"
    path.write_text(
        "station,at,power_w,energy_register_wh,local_time,extra\n"
        "car1,2025-01-15T00:00:00Z,7400,1.5,2025-01-15 01:00:00,x\n"
    )

    (row,) = read_rows(path, Problems())

    assert (row.station, row.power_w, row.energy_register_wh) == ("car1", 7400.0, 1.5)
    assert row.soc_percent is None


def test_months_of_files_are_not_read_for_one_day(
    course_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files of other days only head and tail are looked at."""
    text = (course_folder / "battery_log.csv").read_text()
    for day in range(1, 29):
        older = text.replace("2025-01-15", f"2024-11-{day:02}").replace("2025-01-14", "2024-10-31")
        older = older.replace("2025-01-16", f"2024-11-{day:02}")
        (course_folder / f"battery_log.2024-11-{day:02}.csv").write_text(older)
    read: list[int] = []
    from wattbus_logger import timeline  # noqa: PLC0415 - to see which files are read

    real = timeline.read_rows

    def counted(path: Path, problems: Problems, stations: frozenset[str] | None = None) -> object:
        for row in real(path, problems, stations):
            read.append(1)
            yield row

    monkeypatch.setattr(timeline, "read_rows", counted)
    day = newest_day(course_folder)

    timelines = read_days(course_folder, day, day, Problems())

    assert len(timelines["car1"]) > 300
    assert len(read) < len(text.splitlines()) + 2 * 60
