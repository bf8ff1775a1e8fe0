"""Files on an SFTP server. Its host key is checked before anything secret is sent. Pure; no proxy is used.

paramiko, of the extra [sftp], is loaded on first use.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from integrations.naming import on_one_line
from integrations.sftp.base import IDLE_SECONDS, Entry, NotDone, Server, why
from integrations.sftp.greeting import confirmed, fingerprint, sign_in

if TYPE_CHECKING:
    from paramiko import SFTPAttributes, Transport

    from integrations.sftp.client import Client

__all__ = ["Entry", "NotDone", "Server", "Session", "connect", "fingerprint", "session"]

ALIVE_SECONDS = 20  # between signs of life while files are loaded
MOST_ENTRIES = 100_000


@contextmanager
def session(server: Server) -> Iterator[Session]:
    """Connect, check the host key, sign in; close whatever happens. Raises NotDone."""
    opened = connect(server)
    try:
        yield opened
    finally:
        opened.close()


def connect(server: Server) -> Session:
    """Connect, check the host key, then sign in. Whoever calls closes the session. Raises NotDone."""
    with ExitStack() as unfinished:
        transport = confirmed(server)
        unfinished.callback(transport.close)
        sign_in(server, transport)
        opened = Session(server, transport, _client(server, transport))
        unfinished.pop_all()
    return opened


class Session:
    """One connection to a server, signed in."""

    def __init__(self, server: Server, transport: Transport, client: Client) -> None:
        self._server, self._transport, self._client = server, transport, client

    @property
    def is_alive(self) -> bool:
        """Tell whether the connection still stands, as far as is known."""
        return bool(self._transport.is_active())

    def entries(self, folder: str) -> Iterator[Entry]:
        """Give what lies in a folder, in no order, with links as links. Raises NotDone."""
        with self._asking(f"list {folder}"):
            for number, found in enumerate(self._client.each(folder)):
                if number >= MOST_ENTRIES:
                    raise NotDone("too_large", f"{folder} holds more than {MOST_ENTRIES:,} entries.")
                yield _entry(found)

    def entry(self, path: str) -> Entry:
        """Return what there is of one name, a link as a link. Raises NotDone."""
        with self._asking(f"look at {path}"):
            return _entry(self._client.lstat(path), path.rpartition("/")[2])

    def exists(self, path: str) -> bool:
        """Tell whether there is anything of that name. Raises NotDone."""
        with self._asking(f"look at {path}"):
            try:
                self._client.lstat(path)
            except FileNotFoundError:
                return False
            return True

    def download(self, path: str, sink: BinaryIO, *, most: int, going_on: Callable[[int], None]) -> int:
        """Write a file's bytes to `sink` and return how many; `going_on` hears how many there are so far.

        Raises NotDone, as soon as there are more than `most`; whatever ends it early closes the connection.
        """
        done = 0
        with ExitStack() as unfinished:
            unfinished.callback(self.close)  # what was asked for would still come
            with self._asking(f"read {path}"):
                for block in self._client.blocks(path):
                    done += len(block)
                    if done > most:
                        raise NotDone("too_large", f"It has more than {most:,} bytes.")
                    with _storing():
                        sink.write(block)
                    going_on(done)
                with _storing():
                    sink.flush()
            unfinished.pop_all()
        return done

    def move(self, path: str, to: str) -> None:
        """Rename a file; most servers refuse if there is one of the new name. Raises NotDone."""
        with self._asking(f"move {path} to {to}"):
            self._client.rename(path, to)

    def delete(self, path: str) -> None:
        """Delete a file. Raises NotDone."""
        with self._asking(f"delete {path}"):
            self._client.remove(path)

    def make_folder(self, path: str) -> None:
        """Make a folder. Raises NotDone."""
        with self._asking(f"make the folder {path}"):
            self._client.mkdir(path)

    def close(self) -> None:
        """End the connection; a second time does nothing."""
        self._transport.close()

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        from paramiko import SFTPError, SSHException

        try:
            yield
        except (SSHException, SFTPError, EOFError, OSError) as wrong:
            what = on_one_line(what)[:300]
            if isinstance(wrong, TimeoutError):
                self.close()
                raise NotDone("lost", f"{self._server.place} said nothing for {IDLE_SECONDS:g} s.") from None
            if isinstance(wrong, EOFError | ConnectionError) or not self.is_alive:
                raise NotDone("lost", f"The connection to {self._server.place} broke off: {why(wrong)}.") from None
            raise NotDone("refused", f"{self._server.place} did not {what}: {why(wrong)}.") from None


def _client(server: Server, transport: Transport) -> Client:
    from paramiko import SSHException

    from integrations.sftp.client import Client

    try:
        client: Client | None = Client.from_transport(transport)
    except (SSHException, EOFError, OSError) as wrong:
        raise NotDone("refused", f"{server.place} offers no SFTP: {why(wrong)}.") from None
    if client is None:
        raise NotDone("refused", f"{server.place} offers no SFTP.")
    client.get_channel().settimeout(IDLE_SECONDS)
    transport.set_keepalive(ALIVE_SECONDS)
    return client


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as full:
        raise NotDone("no_room", f"What is fetched cannot be stored in the folder of TMPDIR: {why(full)}.") from None


def _entry(found: SFTPAttributes, name: str = "") -> Entry:
    is_file = found.st_mode is not None and stat.S_ISREG(found.st_mode)
    return Entry(name or found.filename, found.st_size or 0, found.st_mtime, is_file)
