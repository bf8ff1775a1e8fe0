"""What a validation is told."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from jobtypes.base import Config

Enhancements = Literal["include", "exclude", "as_listed"]
Withdrawn = Literal["exclude", "include"]
Expired = Literal["ignore", "count"]
Waivers = Literal["mark", "off"]
Findings = Literal["regressions", "all", "off"]


@dataclass(frozen=True, slots=True)
class Options:
    """How strictly a validation looks."""

    enhancements: Enhancements = "include"
    withdrawn: Withdrawn = "exclude"
    expired_evidence: Expired = "ignore"
    max_age_days: int | None = None
    waivers: Waivers = "mark"
    aliases: bool = True
    findings: Findings = "regressions"
    incremental: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return them by name."""
        return asdict(self)


AS_BEFORE = Options("as_listed", "include", "count", None, "off", False, "off", False)
OPTIONS = tuple(asdict(AS_BEFORE))


class ComplianceConfig(Config):
    """Validates the systems of an environment against catalogs of controls."""

    environment: str = Field(
        min_length=1, max_length=50, title="Environment", description="Its systems are validated."
    )
    catalogs: list[str] = Field(
        min_length=1,
        max_length=20,
        title="Catalogs",
        description="Keys of loaded catalogs. A control in two of them has a result in each.",
        json_schema_extra={"widget": "lines"},
    )
    systems: list[str] = Field(
        default_factory=list,
        max_length=1_000,
        title="Systems",
        description="Names; none means all of the environment.",
        json_schema_extra={"widget": "lines"},
    )
    controls: list[str] = Field(
        default_factory=list,
        max_length=2_000,
        title="Controls",
        description="Ids such as AC-2; none means all of the catalogs.",
        json_schema_extra={"widget": "lines"},
    )
    enhancements: Enhancements = Field(
        "include", title="Enhancements", description="Take all, drop ids with a dot, or take what has depth 0."
    )
    withdrawn: Withdrawn = Field(
        "exclude", title="Withdrawn controls", description="Leave them out, or take them as any other."
    )
    expired_evidence: Expired = Field(
        "ignore", title="Expired evidence", description="Ignore it, so that it shows nothing, or count it."
    )
    max_age_days: int | None = Field(
        None,
        ge=1,
        le=3_650,
        title="Greatest age of evidence",
        description="Days since it was collected; empty for any.",
    )
    waivers: Waivers = Field(
        "mark", title="Waivers", description="Mark results that an active waiver covers; no status changes by that."
    )
    aliases: bool = Field(
        True, title="Aliases", description="Let what collectors send count under the names of the requirements."
    )
    findings: Findings = Field(
        "regressions",
        title="Findings",
        description="Open one for what passed before or fails a check, for all that does not pass, or for nothing.",
    )
    incremental: bool = Field(
        False, title="Incremental", description="Decide anew only what changed evidence concerns; 7 days at most."
    )
    compatibility: bool = Field(
        False,
        title="Compatibility",
        description="Decide as the tool that Carillon follows did; it sets the options above, name none beside it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_or_the_other(cls, values: Any) -> Any:
        compatible = isinstance(values, dict) and values.get("compatibility") is True
        if compatible and (named := [name for name in OPTIONS if name in values]):
            raise ValueError(f"compatibility sets {', '.join(named)} itself; leave it out, or leave these out.")
        return values

    @field_validator("environment")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("An environment holds no control characters.")
        return value

    @field_validator("catalogs", "systems", "controls")
    @classmethod
    def _names(cls, values: list[str]) -> list[str]:
        if not all(one and one.isprintable() and len(one) <= 255 for one in values):
            raise ValueError("Each is a name of 1 to 255 characters, none of them a control character.")
        return list(dict.fromkeys(values))

    @field_validator("controls")
    @classmethod
    def _in_upper_case(cls, values: list[str]) -> list[str]:
        return list(dict.fromkeys(one.upper() for one in values))

    @property
    def options(self) -> Options:
        """Return the options as they hold."""
        return AS_BEFORE if self.compatibility else Options(**{name: getattr(self, name) for name in OPTIONS})
