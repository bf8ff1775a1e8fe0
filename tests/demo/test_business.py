import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobruns.demo import business

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


def rows(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the whole business, table by table."""
    with closing(sqlite3.connect(file)) as database:
        return {table: sorted(database.execute(f"SELECT * FROM {table}")) for table in business.TIMES}


def test_days_of_business_are_there_from_the_start(tmp_path: Path) -> None:
    assert business.fill(tmp_path / "shop", NOW) > 5_000
    assert all(rows(tmp_path / "shop").values())


def test_the_same_minute_is_filled_once(tmp_path: Path) -> None:
    business.fill(tmp_path / "shop", NOW)
    before = rows(tmp_path / "shop")
    assert business.fill(tmp_path / "shop", NOW + timedelta(seconds=30)) == 0
    assert rows(tmp_path / "shop") == before


def test_a_pause_is_caught_up(tmp_path: Path) -> None:
    business.fill(tmp_path / "at once", NOW + timedelta(hours=3))
    business.fill(tmp_path / "in parts", NOW)
    business.fill(tmp_path / "in parts", NOW + timedelta(hours=3))
    assert rows(tmp_path / "in parts") == rows(tmp_path / "at once")


def test_what_is_older_than_six_days_is_forgotten(tmp_path: Path) -> None:
    business.fill(tmp_path / "shop", NOW)
    business.fill(tmp_path / "shop", NOW + timedelta(days=30))
    oldest = min(str(row[0]) for row in rows(tmp_path / "shop")["orders"])
    assert oldest >= "2026-03-28"


def test_trouble_comes_and_goes() -> None:
    day = [NOW + timedelta(minutes=number) for number in range(24 * 60)]
    for name in business.SPELLS:
        share = sum(business.in_spell(name, minute) for minute in day) / len(day)
        assert 0 < share < 0.2
