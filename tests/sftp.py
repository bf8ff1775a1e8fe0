"""A real SFTP server on 127.0.0.1 over a real folder, as tests see it: what it was sent, and what it may refuse.

@pytest.fixture
def place(tmp_path):
    with Place(tmp_path / "remote") as place:
        yield place
"""

import errno
import io
import os
import socket
import threading
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from integrations.sftp import fingerprint

USER, PASSWORD = "erp", "h1dden-word"


def make_key(password: str = "") -> tuple[str, paramiko.PKey]:
    """Return a new Ed25519 key as the text of its file, encrypted if a password is given, and as paramiko has it."""
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    text = (
        Ed25519PrivateKey.generate()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, lock)
        .decode()
    )
    return text, paramiko.Ed25519Key.from_private_key(io.StringIO(text), password=password or None)


class Place:
    """A server with one user; `folder` is its root. `passwords` and `keys` are what clients offered, ever.

    `authorised` is the public key that it takes. `refuses` names what it does not do: "rename", "remove", "mkdir",
    "list". `names` are further names that its listings claim. `cut_after` breaks a download off after so many bytes,
    and `most_at_once` is how many it gives to one request.
    """

    def __init__(self, folder: Path, *, host_keys: list[paramiko.PKey] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host_keys = host_keys or [make_key()[1]]
        self.host_key = fingerprint(self.host_keys[0].asbytes())
        self.authorised: paramiko.PKey | None = None
        self.passwords: list[str] = []
        self.keys: list[str] = []
        self.connections = 0
        self.refuses: set[str] = set()
        self.names: list[bytes] = []
        self.cut_after: int | None = None
        self.most_at_once = 1 << 20
        self._transports: list[paramiko.Transport] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Return an address with the password and the right host key."""
        return f"sftp://{USER}:{PASSWORD}@{self.host}:{self.port}/?host_key={self.host_key}"

    @property
    def fields(self) -> dict[str, object]:
        """Return the same in parts."""
        return {
            **{"host": self.host, "port": self.port, "username": USER, "password": PASSWORD},
            **{"host_key": self.host_key, "remote_path": "/"},
        }

    def drop(self) -> None:
        """Break every connection off; new ones are taken."""
        for transport in self._transports:
            transport.close()
        self._transports.clear()

    def close(self) -> None:
        """End it; a second time does nothing."""
        if self._listener.fileno() == -1:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.drop()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            transport = paramiko.Transport(wire)
            transport.set_log_channel("tests.sftp")
            for key in self.host_keys:
                transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", Subsystem, Files, place=self)
            self._transports.append(transport)
            try:
                transport.start_server(event=threading.Event(), server=Door(self))
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()


class Door(paramiko.ServerInterface):
    """Who may come in, and a note of everything that was offered."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        self.place.passwords.append(password)
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        self.place.keys.append(fingerprint(key.asbytes()))
        right = username == USER and self.place.authorised is not None and key == self.place.authorised
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class Subsystem(paramiko.SFTPServer):
    """The protocol; names that its listings claim may be no UTF-8."""


class Files(paramiko.SFTPServerInterface):
    """The folder behind the protocol."""

    def __init__(self, server, *args, place: Place, **options):
        super().__init__(server, *args, **options)
        self.place = place

    def list_folder(self, path):
        if "list" in self.place.refuses:
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            entries = list(os.scandir(self._real(path)))
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno)
        found = [paramiko.SFTPAttributes.from_stat(one.stat(follow_symlinks=False), one.name) for one in entries]
        for name in self.place.names:
            claimed = paramiko.SFTPAttributes.from_stat(os.stat(__file__), name)
            claimed.longname = b"-"
            found.append(claimed)
        return found

    def stat(self, path):
        return self._looked(path, os.stat)

    def lstat(self, path):
        return self._looked(path, os.lstat)

    def open(self, path, flags, attr):
        try:
            descriptor = os.open(self._real(path), flags)
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno)
        handle = Handle(flags)
        handle.place = self.place
        handle.readfile = os.fdopen(descriptor, "rb")
        return handle

    def remove(self, path):
        return self._do("remove", lambda: os.remove(self._real(path)))

    def rename(self, oldpath, newpath):
        old, new = self._real(oldpath), self._real(newpath)
        if os.path.lexists(new):
            return paramiko.SFTP_FAILURE  # as the protocol's version 3 has it
        return self._do("rename", lambda: os.rename(old, new))

    def mkdir(self, path, attr):
        return self._do("mkdir", lambda: os.mkdir(self._real(path)))

    def _do(self, what, act):
        if what in self.place.refuses:
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            act()
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno)
        return paramiko.SFTP_OK

    def _looked(self, path, look):
        try:
            return paramiko.SFTPAttributes.from_stat(look(self._real(path)))
        except OSError as wrong:
            return paramiko.SFTPServer.convert_errno(wrong.errno or errno.EIO)

    def _real(self, path):
        return os.path.join(self.place.folder, self.canonicalize(path).lstrip("/"))


class Handle(paramiko.SFTPHandle):
    """An open file."""

    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def read(self, offset, length):
        if self.place.cut_after is not None and offset >= self.place.cut_after:
            self.place.drop()
            return paramiko.SFTP_CONNECTION_LOST
        return super().read(offset, min(length, self.place.most_at_once))
