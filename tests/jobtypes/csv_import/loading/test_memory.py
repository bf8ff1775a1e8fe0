"""A large file needs no more memory than a small one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKER = """
import sys
import django
django.setup()
from pathlib import Path
from jobtypes.csv_import.loading import load_file
from jobtypes.csv_import.plan import FilePlan, RejectLimit
target, schema, *paths = sys.argv[1:]
for number, path in enumerate(paths):
    limit = RejectLimit(10**9)
    plan = FilePlan(filename="f.csv", table=f"t{number}", schema=schema, primary_key=("id",), reject_limit=limit)
    done = load_file(target, plan, Path(path))
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    print(done.lane, done.rows_read, int(peak) // 1024)
"""
ROWS = 12_500
CELL = "x" * 4_096


# The kernel's own count of this process: that of getrusage begins with what the parent once needed.
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Needs Linux, which counts a process's memory.")
@pytest.mark.parametrize(("lane", "odd"), [("raw", ""), ("row", '5" pipe')])
def test_a_file_of_fifty_megabytes_is_loaded_in_the_memory_of_a_small_one(ground, lane, odd):
    small = ground.path(f"id,name,note\n0,{odd},\n", "small.csv")
    large = ground.folder / "large.csv"
    with large.open("w") as file:
        file.write(f"id,name,note\n0,{odd},\n")
        file.writelines(f"{number},{CELL},{'' if number % 2 else 'a'}\n" for number in range(1, ROWS))
        file.writelines(",more\n" for _ in range(2_000 if lane == "row" else 0))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WORKER, ground.target, ground.schema, str(small), str(large)]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert (told[3], int(told[4]) >= ROWS) == (lane, True)
    assert int(told[5]) - int(told[2]) < 40  # MiB
    assert int(told[5]) < 200
