"""`manage.py demoorders`: let the sample shop's business go on up to this minute."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from jobruns.demo import business, sample


class Command(BaseCommand):
    help = "Add the sample shop's orders, payments and calls since the last time. The demo runs it every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        orders = business.fill(Path(settings.LOCAL_FILES_ROOT) / sample.SHOP_FILE, timezone.now())
        self.stdout.write(f"{orders} new {'order' if orders == 1 else 'orders'}.")
