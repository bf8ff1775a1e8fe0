"""Connect to an SSH server, see its host key confirmed, and only then sign in. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import logging
import socket
import struct
from typing import TYPE_CHECKING

from integrations.sftp.base import CONNECT_SECONDS, NotDone, Server, why

if TYPE_CHECKING:
    from paramiko import PKey, Transport

KEY_TYPES = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
MISSING = "Connections of kind sftp need the extra [sftp], which is not installed where this runs: install paramiko."
LOG = "carillon.sftp"


def confirmed(server: Server) -> Transport:
    """Return a connection to a server that has proved its host key; nothing was sent that is ours.

    A server has keys of several types and shows the one that is asked for first, so that all types are asked for
    before another key is called wrong. Raises NotDone.
    """
    shown = ""
    for types in ((), *KEY_TYPES):
        try:
            transport = _greeted(server, types)
        except NotDone:
            if shown:
                continue  # it has no key of this type
            raise
        key = fingerprint(transport.get_remote_server_key().asbytes())
        if server.host_key and hmac.compare_digest(key, server.host_key):
            return transport
        transport.close()
        shown = shown or key
        if not server.host_key:
            break
    if not server.host_key:
        sentence = (
            f"{server.place} shows the host key {shown}, which nobody has confirmed. No password was sent. Compare "
            "it with what the server's owner says, and write it into the connection as host_key."
        )
        raise NotDone("unconfirmed", sentence, shown)
    sentence = (
        f"{server.place} shows the host key {shown}, but the connection expects {server.host_key}. No password was "
        "sent and nothing was read. If the server was given a new key, confirm that one; if not, somebody may be "
        "listening in between."
    )
    raise NotDone("host_key", sentence, shown)


def sign_in(server: Server, transport: Transport) -> None:
    """Sign in with the private key, or with the password if there is none. Raises NotDone."""
    from paramiko import AuthenticationException, SSHException

    try:
        if server.private_key:
            transport.auth_publickey(server.user, _key(server))
        else:
            transport.auth_password(server.user, server.password)
    except AuthenticationException:
        what = "the private key" if server.private_key else "the password"
        raise NotDone("login", f"{server.place} does not take {what} of {server.user}. Nothing was read.") from None
    except (SSHException, EOFError, OSError) as wrong:
        raise NotDone("lost", f"{server.place} broke off during the login: {why(wrong)}.") from None
    if not transport.is_authenticated():
        raise NotDone("login", f"{server.place} wants more than a password or a key of {server.user}.")


def fingerprint(key: bytes) -> str:
    """Return how a public key is written for people: SHA256 and its digest, as `ssh-keygen -l` does."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _greeted(server: Server, types: tuple[str, ...]) -> Transport:
    """Return a connection whose keys are exchanged; of `types`, if any are given. Raises NotDone."""
    try:
        from paramiko import SSHException, Transport
    except ImportError:
        raise NotDone("not_installed", MISSING) from None

    logging.getLogger(LOG).setLevel(logging.CRITICAL + 1)  # what goes wrong is raised, and told once
    try:
        wire = socket.create_connection((server.host, server.port), timeout=CONNECT_SECONDS)
    except (OSError, UnicodeError) as wrong:
        raise NotDone("unreachable", f"{server.place} cannot be reached: {why(wrong)}.") from None
    transport = Transport(wire)
    try:
        transport.set_log_channel(LOG)
        transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = CONNECT_SECONDS
        if types:
            transport.get_security_options().key_types = types
        transport.start_client(timeout=CONNECT_SECONDS)
    except (SSHException, EOFError, OSError) as wrong:
        transport.close()
        wire.close()
        raise NotDone("unreachable", f"{server.place} does not speak SSH as it should: {why(wrong)}.") from None
    return transport


def _key(server: Server) -> PKey:
    """Return the private key; raises NotDone with a sentence that quotes nothing of it."""
    from paramiko import ECDSAKey, Ed25519Key, PasswordRequiredException, RSAKey, SSHException

    text = server.private_key.replace("\r\n", "\n").strip() + "\n"
    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=server.password or None)
        except PasswordRequiredException:
            raise NotDone("login", "The private key is encrypted; write its passphrase as the password.") from None
        except (SSHException, ValueError, IndexError, AssertionError, struct.error):
            continue  # it is of another type, or damaged: paramiko checks less than it assumes
    raise NotDone("login", "The private key cannot be read. Paste the whole file: Ed25519, ECDSA or RSA.")
