"""Turn an `sftp` block within a project, as the followed system has it, into a connection with a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as Refused
from rest_framework.exceptions import ValidationError

from integrations import roles
from integrations.access import refuse_unless_changeable
from integrations.models import ApiToken, Connection
from integrations.serializers import ConnectionSerializer

KEY = "sftp"
NO_KEY_PATH = "A path on the server is read by syncschedules only; send the key itself as private_key."


def connected(block: Any, *, project: str, environment: str, context: Mapping[str, Any]) -> str:
    """Store the connection of a project's block and return its name, which is the project's with -sftp behind it.

    Raises ValidationError under `sftp`, and PermissionDenied where the caller may not keep connections.
    """
    if not isinstance(block, dict):
        raise ValidationError({KEY: ["Write its fields: host, username, password, remote_path."]})
    if "key_path" in block:
        raise ValidationError({KEY: {"key_path": [NO_KEY_PATH]}})
    request, name = context["request"], f"{project}-sftp"
    user, token = request.user, getattr(request, "auth", None)
    row = Connection.objects.visible_to(user).filter(name=name).first()
    right = "integrations.change_connection" if row else "integrations.add_connection"
    if not user.has_perm(right) or (isinstance(token, ApiToken) and not token.allows(right)):
        raise PermissionDenied(roles.lacking(user, right))
    if row is not None:
        refuse_unless_changeable(row, user)
    data = {**block, "name": name, "kind": "sftp", "environment": environment}
    serializer = ConnectionSerializer(row, data=data, context=dict(context))
    try:
        serializer.is_valid(raise_exception=True)
        serializer.save()
    except ValidationError as wrong:
        raise ValidationError({KEY: wrong.detail}) from None
    except Refused as wrong:
        raise ValidationError({KEY: wrong.messages}) from None
    return name
