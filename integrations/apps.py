from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = "Integrations"

    def ready(self) -> None:
        from integrations import checks  # noqa: F401 - registers them


class WorkshopConfig(SimpleAdminConfig):
    """The admin, which urls.py looks through for admins, so that only the site loads them."""

    default_site = "integrations.workshop.Workshop"
