import json
import os
import signal
import subprocess
import sys
import time

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Behaves as a test asks."

    def add_arguments(self, parser):
        parser.add_argument("--how", default="well")
        parser.add_argument("--count", type=int, default=0)
        parser.add_argument("--loud", action="store_true")

    def handle(self, *, how, count, loud, **options):
        if how == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if how in {"stubborn", "slow", "leave-a-child"}:
            ignore = (
                "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('child', flush=True); "
            )
            child = subprocess.Popen([sys.executable, "-c", ignore + "time.sleep(600)"])
            self.stdout.write(f"pids {os.getpid()} {child.pid}")
            self.stdout.flush()
            if how != "leave-a-child":
                time.sleep(600)
        elif how == "fail":
            raise CommandError("the cat is away")
        elif how == "flood":
            for number in range(count):
                self.stdout.write(f"line {number} " + "x" * 90)
        elif how == "environment":
            self.stdout.write(json.dumps(dict(os.environ)))
        elif how == "bytes":
            sys.stdout.buffer.write(b"\xff\x00\n" + b"y" * 10_000)
        else:
            self.stdout.write(f"how={how} count={count} loud={loud}")
