"""Systems, catalogs and evidence for tests of compliance."""

from datetime import UTC, datetime

import pytest

from jobtypes.models import Catalog, Control, Evidence, System

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def make_system(db):
    """Return a function that stores a system, in the environment edge unless told otherwise."""

    def make(name="harbour", environment="edge", **fields):
        system = System(name=name, environment=environment, **fields)
        system.store(by="tester")
        return system

    return make


@pytest.fixture
def make_catalog(db):
    """Return a function that makes a catalog of these control ids."""

    def make(*control_ids, key="small"):
        catalog = Catalog.objects.create(key=key, sha256="0" * 64, loaded_at=NOON)
        for position, one in enumerate(control_ids):
            Control.objects.create(
                catalog=catalog,
                control_id=one,
                family=one.partition("-")[0],
                position=position,
                depth=one.count("."),
            )
        return catalog

    return make


@pytest.fixture
def make_evidence(db):
    """Return a function that stores evidence of a system, collected at noon unless told otherwise."""

    def make(system, evidence_type="audit-log", **fields):
        row = Evidence(
            **{"system": system, "evidence_type": evidence_type, "key": evidence_type, "collected_at": NOON, **fields}
        )
        row.store(by="tester")
        return row

    return make
