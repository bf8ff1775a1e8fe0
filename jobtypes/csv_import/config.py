"""What an import project is told: which files there are, how they are written, and where their rows go. Pure."""

from __future__ import annotations

import codecs
import re
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from jobtypes.csv_import import plan
from jobtypes.csv_import.plan import LEGACY_NULLS, FilePlan, RejectLimit, TableNaming

LONGEST_NAME = 63  # bytes, of a PostgreSQL identifier
PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%")
NO_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7", "mbcs", "oem"}


def identifier(name: str) -> str:
    """Return a name that PostgreSQL can give a table or a column; raises ValueError with a sentence."""
    if not name or "\0" in name:
        raise ValueError("Write a name without NUL, of at least one character.")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        raise ValueError(f"{name[:80]!r} is longer than {LONGEST_NAME} bytes, PostgreSQL's limit for names.")
    if not _is_unicode(name):
        raise ValueError("A name holds whole characters only.")
    return name


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _delimiter(value: str) -> str:
    character = "\t" if value in {"tab", "\\t"} else value
    if len(character) != 1 or character in '"\r\n\0' or not _is_unicode(character):
        raise ValueError("Write one character, or tab; quotes and line ends cannot divide cells.")
    return character


def _encoding(value: str) -> str:
    if value.strip().lower() == "auto":
        raise ValueError("Nothing is guessed. Name the encoding of the files, such as utf-8, cp1252 or latin-1.")
    try:
        name = codecs.lookup(value).name
        "0".encode(value)  # refuses codecs that do not lead from bytes to text
    except (LookupError, ValueError):
        name = ""
    if not name or name.replace("-", "_") in NO_CHARSETS:
        raise ValueError(
            f"{value[:40]!r} is no encoding that is known here. Write utf-8, cp1252, latin-1 or the like."
        )
    return value


def _pattern(value: str) -> str:
    if "/" in value or "\0" in value:
        raise ValueError("A pattern is compared with the name of a file alone; leave the folder out.")
    return value


def _columns(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _each_once(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("A column stands here twice; name each once.")
    return value


def _null_values(value: Any) -> Any:
    return [value] if value == "legacy" else value


def _limit(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('Write a number of rows, or a share of the file such as "1%".')
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, int):
        if not 0 <= value <= 10**9:
            raise ValueError("A number of rows is 0 or more.")
        return value
    found = PERCENT.fullmatch(value.strip())
    if found is None or Fraction(found.group(1)) > 100:
        raise ValueError('Write a number of rows, or a share of the file such as "1%".')
    return f"{found.group(1)}%"


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


Identifier = Annotated[str, Field(max_length=200), AfterValidator(identifier)]
Pattern = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_pattern)]
Key = Annotated[
    list[Identifier],
    BeforeValidator(_columns, json_schema_input_type=str | list[str]),
    AfterValidator(_each_once),
    Field(min_length=1, max_length=32),
]
Limit = Annotated[int | str, BeforeValidator(_limit, json_schema_input_type=int | str)]
NullValues = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    BeforeValidator(_null_values, json_schema_input_type=list[str] | Literal["legacy"]),
    Field(max_length=100),
]
DateStyle = Annotated[Literal["DMY", "MDY", "YMD"], BeforeValidator(_upper)]


