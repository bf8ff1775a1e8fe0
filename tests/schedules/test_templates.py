"""Templates without a database: placeholders, parameters, and how a newer version meets an edited schedule."""

import time

import pytest

from schedules.patterns import definition, parameters, placeholders
from schedules.patterns.definition import Change
from schedules.patterns.parameters import InvalidTemplate


def refused(raw):
    with pytest.raises(InvalidTemplate) as caught:
        parameters.read(raw)
    return {where: " ".join(texts) for where, texts in caught.value.errors.items()}


def values(raw, **sent):
    return parameters.values(parameters.read(raw), sent)


def wrong(raw, **sent):
    with pytest.raises(InvalidTemplate) as caught:
        values(raw, **sent)
    return {name: " ".join(texts) for name, texts in caught.value.errors.items()}


@pytest.mark.parametrize("value", [90, 2.5, True, "riga"])
def test_a_value_that_is_one_placeholder_keeps_its_type(value):
    filled = placeholders.fill({"a": {"b": ["{{ x }}", " {{x}} "]}}, {"x": value})
    assert filled == {"a": {"b": [value, value]}}
    assert type(filled["a"]["b"][0]) is type(value)


def test_within_a_longer_text_values_are_written_out():
    text = "https://{{ host }}/{{n}}?all={{ all }}"
    assert placeholders.fill(text, {"host": "h", "n": 3, "all": True}) == "https://h/3?all=true"


def test_a_placeholder_without_a_value_leaves_its_member_out_and_nothing_in_a_text():
    assert placeholders.fill({"a": "{{ x }}", "b": "x{{ x }}", "c": ["{{ x }}", 1]}, {}) == {"b": "x", "c": [1]}


def test_what_was_filled_in_is_not_filled_again():
    assert placeholders.fill("{{ a }} {{ b }}", {"a": "{{ b }}", "b": "2"}) == "{{ b }} 2"


def test_there_is_no_logic_between_the_braces():
    assert placeholders.names(["{{ 7*7 }}", "{{ x.__class__ }}", "{% if x %}"]) == {"7*7", "x.__class__"}


def test_many_braces_are_read_quickly():
    began = time.perf_counter()
    assert placeholders.names("{{" * 200_000 + " " * 200_000) == set()
    assert time.perf_counter() - began < 1


def test_defaults_stand_in_and_null_is_like_nothing_sent():
    raw = [{"name": "days", "type": "integer", "default": 90}, {"name": "note"}]
    assert values(raw, days=None) == {"days": 90}
    assert values(raw, days=7, note="x") == {"days": 7, "note": "x"}


