"""paramiko's SFTP client with a listing that one odd name does not end. Imported where paramiko is there."""

from __future__ import annotations

from collections.abc import Iterator

from paramiko import SFTPAttributes, SFTPClient, SFTPError
from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR


class Client(SFTPClient):
    """An SFTP client whose listings give every name, bytes that are no UTF-8 as lone surrogates."""

    def each(self, folder: str) -> Iterator[SFTPAttributes]:
        """Give what lies in a folder, `filename` being its name; raises what paramiko raises."""
        kind, answer = self._request(CMD_OPENDIR, self._adjust_cwd(folder))
        if kind != CMD_HANDLE:
            raise SFTPError("Expected a handle")
        handle = answer.get_string()
        try:
            while True:
                try:
                    kind, answer = self._request(CMD_READDIR, handle)
                except EOFError:  # there are no more
                    return
                if kind != CMD_NAME:
                    raise SFTPError("Expected names")
                for _ in range(answer.get_int()):
                    name = answer.get_string().decode("utf-8", "surrogateescape")
                    answer.get_string()  # the same as a line of `ls`
                    found = SFTPAttributes._from_msg(answer, name)
                    if name not in {".", ".."}:
                        yield found
        finally:
            if self.get_channel().get_transport().is_active():
                self._request(CMD_CLOSE, handle)
