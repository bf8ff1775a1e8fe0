"""Read the alert files of SQL Sentinel as they are: a database's address, and a list of alerts. Pure."""

from __future__ import annotations

from typing import Any

from jobtypes.foreign import Fault, ForeignFile, Path, Translation, Untranslatable
from jobtypes.sql_alert.config import SqlAlertConfig

TOP = ("database", "alerts", "source")
NEEDED = ("name", "query", "schedule")
SCHEDULE = ("name", "description", "enabled", "timezone", "environment", "tags", "calendar", "calendar_rule", "was")
PARAMS = ("notify", *SqlAlertConfig.model_fields.keys() - {"connection", "notify"}, "renotify_interval")
KNOWN = tuple(sorted({*NEEDED, *SCHEDULE, *PARAMS}))


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
        name = self.file.name
        self.origins[("connections", name)] = ("database",)
        self.origins[("connections", name, "address")] = ("database", "url")
        connections = {name: {"kind": "sql", "address": self._address()}}
        alerts = values["alerts"]
        if not isinstance(alerts, list) or not alerts:
            self.faults.append(Fault(("alerts",), "Write a list of alerts, at least one."))
            alerts = []
        schedules = [self._schedule(position, alert) for position, alert in enumerate(alerts)]
        own = {"source": values["source"]} if "source" in values else {}
        return {**own, "connections": connections, "schedules": schedules}

    def _address(self) -> Any:
        database = self.file.values.get("database")
        if not isinstance(database, dict) or not isinstance(database.get("url"), str):
            self.faults.append(
                Fault(("database",), "Write the database's address: database: {url: sqlite:///sales.db}.")
            )
            return ""
        for name in database.keys() - {"url"}:
            self.faults.append(Fault(("database", name), "There is no such field.", ("url",)))
        return database["url"]

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
        self.origins[(*made, "params", "connection")] = ("database",)
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
            "params": {"connection": self.file.name, **params},
        }

    def _entry(self, path: Path, entry: Any) -> Any:
        """Return whom to notify; a second `channel` is the one that Slack is to write to."""
        again = self.file.repeated.get((*path, "channel"), ())
        if not isinstance(entry, dict) or len(again) != 1 or entry.get("channel") != "slack":
            return entry
        self.taken.append((*path, "channel"))
        return {**entry, "kind": "slack", "channel": again[0]}
