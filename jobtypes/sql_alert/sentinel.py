"""Read the alert files of SQL Sentinel as they are: a database's address, and a list of alerts. Pure.

Beyond the original, `databases` names several, and an alert's `database` says which one it asks.
"""

from __future__ import annotations

from typing import Any

from jobtypes.foreign import Fault, ForeignFile, Path, Translation, Untranslatable
from jobtypes.sql_alert.config import SqlAlertConfig

TOP = ("database", "databases", "alerts", "source")
NEEDED = ("name", "query", "schedule")
SCHEDULE = ("name", "description", "enabled", "timezone", "environment", "tags", "calendar", "calendar_rule", "was")
PARAMS = ("notify", *SqlAlertConfig.model_fields.keys() - {"connection", "notify"}, "renotify_interval")
KNOWN = tuple(sorted({*NEEDED, *SCHEDULE, *PARAMS, "database"}))


def translate(file: ForeignFile) -> Translation | None:
    """Return one connection, named after the file, and a schedule for each alert; None for a file of another kind.

    In `notify` the word `channel` says which kind of channel is meant, and where it stands twice the second one is
    Slack's channel. Raises Untranslatable.
    """
    if "alerts" not in file.values:
        return None
    reading = _Reading(file)
    sections = reading.sections()
    if reading.faults:
        raise Untranslatable(reading.faults)
    return Translation(sections, reading.origins, reading.taken)


class _Reading:
    def __init__(self, file: ForeignFile) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.origins: dict[Path, Path] = {}
        self.taken: list[Path] = []

    def sections(self) -> dict[str, Any]:
        values = self.file.values
        for name in values.keys() - set(TOP):
            self.faults.append(Fault((name,), "There is no such field beside alerts.", TOP))
        connections = self._connections()
        alerts = values["alerts"]
        if not isinstance(alerts, list) or not alerts:
            self.faults.append(Fault(("alerts",), "Write a list of alerts, at least one."))
            alerts = []
        schedules = [self._schedule(position, alert) for position, alert in enumerate(alerts)]
        own = {"source": values["source"]} if "source" in values else {}
        return {**own, "connections": connections, "schedules": schedules}

    def _connections(self) -> dict[str, Any]:
        """Return a connection for `database`, named after the file, and one for each of `databases`, by its name."""
        several = self.file.values.get("databases", {})
        if not isinstance(several, dict):
            self.faults.append(Fault(("databases",), "Write names and addresses: {shop: {url: sqlite:///shop.db}}."))
            several = {}
        places: dict[str, Path] = {str(name): ("databases", name) for name in several}
        if "database" in self.file.values or not several:
            places = {self.file.name: ("database",), **places}
        for name, path in places.items():
            self.origins[("connections", name)] = path
            self.origins[("connections", name, "address")] = (*path, "url")
        return {name: {"kind": "sql", "address": self._address(path)} for name, path in places.items()}

    def _address(self, path: Path) -> Any:
        database = (
            self.file.values.get("database") if path == ("database",) else self.file.values["databases"][path[1]]
        )
        if not isinstance(database, dict) or not isinstance(database.get("url"), str):
            self.faults.append(Fault(path, "Write the database's address: {url: sqlite:///sales.db}."))
            return ""
        for name in database.keys() - {"url"}:
            self.faults.append(Fault((*path, name), "There is no such field.", ("url",)))
        return database["url"]

    def _connection_of(self, alert: dict[str, Any], path: Path) -> str:
        """Return the name of the connection that an alert asks: the one of its `database`, else the file's own."""
        known = [str(name) for name in self.file.values.get("databases") or {}]
        if "database" not in alert:
            if "database" not in self.file.values and known:
                self.faults.append(Fault(path, f"Say which database it asks: {', '.join(known)}."))
            return self.file.name
        if str(alert["database"]) not in known:
            sentence = "There is no such name under databases."
            self.faults.append(Fault((*path, "database"), sentence, tuple(known)))
        return str(alert["database"])

    def _schedule(self, position: int, alert: Any) -> dict[str, Any]:
        path: Path = ("alerts", position)
        if not isinstance(alert, dict):
            self.faults.append(Fault(path, f"An alert is a mapping with {', '.join(NEEDED)}."))
            return {}
        for name in NEEDED:
            if not isinstance(alert.get(name), str) or not alert[name].strip():
                self.faults.append(
                    Fault((*path, name) if name in alert else path, f"An alert needs a text as {name}.")
                )
        for name in alert.keys() - set(KNOWN):
            self.faults.append(Fault((*path, name), "An alert has no such field.", KNOWN))
        made: Path = ("schedules", position)
        self.origins[made] = path
        self.origins[(*made, "cron_expression")] = (*path, "schedule")
        connection = self._connection_of(alert, path)
        self.origins[(*made, "params", "connection")] = (*path, "database") if "database" in alert else ("database",)
        params = {name: alert[name] for name in PARAMS if name in alert}
        self.origins |= {(*made, "params", name): (*path, name) for name in params}
        if isinstance(notify := params.get("notify"), list):
            params["notify"] = [self._entry((*path, "notify", one), entry) for one, entry in enumerate(notify)]
        return {
            **{name: alert[name] for name in SCHEDULE if alert.get(name) is not None},
            "enabled": alert.get("enabled", True),
            "job_type": "sql_alert",
            "schedule_type": "cron",
            "cron_expression": alert.get("schedule"),
            "params": {"connection": connection, **params},
        }

    def _entry(self, path: Path, entry: Any) -> Any:
        """Return whom to notify; a second `channel` is the one that Slack is to write to."""
        again = self.file.repeated.get((*path, "channel"), ())
        if not isinstance(entry, dict) or len(again) != 1 or entry.get("channel") != "slack":
            return entry
        self.taken.append((*path, "channel"))
        return {**entry, "kind": "slack", "channel": again[0]}
