"""A real NATS server as tests see it: streams that go away with the test, and somebody who replies."""

import asyncio
import json
import threading
import uuid

import nats

URL = "nats://127.0.0.1:4222"


class Bus:
    """Its client lives in a loop of its own thread; each call waits for its end. `prefix` makes subjects unique."""

    def __init__(self) -> None:
        self.prefix = f"cmd.t{uuid.uuid4().hex[:12]}"
        self.streams: list[str] = []
        self.heard: list[dict] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client = self._do(nats.connect(URL))

    def keep(self, subject: str, **limits) -> str:
        """Make a stream that takes the subject; return its name."""
        name = f"T{uuid.uuid4().hex[:12]}"
        self._do(self.client.jetstream().add_stream(name=name, subjects=[subject], **limits))
        self.streams.append(name)
        return name

    def kept(self, name: str) -> list:
        """Return the messages of a stream."""
        manager = self.client.jetstream()
        state = self._do(manager.stream_info(name)).state
        numbers = range(state.first_seq, state.last_seq + 1) if state.messages else []
        return [self._do(manager.get_msg(name, seq)) for seq in numbers]

    def answer(self, subject: str, reply: bytes | None) -> None:
        """Reply to every message on a subject; never, with None."""

        async def hear(message) -> None:
            self.heard.append(json.loads(message.data))
            if reply is not None:
                await message.respond(reply)

        self._do(self.client.subscribe(subject, cb=hear))
        self._do(self.client.flush())

    def close(self) -> None:
        for name in self.streams:
            self._do(self.client.jetstream().delete_stream(name))
        self._do(self.client.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)
