"""Read the project files of the CSV PostgreSQL Import API as they are: one project each. Pure.

`sftp` becomes a connection of its own, whose `key_path` is left for whoever takes the files over to read.
"""

from __future__ import annotations

from typing import Any

from jobtypes.csv_import.config import ImportConfig
from jobtypes.foreign import Fault, ForeignFile, Path, Translation, Untranslatable

CONFIG = tuple(sorted(field.alias or name for name, field in ImportConfig.model_fields.items()))
TOP = ("project", "connection", "sftp", "description", "source", *CONFIG)
SFTP = ("host", "port", "username", "password", "key_path", "private_key", "host_key", "remote_path")
NEEDED = ("host", "username")
OTHERWISE = {"hooks": "Carillon runs no hooks; do what they did in a schedule that follows this one."}


def translate(file: ForeignFile) -> Translation | None:
    """Return an import project and its connections, None for a file of another kind.

    The target is a connection named after the project, whose address stays in the environment; the files come from
    another one with `-sftp` behind that name. Raises Untranslatable.
    """
    if "project" not in file.values:
        return None
    reading = _Reading(file.values)
    sections = reading.sections()
    if reading.faults:
        raise Untranslatable(reading.faults)
    return Translation(sections, reading.origins)


class _Reading:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.faults: list[Fault] = []
        self.origins: dict[Path, Path] = {("import_projects", 0): ()}

    def sections(self) -> dict[str, Any]:
        name = self.values["project"]
        if not isinstance(name, str) or not name.strip():
            self._fault(("project",), "Write the project's name; put it in quotes if need be.")
            name = ""
        for key in self.values.keys() - set(TOP):
            self._fault((key,), OTHERWISE.get(key, "A project has no such field."), TOP)
        own = {key: self.values[key] for key in ("description", *CONFIG) if self.values.get(key) is not None}
        project: dict[str, Any] = {"name": name, "connection": name, **own}
        connections: dict[str, Any] = {}
        target = self._target()
        if isinstance(target, str):
            project["connection"] = target
        else:
            connections[name] = target
            self.origins[("connections", name)] = ("connection",)
        if self.values.get("sftp") is not None:
            project["source"] = f"{name}-sftp"
            connections[project["source"]] = {"kind": "sftp", **self._sftp(self.values["sftp"])}
            self.origins[("connections", project["source"])] = ("sftp",)
        return {**self._source(), "connections": connections, "import_projects": [project]}

    def _source(self) -> dict[str, Any]:
        """Return the word for where files of Carillon come from, which every file may have."""
        return {"source": self.values["source"]} if "source" in self.values else {}

    def _target(self) -> dict[str, Any] | str:
        """Return the connection to fill, or the name of one that there is."""
        given = self.values.get("connection")
        if isinstance(given, str) and given:
            return given
        variable = given.get("env_var") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(variable, str) or not variable.isidentifier():
            path: Path = ("connection",) if "connection" in self.values else ("project",)
            self._fault(
                path, "Say which variable holds the target's address: connection: {env_var: ERP_DATABASE_URL}."
            )
            return {}
        for key in given.keys() - {"env_var"}:
            self._fault(("connection", key), "A connection has no such field here.", ("env_var",))
        return {"kind": "sql", "address": f"${{{variable}}}"}

    def _sftp(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            self._fault(("sftp",), "Write its fields: {host: sftp.example.com, username: export}.")
            return {}
        for key in given.keys() - set(SFTP):
            self._fault(("sftp", key), "There is no such field.", SFTP)
        if missing := [key for key in NEEDED if not given.get(key)]:
            self._fault(("sftp",), f"Write its {' and '.join(missing)} too.")
        return {key: given[key] for key in SFTP if given.get(key) is not None}

    def _fault(self, path: Path, sentence: str, known: tuple[str, ...] = ()) -> None:
        self.faults.append(Fault(path, sentence, known))
