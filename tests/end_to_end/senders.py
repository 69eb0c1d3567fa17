"""Customers' apps under load: threads with smtplib that note every message that got its 250, and every other answer."""

import contextlib
import smtplib
import threading
import time
from collections.abc import Iterator
from itertools import count
from uuid import uuid4

from tests.end_to_end.product import Product


class Senders:
    """Some threads that send small messages one after another until they are stopped, or `limit` are accepted.

    A connection that breaks is opened again; `interrupted` counts the messages that had no answer by then.
    """

    def __init__(self, product: Product, threads: int = 6, *, limit: int = 10**9, pause: float = 0.0) -> None:
        """`pause`: seconds between two messages of one thread."""
        self.accepted: set[str] = set()
        self.refusals: list[tuple[int, str]] = []
        self.interrupted = 0
        self._product = product
        self._limit = limit
        self._pause = pause
        self._numbers = count()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send_for_ever, args=(n,)) for n in range(threads)]

    @contextlib.contextmanager
    def sending(self) -> Iterator["Senders"]:
        """They send within the block; at its end all have stopped."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, accepted: int, seconds: float = 60) -> None:
        """Until so many have been accepted."""
        deadline = time.monotonic() + seconds
        while len(self.accepted) < accepted:
            self._product.look()
            assert time.monotonic() < deadline, (
                f"{len(self.accepted)} of {accepted} accepted: {self.refusals[-3:]}"
            )
            time.sleep(0.01)

    def _send_for_ever(self, thread: int) -> None:
        while not self._over():
            try:
                with self._product.client() as client:
                    while not self._over():
                        self._send(client, thread)
                        self._stop.wait(self._pause)
            except smtplib.SMTPResponseException as error:
                self.refusals.append((error.smtp_code, str(error.smtp_error)))
                time.sleep(0.05)
            except OSError:
                time.sleep(0.05)

    def _over(self) -> bool:
        return self._stop.is_set() or len(self.accepted) >= self._limit

    def _send(self, client: smtplib.SMTP, thread: int) -> None:
        message_id = f"<{uuid4().hex}@{self._product.domain}>"
        message = letter(self._product.mail_from, message_id)
        rcpt_to = f"r{next(self._numbers)}@world{thread}.example"
        try:
            client.sendmail(self._product.mail_from, [rcpt_to], message)
        except smtplib.SMTPRecipientsRefused as error:
            self.refusals += [(code, str(text)) for code, text in error.recipients.values()]
        except smtplib.SMTPResponseException:
            raise
        except OSError:  # smtplib's own errors are among them
            self.interrupted += 1
            raise
        else:
            self.accepted.add(message_id)


def letter(mail_from: str, message_id: str) -> str:
    return (
        f"From: Shop <{mail_from}>\r\nTo: you@world.example\r\nSubject: Your order\r\nMessage-ID: {message_id}\r\n"
        "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\nIt is on its way.\r\n"
    )
