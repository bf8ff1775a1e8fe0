"""Say why a file was not loaded, and whether trying again may help."""

from __future__ import annotations

import psycopg
from psycopg import errors

UNTOUCHED = "Nothing was changed."
LOCKED = (errors.LockNotAvailable,)
COLLIDED = (errors.SerializationFailure, errors.DeadlockDetected)
SHORT = (errors.InsufficientResources, errors.OutOfMemory, errors.DiskFull, errors.TooManyConnections)


class LoadFailed(Exception):
    """One file, or the files of one table, cannot be loaded; the transaction is to be rolled back.

    `retryable`: the same may go well later. `lost`: the database is not to be reached, other files need not be tried.
    """

    def __init__(self, error_type: str, message: str, *, retryable: bool = False, lost: bool = False) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.retryable = retryable
        self.lost = lost


class GivenUp(Exception):
    """The work was interrupted; whoever asked for that knows why."""


def understood(refused: psycopg.Error, table: str, *, connected: bool, closed: bool) -> LoadFailed:
    """Return what the database's refusal means: `connected`: it had let us in, `closed`: the line is cut."""
    words = " ".join(str(refused.diag.message_primary or refused).split())
    if not connected:
        return LoadFailed(
            "ConnectionFailed", f"The database is not to be reached: {words}. {UNTOUCHED}", retryable=True, lost=True
        )
    if isinstance(refused, LOCKED):
        return LoadFailed(
            "LockTimeout",
            f"Somebody else held {table} for over 30 s. {UNTOUCHED} Look for long transactions in pg_stat_activity.",
            retryable=True,
        )
    if isinstance(refused, COLLIDED):
        return LoadFailed(
            "SerializationFailure", f"Somebody else wrote at the same time: {words}. {UNTOUCHED}", retryable=True
        )
    if closed or (isinstance(refused, errors.OperatorIntervention) and not isinstance(refused, errors.QueryCanceled)):
        return LoadFailed(
            "ConnectionLost", f"The connection to the database broke: {words}. {UNTOUCHED}", retryable=True, lost=True
        )
    if isinstance(refused, SHORT):
        return LoadFailed(
            "ServerShort", f"The database server is short of room: {words}. {UNTOUCHED}", retryable=True
        )
    return _about_content(refused, table, words)


def _about_content(refused: psycopg.Error, table: str, words: str) -> LoadFailed:
    if isinstance(refused, errors.InsufficientPrivilege):
        return LoadFailed(
            "InsufficientPrivilege",
            f"The connection's role may not do this: {words}. {UNTOUCHED} "
            f"Grant what is missing, or connect as the owner of {table}.",
        )
    detail = " ".join((refused.diag.message_detail or "").split())[:400]
    more = f" {detail}" if detail else ""
    if isinstance(refused, psycopg.IntegrityError):
        return LoadFailed("ConstraintViolation", f"{table} does not take the rows: {words}.{more} {UNTOUCHED}")
    where = (refused.diag.context or "").splitlines()
    inside = f" ({where[0]})" if where and "function" in where[0] else ""
    return LoadFailed("DatabaseError", f"The database refused it: {words}{inside}.{more} {UNTOUCHED}")
