"""The demo's CSV files, read as its projects read them."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from jobruns.demo import business, exports, sample
from jobtypes.csv_import.config import ImportConfig
from jobtypes.csv_import.plan import FileRefused
from jobtypes.csv_import.reading import CsvFile, Reject, open_file

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    business.fill(tmp_path / "shop.sqlite3", NOON + 2 * MINUTE)
    exports.write(tmp_path, tmp_path / "shop.sqlite3", NOON)
    return tmp_path


def opened(file: Path, project: int) -> CsvFile:
    plan = ImportConfig.model_validate(sample.PROJECTS[project]["config"]).rule_for(file.name)
    assert plan is not None
    return open_file(BytesIO(file.read_bytes()), plan)


def counted(file: CsvFile) -> tuple[int, int]:
    """Return how many rows are good, and how many are refused."""
    rows = list(file)
    refused = sum(isinstance(one, Reject) for one in rows)
    return len(rows) - refused, refused


def test_the_orders_grow_and_then_have_a_column_more(root: Path) -> None:
    file = root / exports.SHOP / "TeaShop_orders.csv"
    first = opened(file, 0)
    good, refused = counted(first)
    exports.write(root, root / "shop.sqlite3", NOON + MINUTE)
    second = opened(file, 0)
    assert good > 1_000
    assert refused == 0
    assert second.header == (*first.header, "voucher")
    assert counted(second)[1] == 0


def test_of_the_stock_few_rows_are_nonsense(root: Path) -> None:
    file = opened(root / exports.SHOP / "stock_count.csv", 0)
    good, refused = counted(file)
    assert file.header == ("depot", "tea", "kilograms", "counted_on")
    assert good + refused == 25
    assert refused <= 1


def test_of_the_partners_one_file_is_good(root: Path) -> None:
    assert counted(opened(root / exports.PARTNERS / "couriers.csv", 1)) == (4, 0)
    assert counted(opened(root / exports.PARTNERS / "reviews.csv", 1)) == (3, 3)
    with pytest.raises(FileRefused, match="a semicolon: is that the delimiter"):
        opened(root / exports.PARTNERS / "price_list.csv", 1)


def test_what_a_visitor_mended_stays(root: Path) -> None:
    mended = root / exports.PARTNERS / "reviews.csv"
    mended.write_text("id,tea\n")
    exports.write(root, root / "shop.sqlite3", NOON + MINUTE)
    assert mended.read_text() == "id,tea\n"
