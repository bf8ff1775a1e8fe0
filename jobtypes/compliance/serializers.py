"""Systems, evidence, catalogs and waivers as JSON: what a caller may send, and what an answer shows."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.core.exceptions import ValidationError as Refused
from django.utils import timezone
from rest_framework import serializers

from integrations.access import COMMON, environments_of
from integrations.rest.fields import MomentField, OneOfVisible, Placed, StrictFields
from jobtypes.compliance.models import (
    Catalog,
    Control,
    ControlRequirement,
    Evidence,
    EvidenceAccess,
    EvidenceVersion,
    System,
    Waiver,
)

STAMPS = ["version", "created_by", "updated_by", "created_at", "updated_at"]


class SystemField(OneOfVisible, serializers.SlugRelatedField[System]):
    """A system by its name."""

    default_error_messages = {"does_not_exist": "There is no system {value!r}.", "invalid": "Write its name."}

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="name", queryset=System.objects.all(), **options)

    def to_internal_value(self, data: Any) -> System:
        """Return the system; raises ValidationError."""
        if not isinstance(data, str) or "\0" in data:
            self.fail("invalid")
        system: System = super().to_internal_value(data)
        return system


class SystemsField(serializers.ListField):
    """Systems by their names; of those that a row names, the ones that the caller may see."""

    child = SystemField()

    def get_attribute(self, row: Any) -> list[System]:
        """Return the systems to show, by name."""
        places = environments_of(self.context["request"].user)
        seen = [one for one in row.systems.all() if places is None or one.environment in places]
        return sorted(seen, key=lambda one: one.name)


class SystemSerializer(Placed, serializers.ModelSerializer[System]):
    """Something that has to show evidence. On update only what is sent changes."""

    kept_by_us = frozenset({"id", *STAMPS})

    name = serializers.CharField(max_length=255, trim_whitespace=False)
    attributes = serializers.DictField(required=False, help_text="Facts of your own.")

    class Meta:
        model = System
        fields = ["id", "name", "description", "environment", "attributes", *STAMPS]
        read_only_fields = ["id", *STAMPS]
        validators: list[Any] = []

    def create(self, values: dict[str, Any]) -> System:
        """Store a new system; raises ValidationError."""
        return self.update(System(), values)

    def update(self, system: System, values: dict[str, Any]) -> System:
        """Store what was sent; raises ValidationError."""
        for name, value in values.items():
            setattr(system, name, value)
        system.store(by=self.context["request"].user.get_username())
        return system


class EvidenceSerializer(StrictFields, serializers.ModelSerializer[Evidence]):
    """One piece of evidence. On update only what is sent changes; every change is a version."""

    aliases = {"type": "evidence_type", "timestamp": "collected_at"}
    kept_by_us = frozenset({"id", "environment", *STAMPS})

    system = SystemField(help_text="By its name. Evidence stays with its system.")
    environment = serializers.CharField(source="system.environment", read_only=True)
    evidence_type = serializers.CharField(max_length=100, help_text="Also under the name `type`.")
    key = serializers.CharField(max_length=500, required=False, help_text="Which one of its type. Default: the type.")
    sha256 = serializers.CharField(max_length=64, required=False, allow_blank=True, help_text="64 hex digits.")
    collected_at = MomentField(required=False, help_text="Now if left out; also under the name `timestamp`.")
    expires_at = MomentField(required=False, allow_null=True, help_text="From then on it counts no more.")
    attributes = serializers.DictField(required=False, help_text="What else is known of it.")
    data = serializers.JSONField(  # type: ignore[assignment]  # the field's name is the contract
        required=False, write_only=True, help_text="What its source said; kept with it."
    )
    collector_version = serializers.CharField(max_length=100, required=False, write_only=True, allow_blank=True)
    signature = serializers.CharField(max_length=20_000, required=False, write_only=True, allow_blank=True)

    class Meta:
        model = Evidence
        fields = [
            *["id", "system", "environment", "evidence_type", "key", "path", "filename", "sha256", "size", "source"],
            *["collected_at", "expires_at", "attributes", "data", "collector_version", "signature", *STAMPS],
        ]
        read_only_fields = ["id", *STAMPS]
        validators: list[Any] = []

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Read moments without an offset as UTC, and leave evidence with its system; raises ValidationError."""
        for name in ("collected_at", "expires_at"):
            if (at := values.get(name)) is not None and at.tzinfo is None:
                values[name] = at.replace(tzinfo=UTC)
        if self.instance is not None and values.get("system", self.instance.system) != self.instance.system:
            raise serializers.ValidationError({"system": ["Evidence stays with its system."]})
        return values

    def create(self, values: dict[str, Any]) -> Evidence:
        """Store new evidence, or bring back what was deleted; raises ValidationError where it is there."""
        values.setdefault("key", values["evidence_type"])
        own = {name: values[name] for name in ("system", "evidence_type", "key")}
        found = Evidence.objects.select_for_update(of=("self",)).filter(**own).first()
        if found is not None and found.deleted_at is None:
            raise Refused(
                f"{found.system} has {found.evidence_type} with the key {found.key!r} already, number {found.pk}. "
                "Change that one, or send another key.",
                code="conflict",
            )
        fresh = Evidence(pk=found.pk, created_by=found.created_by) if found else Evidence()
        if found is not None:
            fresh.created_at, fresh._state.adding = found.created_at, False
        return self.update(fresh, values)

    def update(self, evidence: Evidence, values: dict[str, Any]) -> Evidence:
        """Store what was sent as a new version, logged; raises ValidationError."""
        request = self.context["request"]
        about = {name: values.pop(name) for name in ("data", "collector_version", "signature") if name in values}
        for name, value in values.items():
            setattr(evidence, name, value)
        address = str(request.META.get("REMOTE_ADDR", ""))
        evidence.store(by=request.user.get_username(), address=address, **about)
        return evidence


