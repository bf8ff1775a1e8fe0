from django.apps import AppConfig


class JobRunsConfig(AppConfig):
    name = "jobruns"
    verbose_name = "Runs"
