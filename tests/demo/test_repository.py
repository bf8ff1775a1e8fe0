"""What holds for the tree as a whole."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 300


def written() -> list[Path]:
    """Return the files under version control that still exist, those not yet added too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for line in listed.splitlines() if (path := ROOT / line).is_file()]


def test_no_file_of_code_is_longer_than_300_lines() -> None:
    code = [path for path in written() if path.suffix in {".py", ".html", ".css", ".js", ".md"}]
    long = {str(path.relative_to(ROOT)): count for path in code if (count := path.read_text().count("\n")) > LONGEST}
    assert code
    assert not long


def test_no_requirement_file_names_a_package_index() -> None:
    pins = list((ROOT / "requirements").glob("*.txt"))
    lines = [line for path in pins for line in path.read_text().splitlines()]
    assert lines
    assert not [line for line in lines if re.search(r"^\s*-(i|f)\b|index|find-links|trusted-host|://|file:", line)]


def test_every_requirement_is_pinned() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        names = [line for line in path.read_text().splitlines() if line and not line.lstrip().startswith("#")]
        assert all(re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==", name) for name in names)


def test_the_readme_sets_up_in_two_commands() -> None:
    (block,) = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [line.split()[0] for line in block.strip().splitlines()] == ["git", "make"]


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [path for path in written() if path.suffix == ".md"]
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_make_alone_lists_the_targets() -> None:
    said = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "check", "bench"):
        assert f"make {target} " in said.stdout


def test_every_setting_that_is_read_is_documented() -> None:
    code = "".join(file.read_text() for file in (ROOT / "scheduler_site").glob("*.py"))
    words = "integer|boolean|items|choice|json_object|networks|user_header|str|json"
    read = set(re.findall(rf"(?:{words})\(\s*\"([A-Z_]+)\"", code))
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "reference" / "settings.md").read_text(), re.MULTILINE)
    documented = set(re.findall(r"`([A-Z_]+)`", " ".join(rows)))
    assert {"DATABASE_URL", "LOG_LEVEL"} <= read
    assert not read - documented
    assert not documented - read - {"CARILLON_ADMIN_PASSWORD", "HOST", "PORT"}


def test_every_document_is_in_an_index() -> None:
    indexes = [ROOT / "docs" / "README.md", ROOT / "docs" / "decisions" / "README.md"]
    linked = {
        (index.parent / target).resolve()
        for index in indexes
        for target in re.findall(r"\]\(([^)#\s]+)\)", index.read_text())
    }
    documents = {path for path in written() if path.suffix == ".md" and path.is_relative_to(ROOT / "docs")}
    assert documents
    assert documents - linked == {indexes[0]}
