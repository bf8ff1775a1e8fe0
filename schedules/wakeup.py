"""Tell sleeping schedulers that there is something new: PostgreSQL's NOTIFY, sent when the transaction commits.

Without it (SQLite, a pooler in between) the schedulers' poll of a second finds the change all the same.
"""

from django.db import connection

CHANNEL = "carillon"


def wake_schedulers() -> None:
    """Wake every scheduler that listens, once the current transaction is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
