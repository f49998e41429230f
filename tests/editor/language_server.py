"""A session with a language server, held as an editor holds it: JSON over its standard input and output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 120.0
"""Seconds until an answer is given up; a server that is right takes a few at most."""

ERROR, WARNING = 1, 2

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnostic as an editor shows it; ``line`` counts from 1."""

    line: int
    severity: int
    message: str


@dataclass(slots=True)
class Document:
    """A file as it is in the editor; it need not be saved."""

    uri: str
    text: str
    version: int
    published: int = 0
    problems: list[Message] = field(default_factory=list[Message])


class LanguageServer:
    """One server in one folder; leaving the block ends its process and whatever that has started.

    Editors learn of problems in two ways, and so does this one: it asks a server that offers to be asked, and waits
    for what the others publish.
    """

    def __init__(self, command: Sequence[str], folder: Path, settings: Mapping[str, Any], *, asks: bool = True) -> None:
        self.folder = folder
        self.settings = settings
        self.offers_to_ask = asks
        self.is_asked = False
        self.documents: dict[str, Document] = {}
        self.sent = 0
        self.edits = 0  # counted over all files: what is published late, of a file opened before, is no news
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the session
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,  # a group of its own, so that all of it can be ended
        )
        self.received: SimpleQueue[Message | None] = SimpleQueue()
        self.reader = Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self.reader.start()
        try:
            self._greet()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.request("shutdown", None)
            self.notify("exit", None)
            self.process.wait(PATIENCE)
        finally:
            self._end()

    # -- what a user does --------------------------------------------------------------------------------------------

    def open(self, name: str, text: str) -> None:
        """Open a file with a text, which may differ from what is saved."""
        self.edits += 1
        document = self.documents[name] = Document((self.folder / name).as_uri(), text, self.edits)
        item = {"uri": document.uri, "languageId": "python", "version": self.edits, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, name: str, text: str) -> None:
        """Edit an open file."""
        document = self.documents[name]
        self.edits += 1
        document.text, document.version = text, self.edits
        item = {"uri": document.uri, "version": document.version}
        self.notify("textDocument/didChange", {"textDocument": item, "contentChanges": [{"text": text}]})

    def close(self, name: str) -> None:
        """Close a file without saving it."""
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.documents.pop(name).uri}})

    def problems(self, name: str) -> list[Problem]:
        """Give the errors and warnings of an open file as it is now, in the order of lines."""
        document = self.documents[name]
        deadline = time.monotonic() + PATIENCE
        while not self.is_asked and document.published < document.version:
            self._take(deadline)
        if self.is_asked:
            document.problems = self.request("textDocument/diagnostic", {"textDocument": {"uri": document.uri}})[
                "items"
            ]
        found = (Problem(p["range"]["start"]["line"] + 1, p["severity"], p["message"]) for p in document.problems)
        return sorted((p for p in found if p.severity <= WARNING), key=lambda p: p.line)

    def hover(self, name: str, place: str) -> str:
        """Give what is shown when the mouse rests on a place."""
        shown: str = self._at("textDocument/hover", name, place)["contents"]["value"]
        return shown

    def signature(self, name: str, place: str) -> Message:
        """Give the signature that is shown while a call is typed."""
        found = self._at("textDocument/signatureHelp", name, place)
        signatures: list[Message] = found["signatures"]
        return signatures[found.get("activeSignature") or 0]

    def completions(self, name: str, place: str) -> list[str]:
        """Give what is offered to be typed at a place."""
        found = self._at("textDocument/completion", name, place)
        return [item["label"] for item in (found["items"] if isinstance(found, dict) else found)]

    def _at(self, method: str, name: str, place: str) -> Any:
        """Ask about a place: a piece of the text that occurs once, with ``|`` for the cursor."""
        document = self.documents[name]
        before, _, after = place.partition("|")
        assert document.text.count(before + after) == 1, place
        lines = (document.text[: document.text.index(before + after)] + before).split("\n")
        position = {"line": len(lines) - 1, "character": len(lines[-1])}
        return self.request(method, {"textDocument": {"uri": document.uri}, "position": position})

    # -- the protocol ------------------------------------------------------------------------------------------------

    def request(self, method: str, params: Any) -> Any:
        """Ask, and give the answer; what the server asks and tells meanwhile is dealt with."""
        self.sent += 1
        number = self.sent
        self._send({"id": number, "method": method, "params": params})
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._take(deadline)
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def notify(self, method: str, params: Any) -> None:
        """Tell without waiting for an answer."""
        self._send({"method": method, "params": params})

    def _greet(self) -> None:
        asking = {"diagnostic": {"dynamicRegistration": True}} if self.offers_to_ask else {}
        shown = {"hover": {"contentFormat": ["plaintext"]}, "publishDiagnostics": {"versionSupport": True}}
        folder = {"uri": self.folder.as_uri(), "name": self.folder.name}
        self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder["uri"],
                "workspaceFolders": [folder],
                "capabilities": {
                    "textDocument": {**shown, **asking},
                    "workspace": {"configuration": True, "workspaceFolders": True},
                },
            },
        )
        self.notify("initialized", {})

    def _take(self, deadline: float) -> Message:
        """Deal with the next message, and give it."""
        try:
            message = self.received.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            message = None
        if message is None:
            self.log.seek(0)
            said = self.log.read().decode(errors="replace")
            raise TimeoutError(f"{self.process.args!r} does not answer, or has ended: {said}")
        if "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message["method"], message.get("params"))})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self._note(message["params"])
        return message

    def _answer(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration":
            return [self.settings.get(item.get("section")) for item in params["items"]]
        if method == "client/registerCapability":
            methods = [registration["method"] for registration in params["registrations"]]
            self.is_asked |= "textDocument/diagnostic" in methods
        return None

    def _note(self, params: Message) -> None:
        version = params.get("version") or 0  # none comes when a file is closed
        for document in self.documents.values():
            if document.uri == params["uri"] and version >= document.published:
                document.published, document.problems = version, params["diagnostics"]

    def _send(self, message: Message) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (message := _message(self.process.stdout)) is not None:
            self.received.put(message)
        self.received.put(None)

    def _end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()


def _message(stream: IO[bytes]) -> Message | None:
    """Read one message, ``None`` at the end of the stream."""
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(stream.read(length)) if line else None
