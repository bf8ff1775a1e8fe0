"""The demo's connection and schedules, declared. Pure."""

from __future__ import annotations

from typing import Any

from jobruns.demo.exports import PARTNERS as PARTNER_FILES
from jobruns.demo.exports import SHOP as SHOP_EXPORTS

SHOP = "tea-shop"
SHOP_FILE = "tea-shop.sqlite3"  # under LOCAL_FILES_ROOT
HEALTH = "web-health"  # the schedule that calls the demo's own web server
PAUSED = "old-catalogue-export"
WAREHOUSE, WAREHOUSE_URL = "warehouse", "WAREHOUSE_URL"  # a connection, and the variable that holds its address
SOON = {"warehouse-import": 20, "partner-import": 40}  # seconds until they fire first
PAUSE_REASON = "The new catalogue is live; kept until the last shop has moved."

ORDERS = """
SELECT CASE WHEN count(*) < 3 THEN 'ALERT' ELSE 'OK' END AS status,
       count(*) AS actual_value, 3 AS threshold, round(sum(cents) / 100.0, 2) AS turnover
FROM orders
WHERE placed_at BETWEEN datetime('now', '-15 minutes') AND datetime('now')
"""
CHECKOUT = """
SELECT CASE WHEN avg(milliseconds) > 500 THEN 'ALERT' ELSE 'OK' END AS status,
       CAST(round(avg(milliseconds)) AS INTEGER) AS actual_value, 500 AS threshold,
       count(*) AS calls, max(milliseconds) AS slowest
FROM api_logs
WHERE route = '/checkout' AND called_at BETWEEN datetime('now', '-5 minutes') AND datetime('now')
"""
PAYMENTS = """
SELECT CASE WHEN total(outcome = 'declined') / count(*) > 0.25 THEN 'ALERT' ELSE 'OK' END AS status,
       round(100.0 * total(outcome = 'declined') / count(*), 1) AS actual_value, 25 AS threshold,
       count(*) AS payments
FROM payments
WHERE made_at BETWEEN datetime('now', '-30 minutes') AND datetime('now')
"""
PRICES = """
SELECT CASE WHEN avg(cents) > 640 THEN 'ALERT' ELSE 'OK' END AS status,
       round(avg(cents) / 100.0, 2) AS actual_value, 6.4 AS threshold, max(quoted_at) AS newest
FROM supplier_prices
WHERE quoted_at BETWEEN datetime('now', '-12 minutes') AND datetime('now')
"""


def _alert(query: str, **more: Any) -> dict[str, Any]:
    return {"connection": SHOP, "query": query.strip(), **more}


