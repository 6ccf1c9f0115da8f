"""The front of the server, on the event loop of a worker: it reads requests whole and lets them run.

It calls the WSGI application in threads, or itself if `is_quick` says that the request is answered in less time than it
takes to hand it over.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIApplication

import structlog

from regulars.db.work import working
from regulars.errors import RegularsError, Unavailable
from regulars.http.middleware import ARRIVED, REFUSAL
from regulars.i18n import _
from regulars.server.admission import Admission, Request
from regulars.server.body import has_body, read_body
from regulars.server.environ import Environ, environment
from regulars.server.kinds import SAFE_METHODS, Groups, kind_of
from regulars.settings import Network

TICK_SECONDS = 0.1

log = structlog.get_logger("regulars")


class Answered:
    """An awaitable that is done."""

    def __await__(self) -> Any:
        """Return immediately."""
        return iter(())


ANSWERED = Answered()


class Response:
    """The status and the headers of a response, as WSGI's `start_response` gets them."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Callable[[bytes], object]:
        """Keep the status and the headers."""
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
        self._finished: deque[Request] = deque()
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

    def __rsgi__(self, scope: Any, protocol: Any) -> Awaitable[None]:
        """Answer a request."""
        self._settle()
        environ, fault = environment(scope)
        environ[ARRIVED] = time.perf_counter()
        if fault is not None:
            return self._refuse(environ, protocol, fault)
        if has_body(scope.headers):
            return self._with_body(scope, environ, protocol)
        return self._admit(environ, protocol)

    async def _with_body(self, scope: Any, environ: Environ, protocol: Any) -> None:
        try:
            body = await read_body(scope.headers, protocol)
        except RegularsError as error:
            await self._refuse(environ, protocol, error)
            # The HTTP library may wait for the rest of a body for ever.
            self.end_connection(scope.client)
            return
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        await self._admit(environ, protocol)

    def _admit(self, environ: Environ, protocol: Any) -> Awaitable[None]:
        if self.is_quick(environ):
            respond(self.application, environ, protocol)
            return ANSWERED
        group = self.groups.group_of(environ)
        request = Request(environ, protocol, kind_of(environ), group, self.loop.create_future())
        error = self.admission.submit(request)
        if error is not None:
            return self._refuse(environ, protocol, error)
        if not self._ticks:
            self._ticks = True
            self.loop.call_later(TICK_SECONDS, self._tick)
        return request.done

    def _refuse(self, environ: Environ, protocol: Any, error: RegularsError) -> Awaitable[None]:
        environ[REFUSAL] = error
        respond(self.application, environ, protocol)
        return ANSWERED

    def _work(self) -> None:
        """Run requests, in a thread."""
        admission = self.admission
        while (request := admission.ready.get()) is not None:
            with working(request.work):
                respond(self.application, request.environ, request.protocol)
            self.groups.learn(request.environ)
            admission.finish(request)
            self._finished.append(request)

    def _settle(self) -> None:
        """End the coroutines of answered requests. Waking the loop for each would take longer than the requests."""
        while self._finished:
            request = self._finished.popleft()
            if request.disconnect is not None:
                request.disconnect.cancel()
            if not request.done.done():
                request.done.set_result(None)

    def _tick(self) -> None:
        self._settle()
        for request in self.admission.expired():
            self._refuse(
                request.environ,
                request.protocol,
                Unavailable(_("Too many requests are waiting. Try again later."), retry_after=2),
            )
            self._finished.append(request)
        self._watch_clients()
        self._ticks = bool(self.admission.running or self.admission.waiting or self._finished)
        if self._ticks:
            self.loop.call_later(TICK_SECONDS, self._tick)

    def _watch_clients(self) -> None:
        """Begin to watch whether the clients of requests that take long are still there."""
        limit = time.monotonic() - TICK_SECONDS / 2
        for request in (*self.admission.running, *self.admission.waiting):
            if request.disconnect is None and request.since < limit:
                request.disconnect = request.protocol.client_disconnect()
                request.disconnect.add_done_callback(lambda _done, request=request: self._abandon(request))

    def _abandon(self, request: Request) -> None:
        """End a request whose client has gone. A change that runs is finished."""
        if self.admission.withdraw(request):
            self._finished.append(request)
        elif request.environ["REQUEST_METHOD"] in SAFE_METHODS:
            request.work.is_cancelled = True


def _write(_data: bytes) -> None:
    raise NotImplementedError("The application returns its body; it does not write it.")


def respond(application: WSGIApplication, environ: Environ, protocol: Any) -> None:
    """Send the application's response."""
    response = Response()
    try:
        body = b"".join(application(environ, response.start))
    except Exception as error:
        # The application answers every error that it knows. The message may contain personal data.
        log.error("server_error", type=type(error).__name__)
        response, body = Response(), b""
    protocol.response_bytes(response.status, response.headers, body)
