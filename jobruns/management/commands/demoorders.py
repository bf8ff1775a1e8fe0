"""`manage.py demoorders`: let the sample shop's business go on up to this minute."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from jobruns.demo import business, exports, sample


class Command(BaseCommand):
    help = "Let the sample shop's business go on since the last time, and export it. The demo runs this every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        root, now = Path(settings.LOCAL_FILES_ROOT), timezone.now()
        orders = business.fill(root / sample.SHOP_FILE, now)
        exports.write(root, root / sample.SHOP_FILE, now)
        self.stdout.write(f"{orders} new {'order' if orders == 1 else 'orders'}.")