PROJECTS: list[dict[str, Any]] = [
    {
        "name": "tea-exports",
        "description": "What the shop and its depots export every minute.",
        "config": {
            "local_dir": SHOP_EXPORTS,
            "defaults": {"file_pattern": "TeaShop_*.csv", "primary_key": "order_no"},
            "table_naming": {"strip_prefix": "TeaShop_"},
            "tables": [
                {
                    "file_pattern": "stock_*.csv",
                    "target_table": "stock",
                    "primary_key": ["depot", "tea"],
                    "column_mapping": {
                        "Lager": "depot",
                        "Sorte": "tea",
                        "Bestand kg": "kilograms",
                        "gezählt am": "counted_on",
                    },
                    "delimiter": ";",
                    "encoding": "cp1252",
                    "skiprows": 1,
                    "datestyle": "DMY",
                    "reject_limit": "20%",
                }
            ],
        },
    },
    {
        "name": "partner-feeds",
        "description": "What partners send, which is not always what was agreed.",
        "config": {
            "local_dir": PARTNER_FILES,
            "defaults": {"file_pattern": "*.csv", "primary_key": "id", "reject_limit": 2},
        },
    },
]
SCHEDULES: list[dict[str, Any]] = [
    {
        "name": "shop-business",
        "description": "Lets the sample shop go on: orders, payments and calls of the last minute.",
        "job_type": "management_command",
        "params": {"command": "demoorders"},
        "cron_expression": "* * * * *",
        "tags": ["shop"],
        "priority": 8,
        "max_retries": 1,
        "retry_delay_seconds": 10,
    },
    {
        "name": "orders-keep-coming",
        "description": "Fewer than three orders in a quarter of an hour mean that something is broken.",
        "job_type": "sql_alert",
        "params": _alert(ORDERS, severity="critical"),
        "cron_expression": "* * * * *",
        "timezone": "Europe/Riga",
        "tags": ["shop", "alert"],
        "priority": 7,
    },
    {
        "name": "checkout-is-fast",
        "description": "The checkout answers within half a second on average over five minutes.",
        "job_type": "sql_alert",
        "params": _alert(CHECKOUT),
        "cron_expression": "* * * * *",
        "tags": ["shop", "alert", "web"],
    },
    {
        "name": "cards-are-accepted",
        "description": "No more than a quarter of the payments of half an hour is declined.",
        "job_type": "sql_alert",
        "params": _alert(PAYMENTS, severity="critical"),
        "cron_expression": "*/5 * * * *",
        "timezone": "Europe/Riga",
        "tags": ["shop", "alert", "payments"],
    },
    {
        "name": "supplier-prices",
        "description": "What we pay for tea stays below 6.40 on average; a silent supplier is an error, not a price.",
        "job_type": "sql_alert",
        "params": _alert(PRICES, severity="info"),
        "cron_expression": "* * * * *",
        "timezone": "Asia/Kolkata",
        "tags": ["purchasing", "alert"],
        "priority": 3,
    },
    {
        "name": HEALTH,
        "description": "Carillon's own web server answers.",
        "job_type": "http_request",
        "params": {"url": "http://127.0.0.1:8000/health"},
        "schedule_type": "interval",
        "interval_seconds": 60,
        "tags": ["web"],
        "max_retries": 2,
        "retry_delay_seconds": 15,
    },
    {
        "name": "pulse",
        "description": "Does nothing twice a minute: the quickest way to see that the scheduler lives.",
        "job_type": "noop",
        "params": {},
        "schedule_type": "interval",
        "interval_seconds": 30,
        "environment": "staging",
        "tags": ["example"],
        "priority": 1,
    },
    {
        "name": "order-mails",
        "description": "Has the mail service confirm the orders of the last minute.",
        "job_type": "command",
        "params": {
            "target_command": "cmd.notification.send.bulk",
            "command_payload": {"notification_type": "order_confirmed", "recipient_filter": "last_minute"},
        },
        "cron_expression": "* * * * *",
        "tags": ["shop", "email"],
        "max_retries": 2,
        "retry_delay_seconds": 15,
    },
    {
        "name": "courier-manifest",
        "description": "Hands the parcels of the last ten minutes to the courier; waits for the one before.",
        "job_type": "noop",
        "params": {"sleep_seconds": 20, "message": "Manifest handed over."},
        "cron_expression": "*/10 6-20 * * *",
        "timezone": "Europe/Riga",
        "tags": ["warehouse"],
        "timeout_seconds": 1200,
    },
    {
        "name": "stock-count",
        "description": "Counts the stock of the island shop at night, where summer time is half an hour.",
        "job_type": "noop",
        "params": {"sleep_seconds": 45, "message": "Counted 5 teas in 1 warehouse."},
        "cron_expression": "30 1 * * *",
        "timezone": "Australia/Lord_Howe",
        "tags": ["warehouse", "nightly"],
        "timeout_seconds": 600,
        "max_retries": 2,
    },
    {
        "name": "clear-old-sessions",
        "description": "Removes sign-ins that have ended.",
        "job_type": "management_command",
        "params": {"command": "clearsessions"},
        "cron_expression": "17 3 * * *",
        "timezone": "America/New_York",
        "tags": ["nightly"],
        "priority": 2,
    },
    {
        "name": PAUSED,
        "description": "Writes the catalogue in the old format, every hour.",
        "job_type": "noop",
        "params": {"sleep_seconds": 3, "message": "Wrote 5 teas."},
        "cron_expression": "5 * * * *",
        "timezone": "Europe/Berlin",
        "tags": ["catalogue"],
    },
    {
        "name": "rebuild-search",
        "description": "Only by hand, after a change to the catalogue.",
        "job_type": "noop",
        "params": {"sleep_seconds": 10, "message": "Indexed 5 teas."},
        "schedule_type": "manual",
        "environment": "staging",
        "tags": ["catalogue"],
    },
    {
        "name": "warehouse-import",
        "description": "Brings the shop's exports into the warehouse; a depot's nonsense is left out and told.",
        "job_type": "csv_import",
        "params": {"project": "tea-exports"},
        "schedule_type": "interval",
        "interval_seconds": 60,
        "tags": ["warehouse", "import"],
        "timeout_seconds": 300,
    },
    {
        "name": "partner-import",
        "description": "Brings the partners' files into the warehouse. Two of three are wrong: mend them, run again.",
        "job_type": "csv_import",
        "params": {"project": "partner-feeds"},
        "schedule_type": "interval",
        "interval_seconds": 600,
        "tags": ["import"],
        "max_retries": 0,
        "timeout_seconds": 300,
    },
]