class Keys(BaseModel):
    """Fields of a configuration: frozen, an unknown one is an error, and null stands for a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        return (
            {name: value for name, value in values.items() if value is not None}
            if isinstance(values, dict)
            else values
        )


class Handling(Keys):
    """How files are read and loaded. What a rule leaves out, the project says; what that leaves out, the default."""

    delimiter: Annotated[str, AfterValidator(_delimiter)] = Field(
        ",", title="Delimiter", description="One character between cells, or tab."
    )
    encoding: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_encoding)] = Field(
        "utf-8", title="Encoding", description="The files' character set. Nothing is guessed."
    )
    skiprows: int = Field(0, ge=0, le=100_000, title="Skip", description="Lines before the header.")
    schema_: Identifier = Field("public", alias="schema", title="Schema", description="Where the table lives.")
    datestyle: DateStyle | None = Field(
        None, title="Order in dates", description="How 01/02/2026 is meant: DMY, MDY or YMD; else as the server says."
    )
    rebuild_table: bool = Field(False, title="Rebuild", description="Afterwards the table holds exactly the file.")
    null_values: NullValues = Field(
        default_factory=list,
        title="Null values",
        description="Words that mean NULL besides the empty cell; legacy stands for those of the original.",
    )
    empty_as: plan.EmptyAs = Field("null", title="Empty cells", description="text keeps them as empty texts.")
    reject_limit: Limit = Field(
        0, title="Reject limit", description='Rows that may be refused before the file fails, or "1%" of the file.'
    )
    duplicates: plan.Duplicates = Field(
        "last", title="Repeated keys", description="Which row of a key counts, or whether they are refused."
    )
    ragged: plan.Ragged = Field(
        "reject", title="Short rows", description="pad fills missing cells at the end with NULL."
    )
    expect_columns: Annotated[list[Identifier], Field(max_length=1_599), AfterValidator(_each_once)] = Field(
        default_factory=list, title="Expected columns", description="A file that lacks one of them is refused."
    )
    min_rows: int = Field(
        0, ge=0, le=10**12, title="Fewest rows", description="A file with fewer good rows is refused."
    )
    create_table: bool = Field(True, title="Create", description="Make a missing table, all of its columns text.")
    add_columns: bool = Field(True, title="Add columns", description="Add new columns of the header, as text.")
    allow_empty_rebuild: bool = Field(
        False, title="Rebuild empty", description="Let a rebuild leave a table without any row."
    )
    already_imported: plan.AlreadyImported = Field(
        "load", title="Loaded before", description="skip leaves out files that were loaded just so before."
    )
    after_success: plan.AfterSuccess = Field(
        "keep", title="Afterwards", description="Keep loaded files, move them to archive/, or delete them."
    )


class Defaults(Handling):
    """How files are handled that no entry of `tables` matches."""

    file_pattern: Pattern = Field("*.csv", title="Files", description="Glob on the name, case as written.")
    primary_key: Key = Field(
        title="Primary key", description="One column or several, as they are named in the table."
    )


class Table(Handling):
    """How files of one pattern are handled. It stands for itself and takes nothing from `defaults`."""

    file_pattern: Pattern = Field(title="Files", description="Glob on the name, case as written.")
    target_table: Identifier = Field(title="Table", description="Where the rows go.")
    primary_key: Key = Field(
        title="Primary key", description="One column or several, as they are named in the table."
    )
    column_mapping: dict[Annotated[str, Field(max_length=1_000)], Identifier] = Field(
        default_factory=dict, max_length=1_599, title="Columns", description="Name in the file → name in the table."
    )


class Naming(Keys):
    """How the name of a file becomes the name of a table."""

    strip_prefix: str = Field("", max_length=255, title="Prefix", description="Cut off, whatever its case.")
    strip_suffix: str = Field("", max_length=255, title="Suffix", description="Cut off before the ending.")
    lowercase: bool = Field(True, title="Lower case", description="Write the name small.")


class ImportConfig(Handling):
    """The configuration of an import project."""

    defaults: Defaults | None = Field(
        None, title="Defaults", description="For files that no table's pattern matches."
    )
    tables: list[Table] = Field(
        default_factory=list, max_length=1_000, title="Tables", description="The first one that matches counts."
    )
    table_naming: Naming = Field(default_factory=Naming, title="Names", description="How defaults name tables.")
    local_dir: str | None = Field(
        None, min_length=1, max_length=1_000, title="Folder", description="Below LOCAL_FILES_ROOT, instead of SFTP."
    )
    refresh_materialized_views: bool | Literal["dependents"] = Field(
        False, title="Views", description="Refresh all of the schemas afterwards, or those that read a loaded table."
    )
    no_files: Literal["failed", "ok"] = Field(
        "failed", title="No files", description="What a run means that finds none."
    )

    @model_validator(mode="after")
    def _knows_some_files(self) -> ImportConfig:
        if self.defaults is None and not self.tables:
            raise ValueError("Write defaults, tables, or both: without them no file belongs to any table.")
        return self

    @property
    def patterns(self) -> list[str]:
        """Return every pattern of files, in the order in which they are asked."""
        return [rule.file_pattern for rule in (*self.tables, *((self.defaults,) if self.defaults else ()))]

    @property
    def schemas(self) -> set[str]:
        """Return the schemas of all tables that files may belong to."""
        rules = (*self.tables, *((self.defaults,) if self.defaults else ()))
        return {rule.schema_ if "schema_" in rule.model_fields_set else self.schema_ for rule in rules}

    def rule_for(self, filename: str) -> FilePlan | None:
        """Return what is to be done with a file of that base name, None if it matches nothing.

        The first of `tables` that matches wins, then `defaults`. What a rule leaves out, the project's own keys say.
        """
        for table in self.tables:
            if fnmatchcase(filename, table.file_pattern):
                return self._resolved(filename, table, table.target_table, table.column_mapping)
        if self.defaults is not None and fnmatchcase(filename, self.defaults.file_pattern):
            naming = TableNaming(**self.table_naming.model_dump())
            return self._resolved(filename, self.defaults, naming.table_for(filename), {})
        return None

    def _resolved(self, filename: str, rule: Defaults | Table, table: str, mapping: dict[str, str]) -> FilePlan:
        values = {
            name: getattr(rule if name in rule.model_fields_set else self, name) for name in Handling.model_fields
        }
        words = values.pop("null_values")
        limit = values.pop("reject_limit")
        return FilePlan(
            filename=filename,
            table=table,
            schema=values.pop("schema_"),
            primary_key=tuple(rule.primary_key),
            expect_columns=tuple(values.pop("expect_columns")),
            column_mapping={name.strip(): column for name, column in mapping.items()},
            null_values=frozenset(words) - {"legacy"} | (LEGACY_NULLS if "legacy" in words else frozenset()),
            reject_limit=RejectLimit(limit) if isinstance(limit, int) else RejectLimit(0, Fraction(limit[:-1]) / 100),
            **values,
        )
