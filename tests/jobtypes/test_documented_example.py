import re
from pathlib import Path

import pytest

from jobtypes.base import InvalidParams, JobFailed
from tests.jobtypes.running import TrialContext

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-job-type.md"


@pytest.fixture(scope="module")
def disk_space():
    """The job type that the how-to page writes, as it stands there."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {"__name__": "disk_space"}
    exec(compile(code[1], PAGE, "exec"), names)  # noqa: S102 - our own page
    return names["DiskSpace"]()


def test_the_job_type_of_the_how_to_works(disk_space):
    config = disk_space.Config(path="/", most_percent=100)
    disk_space.check(config)
    assert disk_space.run(config, TrialContext()).summary.startswith("/ is ")


def test_the_job_type_of_the_how_to_fails_as_it_says(disk_space):
    with pytest.raises(JobFailed, match="There is no /nowhere"):
        disk_space.run(disk_space.Config(path="/nowhere"), TrialContext())
    with pytest.raises(InvalidParams):
        disk_space.check(disk_space.Config(path="relative"))
