"""Files made to hurt: bombs, tags, doubled keys, giants, things that are no files. Each is refused with its line."""

import os
import time

import pytest

from schedules.files import gathering, reading
from schedules.files.problems import Refused

LAUGHS = "a: &a0 [lol, lol]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (LAUGHS, 7, "more than 200,000 values"),
        ("a: &a [*a]", 1, "*a refers to what is not closed yet"),
        ("a: &a\n  b: *a", 2, "*a refers to what is not closed yet"),
        ("a: *nowhere", 1, "*nowhere refers"),
        ("x: 1\na: !!python/object/apply:os.system [touch /tmp/x]", 2, "The tag tag:yaml.org,2002:python/object"),
        ("a: !!python/name:os.system", 1, "is not allowed; write plain values"),
        ("a: !custom {b: 1}", 1, "The tag !custom"),
        ("!!map {a: 1}", 1, "The tag"),
        ("%TAG ! tag:evil,2000:\n---\na: !x 1", 3, "The tag tag:evil,2000:x"),
        ("<<: {a: 1}", 1, "Merging"),
        ("a: 1\n---\nb: 2", 2, "one document"),
        ("? [a]\n: 1", 1, "A key is a word"),
        ("a: &a x\n*a : 1", 2, "an alias cannot stand for it"),
        ("[" * 100_000, 1, "more than 30 levels deep"),
        ("a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 60)), 31, "more than 30 levels deep"),
        ("a: " + "9" * 100_000, 1, "This number is too long"),
        ("a: " + "9" * 5_000, 1, "This number is too long"),
        ("a: \x00", 1, "is not allowed here"),
        ("a: \x1b[31m", 1, "is not allowed here"),
        ('a: "\\0"', 1, "The character NUL"),
        ('a: "\\ud800"', 1, "This is no YAML"),
        ("a: [1, 2", 1, "This is no YAML"),
        ("a: 1\n\tb: 2", 2, "This is no YAML"),
        ("a: b: c", 1, "This is no YAML"),
        ("", 1, "The file is empty"),
        ("null", 1, "The file is empty"),
        ("- a", 1, "This is no mapping"),
        ("just words", 1, "This is no mapping"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_hostile_file_is_refused_at_once_with_its_line(text, line, told):
    began = time.monotonic()
    with pytest.raises(Refused) as refusal:
        reading.read(text, "f.yaml")
    assert time.monotonic() - began < 3
    (problem,) = refusal.value.problems
    assert told in problem.sentence
    assert problem.line == pytest.approx(line, abs=1)


def test_a_key_that_stands_twice_is_kept_apart_with_its_line():
    found = reading.read("a: {b: 1}\nc:\n  d: 2\n  d: 3\n", "f.yaml")
    assert found.values == {"a": {"b": 1}, "c": {"d": 2}}
    assert found.repeated == {("c", "d"): [(4, 3)]}


def test_plain_words_mean_what_they_say():
    text = "{on: no, at: 22:00, day: 2026-12-25, octal: 0755, yes: on, big: 1e999, none: ~, t: true, n: -3, f: 1.5}"
    assert reading.read(text, "f.yaml").values == {
        **{"on": "no", "at": "22:00", "day": "2026-12-25", "octal": 755, "yes": "on", "big": "1e999"},
        **{"none": None, "t": True, "n": -3, "f": 1.5},
    }


def test_a_quoted_key_is_only_a_word():
    assert reading.read('{"<<": 1}', "f.yaml").values == {"<<": 1}


def test_an_alias_is_a_copy():
    found = reading.read("a: &x {b: [1]}\nc: *x", "f.yaml").values
    found["c"]["b"].append(2)
    assert found["a"] == {"b": [1]}


def test_json_keeps_its_own_spelling_of_characters():
    assert reading.read('{\t"a": "\\ud83d\\ude00 \\\\ud83d\\/"}', "f.json").values == {"a": "😀 \\ud83d/"}


@pytest.mark.parametrize("kind", ["giant", "pipe", "folder", "nothing", "latin", "loop"])
def test_what_is_no_readable_file_is_refused_in_a_sentence(tmp_path, kind):
    path = tmp_path / "f.yaml"
    if kind == "giant":
        with path.open("wb") as file:
            file.truncate(10 * 1024**3)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "latin":
        path.write_bytes(b"a: 1\nb: \xe4\n")
    elif kind == "loop":
        path.symlink_to(path)
    began = time.monotonic()
    with pytest.raises(Refused) as refusal:
        gathering.gather(path)
    assert time.monotonic() - began < 1
    assert str(refusal.value).endswith(".")


def test_hidden_files_and_other_endings_are_left_out(tmp_path):
    for name in ("a.yaml", "b.yml", "c.JSON", ".d.yaml", "e.txt", "f.yaml~", ".g/h.yaml", "i/j.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = gathering.gather(tmp_path).texts
    assert [os.path.basename(name) for name in found] == ["a.yaml", "b.yml", "c.JSON", "j.yaml"]
