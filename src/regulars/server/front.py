"""The front of the server, on the event loop of a worker: it reads complete requests and starts them.

It calls the WSGI application in a thread, or immediately if `is_quick` expects the answer to take less time than a
change of threads.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any
from wsgiref.types import WSGIApplication
from wsgiref.util import FileWrapper

import structlog

from regulars.db.work import working
from regulars.errors import RegularsError, Unavailable
from regulars.http.middleware import REFUSAL
from regulars.i18n import _
from regulars.server.admission import Admission, Request
from regulars.server.body import Body, has_body
from regulars.server.downloads import Download
from regulars.server.environ import CLIENT, Environ, environment
from regulars.server.kinds import SAFE_METHODS, Groups, kind_of
from regulars.server.uploads import NotAllowed, Question, Upload, body_of, question_environ
from regulars.settings import Network

TICK_SECONDS = 0.1

log = structlog.get_logger("regulars")


class Response:
    """The status and the headers of a response, as WSGI's `start_response` gets them."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        """Store the status and the headers. Return the `write` callable of WSGI, which is not supported."""
        self.status, self.headers = int(status[:3]), headers
        return _write


class Front:
    """An application for Granian's RSGI interface."""

    def __init__(
        self,
        application: WSGIApplication,
        is_quick: Callable[[Environ], bool],
        *,
        threads: int,
        trusted_proxies: tuple[Network, ...] = (),
        end_connection: Callable[[str], None] = lambda client: None,
    ) -> None:
        self.application = application
        self.is_quick = is_quick
        self.threads = threads
        self.groups = Groups(trusted_proxies)
        self.end_connection = end_connection
        self.admission = Admission(threads)
        self._disconnects: dict[Request, Any] = {}
        """A future of Granian for each watched request, which is done when its client has disconnected."""
        self._answered: deque[asyncio.Future[None]] = deque()
        """The futures of coroutines whose requests have been answered."""
        self._downloads: set[asyncio.Task[None]] = set()
        self._ticks = False

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads."""
        self.loop = loop
        for number in range(self.threads):
            threading.Thread(target=self._work, name=f"request-{number}", daemon=True).start()

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Stop the threads."""
        for _number in range(self.threads):
            self.admission.ready.put(None)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer a request, on the event loop."""
        self._end_answered()
        is_done = self.loop.create_future()

        def done() -> None:
            self._answered.append(is_done)

        body = body_of(scope)
        try:
            if not self.begin(scope, protocol, done):
                await self._begin_with_body(scope, body, protocol, done)
            self._end_answered()
            await is_done
        finally:
            body.release()

    def _end_answered(self) -> None:
        """End the coroutines of answered requests. Waking the loop for each would delay the next ones."""
        while self._answered:
            is_done = self._answered.popleft()
            if not is_done.done():
                is_done.set_result(None)

    def begin(self, scope: Any, protocol: Any, done: Callable[[], object]) -> bool:
        """Answer a request immediately or queue it for a thread. `done` is called after the response.

        Return False if the request has a body, which must be read first. Can be called from any thread.
        """
        if has_body(scope.headers):
            return False
        environ, fault = environment(scope)
        if fault is None:
            self._admit(environ, protocol, done)
        else:
            self._refuse(environ, protocol, done, fault)
        return True

    async def _begin_with_body(self, scope: Any, body: Body, protocol: Any, done: Callable[[], object]) -> None:
        environ, fault = environment(scope)
        try:
            if fault is not None:
                raise fault
            if isinstance(body, Upload):
                await self._ask(environ, body, protocol)
            await body.receive(protocol)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = body.open(), str(body.size)
        except NotAllowed:
            done()
        except RegularsError as error:
            self._refuse(environ, protocol, done, error)
        else:
            self._admit(environ, protocol, done)
            return
        # Otherwise the HTTP library may wait for the rest of the body forever.
        self.end_connection(scope.client)

    async def _ask(self, environ: Environ, upload: Upload, protocol: Any) -> None:
        """Ask the application whether it allows an upload, and take a place for it.

        Raise `NotAllowed` after the response of the application has been sent.
        """
        question = Question(protocol)
        is_answered = self.loop.create_future()
        self._admit(
            question_environ(environ),
            question,
            lambda: self.loop.call_soon_threadsafe(is_answered.set_result, None),
        )
        await is_answered
        if question.answer is None:
            raise NotAllowed
        if not question.is_allowed:
            protocol.response_bytes(*question.answer)
            raise NotAllowed
        # The tenant of the token is known now.
        upload.take_place(self.groups.group_of(environ))

    def _admit(self, environ: Environ, protocol: Any, done: Callable[[], object]) -> None:
        if self.is_quick(environ):
            self._respond(environ, protocol)
            done()
            return
        request = Request(environ, protocol, kind_of(environ), self.groups.group_of(environ), done)
        error = self.admission.submit(request)
        if error is not None:
            self._refuse(environ, protocol, done, error)
        elif not self._ticks:
            self._ticks = True
            self.loop.call_soon_threadsafe(self._tick)

    def _respond(self, environ: Environ, protocol: Any) -> None:
        """Call the application and send its response. Send an empty one with status 500 if it raises an exception."""
        response = Response()
        try:
            body = self.application(environ, response.start)
            if isinstance(body, FileWrapper):
                self._send_file(environ[CLIENT], protocol, response, Download(body))
            else:
                protocol.response_bytes(response.status, response.headers, b"".join(body))
        except Exception as error:
            # The application handles all expected errors. This message may contain personal data, so it is not logged.
            log.error("server_error", type=type(error).__name__)
            protocol.response_bytes(500, [], b"")

    def _send_file(self, client: str, protocol: Any, response: Response, download: Download) -> None:
        if download.is_whole:
            download.close()
            protocol.response_bytes(response.status, response.headers, download.start)
            return
        path = download.open_pipe()
        self.loop.call_soon_threadsafe(self._start, download.send(partial(self.end_connection, client)))
        protocol.response_file(response.status, response.headers, path)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(coroutine)
        # The event loop keeps only weak references.
        self._downloads.add(task)
        task.add_done_callback(self._downloads.discard)

    def _refuse(self, environ: Environ, protocol: Any, done: Callable[[], object], error: RegularsError) -> None:
        environ[REFUSAL] = error
        self._respond(environ, protocol)
        done()

    def _work(self) -> None:
        """Run requests in this thread until the server stops."""
        admission = self.admission
        while (request := admission.ready.get()) is not None:
            with working(request.work):
                self._respond(request.environ, request.protocol)
            self.groups.learn(request.environ)
            # In this order, because `_tick` goes on until no request runs and all are ended.
            request.done()
            admission.finish(request)

    def _tick(self) -> None:
        """End the coroutines of answered requests, refuse requests that have waited too long, and watch the clients of
        slow ones. Repeat while requests remain."""
        self._end_answered()
        for request in self.admission.expired():
            error = Unavailable(_("Too many requests are waiting. Try again later."), retry_after=2)
            self._refuse(request.environ, request.protocol, request.done, error)
        self._watch_clients()
        self._ticks = False
        if self.admission.running or self.admission.waiting or self._disconnects or self._answered:
            self._ticks = True
            self.loop.call_later(TICK_SECONDS, self._tick)

    def _watch_clients(self) -> None:
        """Watch the clients of slow requests, and cancel these requests when their clients disconnect."""
        present = {*self.admission.running, *self.admission.waiting}
        for request in self._disconnects.keys() - present:
            self._disconnects.pop(request).cancel()
        limit = time.monotonic() - TICK_SECONDS / 2
        for request in present - self._disconnects.keys():
            if request.since < limit:
                disconnect = self._disconnects[request] = request.protocol.client_disconnect()
                disconnect.add_done_callback(lambda _done, request=request: self._abandon(request))

    def _abandon(self, request: Request) -> None:
        """Cancel a request whose client has disconnected. A change that has started is completed."""
        if self.admission.withdraw(request):
            request.done()
        elif request.environ["REQUEST_METHOD"] in SAFE_METHODS:
            request.work.is_cancelled = True


def _write(_data: bytes) -> None:
    raise NotImplementedError("The application returns its body; it does not write it.")
