"""What a schedule tells an import. Pure."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from jobtypes.base import Config


class SftpOverride(BaseModel):
    """Where files are fetched instead of at the project's own source."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    source: str | None = Field(
        None, min_length=1, max_length=255, title="Source", description="An SFTP connection; else the project's own."
    )
    remote_path: str | None = Field(
        None, min_length=1, max_length=1_000, title="Folder", description="On the server; else the connection's own."
    )


class CsvImportConfig(Config):
    """Which project's files are imported, and where they lie if not where the project says."""

    project: str = Field(
        min_length=1,
        max_length=255,
        title="Project",
        description="The import project: its files and their tables.",
        json_schema_extra={"one_of": "jobtypes.ImportProject"},
    )
    local_files: list[Annotated[str, Field(min_length=1, max_length=1_000)]] = Field(
        default_factory=list,
        max_length=1_000,
        title="Files",
        description="Exactly these, in this order, below LOCAL_FILES_ROOT. Empty: those that the project finds.",
    )
    sftp_override: SftpOverride | None = Field(
        None,
        title="Other place",
        description="An SFTP source, a folder on it, or both, instead of the project's.",
    )
