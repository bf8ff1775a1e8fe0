"""Named ways to the outside world, and the tokens by which programs come in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from integrations import secrets


class Connection(models.Model):
    """A named way to another system. What must stay secret is encrypted and never read back."""

    class Kind(models.TextChoices):
        SQL = "sql", "SQL database (read only)"
        HTTP = "http", "HTTP service"

    name = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=16, choices=Kind)
    description = models.TextField(max_length=1000, blank=True, default="")
    address = models.CharField(
        max_length=2000, help_text="Where it leads, without any secret: shown on pages and in the API."
    )
    encrypted = models.TextField(editable=False, default="", blank=True)
    created_by = models.CharField(max_length=150, blank=True, default="")
    updated_by = models.CharField(max_length=150, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> dict[str, Any]:
        """Return the secret part, decrypted; raises secrets.Undecryptable when no key fits."""
        return secrets.decrypt(self.encrypted) if self.encrypted else {}

    @secrets.setter
    def secrets(self, values: dict[str, Any]) -> None:
        self.encrypted = secrets.encrypt(values) if values else ""


class ApiToken(models.Model):
    """A program's key to the API: shown once, kept as a digest."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
