from django.apps import AppConfig


class JobTypesConfig(AppConfig):
    name = "jobtypes"
    verbose_name = "Job types"

    def ready(self) -> None:
        from jobtypes import checks  # noqa: F401 - registers them