class EvidenceVersionSerializer(serializers.ModelSerializer[EvidenceVersion]):
    """What was said of a piece of evidence at one time."""

    class Meta:
        model = EvidenceVersion
        fields = ["version", "data", "collected_at", "collector_version", "signature", "created_at"]


class EvidenceVersionsSerializer(serializers.Serializer[Any]):
    """Versions of a piece of evidence, newest first."""

    results = EvidenceVersionSerializer(many=True)


class EvidenceAccessSerializer(serializers.ModelSerializer[EvidenceAccess]):
    """Who did what with a piece of evidence, when and from where."""

    class Meta:
        model = EvidenceAccess
        fields = ["who", "action", "at", "address"]


class EvidenceAccessesSerializer(serializers.Serializer[Any]):
    """What was done with a piece of evidence, newest first."""

    results = EvidenceAccessSerializer(many=True)


class CatalogSerializer(serializers.ModelSerializer[Catalog]):
    """A catalog or a baseline, and how many controls it has."""

    base = serializers.IntegerField(read_only=True, help_text="Controls that add to no other.")
    enhancements = serializers.IntegerField(read_only=True)
    withdrawn = serializers.IntegerField(read_only=True, help_text="Of both.")

    class Meta:
        model = Catalog
        fields = [
            *["id", "key", "title", "version", "framework", "baseline", "reading", "sha256", "loaded_at"],
            *["base", "enhancements", "withdrawn"],
        ]


class ControlSerializer(serializers.ModelSerializer[Control]):
    """One control of a catalog; `parent` is the id of the control that it adds to, empty where there is none."""

    parent = serializers.CharField(  # type: ignore[assignment]  # the field's name is the contract
        source="parent.control_id", default="", read_only=True
    )

    class Meta:
        model = Control
        fields = ["id", "control_id", "label", "title", "family", "text", "parent", "depth", "withdrawn"]


class ControlRequirementSerializer(StrictFields, serializers.ModelSerializer[ControlRequirement]):
    """What a control or a family requires here, beating what Carillon knows."""

    kept_by_us = frozenset({"id", *STAMPS[1:]})

    required_all = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100, required=False)
    required_any = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100, required=False)

    class Meta:
        model = ControlRequirement
        fields = ["id", "control_id", "family", "required_all", "required_any", "remediation", *STAMPS[1:]]
        read_only_fields = ["id", *STAMPS[1:]]
        validators: list[Any] = []

    def create(self, values: dict[str, Any]) -> ControlRequirement:
        """Store a new requirement; raises ValidationError."""
        return self.update(ControlRequirement(), values)

    def update(self, requirement: ControlRequirement, values: dict[str, Any]) -> ControlRequirement:
        """Store what was sent; raises ValidationError."""
        for name, value in values.items():
            setattr(requirement, name, value)
        requirement.store(by=self.context["request"].user.get_username())
        return requirement


class WaiverSerializer(StrictFields, serializers.ModelSerializer[Waiver]):
    """Why a control need not pass, through the day `expires`. It never changes what a validation says."""

    kept_by_us = frozenset({"id", "is_active", *STAMPS})

    systems = SystemsField(required=False, max_length=1_000, help_text="By their names; none: for all systems.")
    compensating_controls = serializers.ListField(
        child=serializers.CharField(max_length=500), max_length=100, required=False, help_text="What is done instead."
    )
    is_active = serializers.SerializerMethodField(help_text="Whether it holds today, in UTC.")

    class Meta:
        model = Waiver
        fields = [
            *["id", "control_id", "systems", "reason", "compensating_controls", "approved_by", "approved_on"],
            *["expires", "notes", "is_active", *STAMPS],
        ]
        read_only_fields = ["id", *STAMPS]
        validators: list[Any] = []

    def get_is_active(self, waiver: Waiver) -> bool:
        """Tell whether it holds today."""
        return waiver.expires >= timezone.now().astimezone(UTC).date()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse a waiver for all systems from who is limited to some; raises ValidationError."""
        named = values.get("systems", None if self.instance else [])
        if named is not None and not named and environments_of(self.context["request"].user) is not None:
            raise serializers.ValidationError({"systems": [f"Name systems of yours. {COMMON}"]})
        return values

    def create(self, values: dict[str, Any]) -> Waiver:
        """Store a new waiver; raises ValidationError."""
        return self.update(Waiver(), {"systems": [], **values})

    def update(self, waiver: Waiver, values: dict[str, Any]) -> Waiver:
        """Store what was sent; raises ValidationError."""
        systems = values.pop("systems", None)
        for name, value in values.items():
            setattr(waiver, name, value)
        waiver.store(by=self.context["request"].user.get_username(), systems=systems)
        return waiver