@pytest.mark.parametrize(
    ("declared", "value", "sentence"),
    [
        ({"required": True}, None, "This parameter is required."),
        ({"type": "integer"}, 1.5, "Write a whole number."),
        ({"type": "integer"}, True, "Write a whole number."),
        ({"type": "integer"}, 10**30, "Write a number between"),
        ({"type": "number"}, "3", "Write a number."),
        ({"type": "boolean"}, 1, "Write true or false."),
        ({"type": "integer", "min": 1}, 0, "At least 1."),
        ({"type": "number", "max": 2.5}, 3, "At most 2.5."),
        ({"min": 2}, "a", "At least 2 characters."),
        ({"pattern": "[a-z]+"}, "riga\n", "It does not fit the pattern [a-z]+"),
        ({"pattern": "a|b"}, "bc", "It does not fit the pattern a|b"),
        ({"type": "choice", "choices": ["a", "b"]}, "c", "Choose one of a, b."),
        ({}, ["x"], "Write a text."),
        ({}, "x" * 1001, "At most 1000 characters"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_under_its_name(declared, value, sentence):
    assert sentence in wrong([{"name": "p", **declared}], p=value)["p"]


def test_an_unknown_parameter_is_refused_under_its_name():
    assert wrong([{"name": "a"}], b=1) == {"b": "There is no such parameter."}


@pytest.mark.parametrize(
    ("declared", "where", "sentence"),
    [
        ({"name": "Shop"}, "0.name", "small letter"),
        ({"name": "a", "type": "date"}, "0.type", "string"),
        ({"name": "a", "size": 3}, "0.size", "not permitted"),
        ({"name": "a", "required": True, "default": "x"}, "0", "no default"),
        ({"name": "a", "type": "integer", "default": "x"}, "0", "Write a whole number."),
        ({"name": "a", "type": "integer", "min": 3, "max": 2}, "0", "max lies below min"),
        ({"name": "a", "type": "boolean", "min": 3}, "0", "neither min nor max"),
        ({"name": "a", "type": "choice"}, "0", "has choices"),
        ({"name": "a", "type": "integer", "pattern": "x"}, "0", "Only a string"),
        ({"name": "a", "pattern": "[a-z"}, "0", "cannot be used"),
        ({"name": "a", "pattern": "a)|(b"}, "0", "cannot be used"),
        ({"name": "a", "pattern": "(?=a)"}, "0", "look-around"),
        ({"name": "a", "pattern": r"(\w{500}){20}"}, "0", "size limit"),
        ("shop", "0", "dictionary"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_where_it_is_wrong(declared, where, sentence):
    assert sentence in refused([declared])[where]


def test_a_name_may_be_there_once():
    assert refused([{"name": "a"}, {"name": "a"}]) == {"1.name": "a is there twice."}


def test_a_pattern_that_would_hang_others_answers_at_once():
    began = time.perf_counter()
    assert wrong([{"name": "p", "pattern": "(a+)+b"}], p="a" * 1000)
    assert wrong([{"name": "p", "pattern": "(.*.*.*.*x){20}"}], p="a" * 1000)
    assert time.perf_counter() - began < 2


def check(raw, *names, environment=""):
    with pytest.raises(InvalidTemplate) as caught:
        definition.check(raw, parameters.read([{"name": name} for name in names]), environment)
    return {where: " ".join(texts) for where, texts in caught.value.errors.items()}


def test_a_definition_names_only_fields_and_parameters_that_there_are():
    raw = {"job_type": "noop", "params": {"deep": ["{{ a }} {{ b }}"]}, "name": "x", "tags": ["{{ a }}"]}
    assert check(raw, "a") == {
        "definition.params": "There is no parameter 'b'.",
        "definition.name": "A template has no such field.",
    }


def test_a_definition_says_what_is_done_and_has_one_environment():
    assert set(check({"environment": "test"}, environment="test")) == {
        "definition.job_type",
        "definition.environment",
    }


def merged(old, new, made, now):
    return definition.merge(*map(definition.flat, (old, new)), made=made, now=now)


def test_what_nobody_edited_follows_the_template_and_the_rest_stays():
    found = merged(
        {"priority": 5, "params": {"url": "a", "n": 1}},
        {"priority": 7, "params": {"url": "b", "m": 2}},
        {"priority": 5, "params.url": "a", "params.n": 1, "queue": "q"},
        {"priority": 9, "params.url": "a", "params.n": 1, "queue": "mine"},
    )
    assert found.changes == (Change("params.m", None, 2), Change("params.n", 1, None), Change("params.url", "a", "b"))
    assert found.by_hand == (Change("priority", 9, 7),)


def test_an_edit_that_says_what_the_template_says_now_is_no_difference():
    found = merged({"priority": 5}, {"priority": 7}, {"priority": 5}, {"priority": 7})
    assert found.changes == found.by_hand == ()


def test_changed_parameters_of_the_job_are_put_over_the_others():
    changes = [Change("params.a", 1, None), Change("params.b", 1, 2), Change("priority", 5, 6)]
    assert definition.values_of(changes, {"a": 1, "b": 1, "c": None}) == {
        "params": {"b": 2, "c": None},
        "priority": 6,
    }
