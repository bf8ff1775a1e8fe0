"""paramiko's SFTP client with a listing that one odd name does not end, and reading that leaves no thread behind.

Imported where paramiko is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from paramiko import Message, SFTPAttributes, SFTPClient, SFTPError
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    SFTP_FLAG_READ,
    int64,
)

BLOCK = 32_768  # bytes that every server gives at once
AT_ONCE = 64  # requests for blocks that are under way


class Client(SFTPClient):
    """An SFTP client whose listings give every name, bytes that are no UTF-8 as lone surrogates."""

    def each(self, folder: str) -> Iterator[SFTPAttributes]:
        """Give what lies in a folder, `filename` being its name; raises what paramiko raises."""
        handle = self._opened(CMD_OPENDIR, self._adjust_cwd(folder))
        while True:
            try:
                kind, answer = self._request(CMD_READDIR, handle)
            except EOFError:  # there are no more
                break
            if kind != CMD_NAME:
                raise SFTPError("Expected names")
            if (count := answer.get_int()) == 0:
                raise SFTPError("Expected at least one name")
            for _ in range(count):
                name = answer.get_string().decode("utf-8", "surrogateescape")
                answer.get_string()  # the same as a line of `ls`
                found = SFTPAttributes._from_msg(answer, name)
                if name not in {".", ".."}:
                    yield found
        self._request(CMD_CLOSE, handle)

    def blocks(self, path: str) -> Iterator[bytes]:
        """Give a file's bytes in order, many requests being under way; raises what paramiko raises.

        Whoever stops before the end closes the connection: answers to what was asked would still come.
        """
        handle = self._opened(CMD_OPEN, self._adjust_cwd(path), SFTP_FLAG_READ, SFTPAttributes())
        asked: deque[tuple[int, int]] = deque()  # number of the request, where it reads
        came: dict[int, bytes] = {}  # answers before their turn, b"" past the end
        offset = 0
        while True:
            while len(asked) < AT_ONCE:
                asked.append((self._ask(handle, offset, BLOCK), offset))
                offset += BLOCK
            number, start = asked.popleft()
            block = self._answer(number, came)
            while 0 < len(block) < BLOCK and (rest := self._rest(handle, start + len(block), len(block), came)):
                block += rest  # a server may give less than is there
            if not block:
                break
            yield block
        for number, _ in asked:
            self._answer(number, came)
        self._request(CMD_CLOSE, handle)

    def _opened(self, command: int, *what: object) -> bytes:
        kind, answer = self._request(command, *what)
        if kind != CMD_HANDLE:
            raise SFTPError("Expected a handle")
        handle: bytes = answer.get_binary()
        return handle

    def _rest(self, handle: bytes, offset: int, had: int, came: dict[int, bytes]) -> bytes:
        return self._answer(self._ask(handle, offset, BLOCK - had), came)

    def _ask(self, handle: bytes, offset: int, length: int) -> int:
        number: int = self._async_request(type(None), CMD_READ, handle, int64(offset), length)
        return number

    def _answer(self, number: int, came: dict[int, bytes]) -> bytes:
        """Return the bytes that answer a request, empty past the end, keeping those of others for later."""
        while number not in came:
            kind, data = self._read_packet()
            answer = Message(data)
            given = answer.get_int()
            self._expecting.pop(given, None)
            if kind == CMD_DATA:
                came[given] = answer.get_binary()
            elif kind == CMD_STATUS:
                try:
                    self._convert_status(answer)
                except EOFError:
                    came[given] = b""
            if len(came.get(given, bytes(BLOCK + 1))) > BLOCK:
                raise SFTPError("Expected the data that were asked for")
        return came.pop(number)
