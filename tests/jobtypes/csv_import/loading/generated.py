"""Files as no sender would write them, from a number; and what a table should hold after them, in memory."""

import io
import random

from jobtypes.csv_import.plan import FilePlan, FileRefused, RejectLimit
from jobtypes.csv_import.reading import Reject, open_file

WORDS = [
    "",
    "",
    "a",
    "Ärger €",
    "NA",
    "null",
    '5" pipe',
    'say "x"',
    "two\nlines",
    "cr\r\nlf",
    "\\.",
    "\\N",
    " b ",
    "a,b;c",
]
ODD = ["\0", '"']


class Generated:
    """A plan and two files for one table: the second has some of the first one's rows, the same or changed."""

    def __init__(self, number, schema):
        self.dice = random.Random(number)
        dice = self.dice
        self.is_tidy = dice.random() < 0.5
        self.end = dice.choice(["\n", "\r\n"] if self.is_tidy else ["\n", "\r\n", "\r", ""])
        self.columns = ["id", "kind", "note", "Größe"][: dice.randint(1, 4)]
        self.delimiter = dice.choice([",", ";", "|", "\t"])
        self.mark = dice.random() < 0.3
        self.plan = FilePlan(
            filename="file.csv",
            table=f"t{number}",
            schema=schema,
            primary_key=("id",) if len(self.columns) < 2 or dice.random() < 0.7 else ("id", "kind"),
            delimiter=self.delimiter,
            encoding="utf-8" if self.mark else dice.choice(["utf-8", "utf-8", "cp1252", "utf-16"]),
            skiprows=dice.choice([0, 0, 1, 2]),
            null_values=dice.choice([frozenset(), frozenset({"NA", " b "})]),
            empty_as=dice.choice(["null", "null", "text"]),
            ragged=dice.choice(["reject", "pad"]),
            duplicates=dice.choice(["last", "first", "reject"]),
            reject_limit=RejectLimit(10**6),
        )

    def content(self):
        dice = self.dice
        lines = ["skipped\n" for _ in range(self.plan.skiprows)]
        lines.append(self._line(self.columns))
        rows = []
        for _ in range(dice.randint(0, 12)):
            row = [str(dice.randint(1, 9)), *(dice.choice(WORDS) for _ in self.columns[1:])]
            if not self.is_tidy:
                row = self._spoiled(row)
            rows.append(self._line(row))
        if rows and dice.random() < 0.3:
            rows[-1] = rows[-1].rstrip("\r\n")
        text = "".join([*lines, *rows])
        return (b"\xef\xbb\xbf" if self.mark else b"") + text.encode(self.plan.encoding)

    def _spoiled(self, row):
        chance = self.dice.random()
        if chance < 0.08:
            return row[:-1]
        if chance < 0.16:
            return [*row, "more"]
        if chance < 0.2:
            return [*row[:-1], self.dice.choice(ODD)]
        return row if chance < 0.9 else [""]

    def _line(self, cells):
        return self.delimiter.join(map(self._cell, cells)) + (self.end or self.dice.choice(["\n", "\r\n", "\r"]))

    def _cell(self, text):
        needs = any(mark in text for mark in (self.delimiter, "\n", "\r")) or text.startswith('"')
        if needs or self.dice.random() < 0.3 or (self.is_tidy and '"' in text):
            return '"' + text.replace('"', '""') + '"'
        return text


class Model:
    """A table in memory that files are merged into by the rules, row by row."""

    def __init__(self):
        self.rows = {}

    def load(self, plan, content):
        """Return what is inserted, updated, skipped, rejected and duplicates; None of a file that is refused."""
        try:
            file = open_file(io.BytesIO(content), plan)
            read = list(file)
        except FileRefused:
            return None
        places = [file.header.index(name) for name in plan.primary_key]
        good, rejected, duplicates = {}, 0, 0
        for row in read:
            key = None if isinstance(row, Reject) else tuple(row.cells[place] for place in places)
            if key is None or None in key:
                rejected += 1
            elif key not in good:
                good[key] = row.cells
            elif plan.duplicates == "reject":
                rejected += 1
            else:
                duplicates += 1
                if plan.duplicates == "last":
                    good[key] = row.cells
        inserted = [key for key in good if key not in self.rows]
        updated = [key for key in good if key in self.rows and self.rows[key] != good[key]]
        self.rows.update(good)
        skipped = len(good) - len(inserted) - len(updated)
        return len(inserted), len(updated), skipped, rejected, duplicates
