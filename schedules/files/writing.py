"""Write sections as YAML for people or as JSON for programs, so that they are read again as they were. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

WIDTH = 110
NUMBER = re.compile(r"[-+.]*[0-9][-+.0-9eE_:]*")  # whatever a reader might take for one
WORDS = re.compile(r"y|n|yes|no|on|off|true|false|null|~|", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Set the items of lists in from their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    style = None
    if not all(line.isprintable() and line == line.rstrip() for line in lines):
        style = '"'
    elif len(lines) > 1:
        style = "|" if text.strip("\n") and not text.startswith(("\n", " ")) else '"'
    elif NUMBER.fullmatch(text) or WORDS.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(sections: Mapping[str, Any], comments: Sequence[str]) -> str:
    """Return the sections as YAML below comments, an empty line before each section."""
    head = "".join(f"# {_one_line(line)}".rstrip() + "\n" for line in comments)
    parts = [
        yaml.dump({name: section}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
        for name, section in sections.items()
    ]
    return "\n".join([head, *parts] if head else parts)


def as_json(sections: Mapping[str, Any]) -> str:
    """Return the sections as JSON in plain ASCII, which is YAML as well."""
    return json.dumps(sections, indent=2, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n"


def _one_line(text: str) -> str:
    """Return text that cannot end its comment."""
    return "".join(one if one.isprintable() else " " for one in text)
