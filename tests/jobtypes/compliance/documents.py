"""Small OSCAL documents of our own, written to files."""

import json


def control(control_id, *inner, title="", withdrawn=False, label=""):
    """A control as OSCAL writes it, with enhancements inside."""
    props = [
        {"name": "label", "class": "zero-padded", "value": "padded"},
        {"name": "label", "value": label or control_id.upper()},
    ]
    if withdrawn:
        props.append({"name": "status", "value": "withdrawn"})
    part = {"name": "statement", "prose": "Do this:", "parts": [{"name": "item", "prose": "properly."}]}
    found = {"id": control_id, "title": title or f"Title of {control_id}", "props": props, "parts": [part]}
    return {**found, "controls": list(inner)} if inner else found


def catalog(*controls, title="Harbour rules, LOW baseline", version="3.1"):
    """A catalog with these controls: the first at the root, the others in a group within a group."""
    first, others = list(controls[:1]), list(controls[1:])
    groups = [{"id": "g", "groups": [{"id": "h", "controls": others}]}] if others else []
    return {"catalog": {"metadata": {"title": title, "version": version}, "controls": first, "groups": groups}}


def profile(*imports, resources=(), title="Harbour profile"):
    found = {"metadata": {"title": title, "version": "1"}, "imports": list(imports)}
    return {"profile": {**found, "back-matter": {"resources": list(resources)}}}


def importing(href, *ids, **more):
    """An import of these ids; of what `more` says where there are none."""
    chosen = {"include-controls": [{"with-ids": list(ids)}]} if ids else {}
    return {"href": href, **chosen, **more}


def write(folder, **documents):
    """Write each document to NAME.json, and return the path of the last."""
    for name, document in documents.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document))
    return path


SMALL = catalog(
    control("zz-1"),
    control("ac-2", control("ac-2.1"), control("ac-2.2", control("ac-2.2.1"), withdrawn=True)),
    control("ac-3"),
)
