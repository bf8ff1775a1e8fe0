"""What compliance keeps of an environment, for the walk over all addresses."""

from django.utils import timezone

from jobtypes.models import Catalog, Control, Finding, System, ValidationResult


def kept(environment):
    """Store a system with a result and a finding; return kind, as addresses call it → object."""
    now = timezone.now()
    system = System(name=f"{environment} harbour", environment=environment)
    system.store(by="tester")
    catalog = Catalog.objects.create(key=f"{environment}-low", sha256="0" * 64, loaded_at=now)
    control = Control.objects.create(catalog=catalog, control_id="AC-2", family="AC")
    result = ValidationResult.objects.create(
        run_id=1, system=system, control=control, status="fail", validated_at=now
    )
    finding = Finding.objects.create(system=system, control=control, title="It fails", found_at=now)
    return {
        "validation-results": result,
        "findings": finding,
        "jobtypes/validationresult": result,
        "jobtypes/finding": finding,
        "compliance": system,
    }
