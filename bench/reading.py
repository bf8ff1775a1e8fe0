"""How fast a CSV file is read, beside Python's own csv module over the same bytes in the same run."""

from __future__ import annotations

import csv
import io
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from jobtypes.csv_import.plan import FilePlan
from jobtypes.csv_import.raw import raw_blocks
from jobtypes.csv_import.reading import open_file

PLAIN = "{0},name {0},0.{1:07d},2026-01-0{2},NA,,x{2},some longer text here {0}\n"
QUOTED = '"{0}","name {0}","0.{1:07d}","2026-01-0{2}","NA","","x{2}","some longer, ""text"" here {0}"\n'
PLAN = FilePlan("bench.csv", "bench", ("id",))


class Rates(NamedTuple):
    """Rows a second: of our rows, of what is handed to the server's parser, and of the csv module."""

    rows: float
    raw: float
    module: float


def rates(count: int, *, quoted: bool) -> Rates:
    """Read `count` rows of eight columns, each way once."""
    line = QUOTED if quoted else PLAIN
    text = "".join(line.format(one, one * 7919 % 10_000_000, one % 9 + 1) for one in range(count))
    data = f"id,name,share,day,code,nothing,kind,note\n{text}".encode()

    def rate(opened: Callable[[], Iterable[object]]) -> float:
        begin = time.process_time()
        deque(opened(), maxlen=0)
        return count / (time.process_time() - begin)

    return Rates(
        rate(lambda: open_file(io.BytesIO(data), PLAN)),
        rate(lambda: raw_blocks(open_file(io.BytesIO(data), PLAN))),
        rate(lambda: csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))),
    )
