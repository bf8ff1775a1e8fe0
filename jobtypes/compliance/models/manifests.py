"""Manifests of evidence, as collectors write them."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models

from integrations.access import OfEnvironments
from jobtypes.compliance.models.refusals import SHA256


class ManifestQuerySet(OfEnvironments, models.QuerySet["Manifest"]):
    pass


class Manifest(models.Model):
    """A list of evidence with the hash of each part, and one over all of them. Loaded, never edited."""

    environment = models.CharField(max_length=50)
    version = models.CharField(max_length=100, blank=True, default="")
    overall_hash = models.CharField(max_length=64, blank=True, default="", validators=[RegexValidator(SHA256)])
    signature = models.TextField(blank=True, default="", help_text="As the file has it; nobody checks it.")
    sha256 = models.CharField(max_length=64, validators=[RegexValidator(SHA256)], help_text="Of the file.")
    loaded_at = models.DateTimeField(auto_now_add=True)

    objects = ManifestQuerySet.as_manager()

    class Meta:
        ordering = ["-loaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "sha256"], name="a_manifest_is_loaded_once"),
        ]

    def __str__(self) -> str:
        return f"Manifest {self.version or self.sha256[:12]} of {self.environment}"


class ManifestEntryQuerySet(OfEnvironments, models.QuerySet["ManifestEntry"]):
    environment_paths = ("manifest__environment",)


class ManifestEntry(models.Model):
    """One artifact of a manifest."""

    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="entries", db_index=False)
    key = models.CharField(max_length=500)
    filename = models.CharField(max_length=500, blank=True, default="")
    sha256 = models.CharField(max_length=64, blank=True, default="", validators=[RegexValidator(SHA256)])
    size = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")

    objects = ManifestEntryQuerySet.as_manager()

    class Meta:
        ordering = ["manifest", "key"]
        verbose_name_plural = "manifest entries"
        constraints = [models.UniqueConstraint(fields=["manifest", "key"], name="a_key_once_in_a_manifest")]

    def __str__(self) -> str:
        return self.key
