"""CPU time of delivery for one message, split by step: `python -m benchmarks.delivery [--messages 4000]`.

The engine runs under uvloop against a queue in memory and a sink in a process of its own that takes everything, so that
only delivery's own work is counted. Signing is compared with dkimpy in the same run.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dkim
import uvloop
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.sink import Sink
from platform_core.clock import SystemClock
from platform_core.ids import AccountId, MessageId, ResellerId, new_message_id
from platform_core.security import Seal
from platform_core.settings import Settings
from relay_worker.delivery.build import Builder
from relay_worker.delivery.client import Manners
from relay_worker.delivery.connector import Connector
from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.dispatcher import plan
from relay_worker.delivery.dkim import SigningKey, body_hash, canonical_body, signature_fields
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.engine import Engine
from relay_worker.delivery.keys import KeyRing
from relay_worker.delivery.marks import Marks
from relay_worker.queue.claims import Claimed, Result, SenderIdentity

SECRET = "a secret of the benchmark, which is long enough"
DOMAINS = 50


def serve(port: "multiprocessing.Queue[int]") -> None:
    """The sink's process; ends when it is terminated."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


class Queue:
    """As much mail as was put in; remembers nothing of the results but their number."""

    def __init__(self, due: list[Claimed], sender: SenderIdentity) -> None:
        self._due = due
        self._sender = sender
        self.finished = 0

    async def claim(self, limit: int, *, exclude_lanes: Sequence[int] = ()) -> list[Claimed]:
        taken, self._due = self._due[:limit], self._due[limit:]
        return taken

    async def body(self, reseller_id: ResellerId, message_id: MessageId) -> bytes:
        raise AssertionError("every body comes with its claim")

    async def sender(self, reseller_id: ResellerId, account_id: AccountId, domain: str) -> SenderIdentity:
        return self._sender

    async def finish(self, results: Sequence[Result]) -> None:
        self.finished += len(results)

    async def postpone(self, recipients: Sequence[tuple[MessageId, int]], until: Sequence[datetime]) -> None:
        raise AssertionError("the sink turns nobody away")

    async def hand_over(self, recipients: Sequence[tuple[MessageId, int]], addresses: Sequence[int]) -> None:
        """There is but one machine here."""

    async def claim_handed(
        self, limit: int, addresses: Sequence[int], *, exclude_lanes: Sequence[int] = ()
    ) -> list[Claimed]:
        return []

    async def post(self, older: timedelta = timedelta()) -> int:
        """Nothing is kept in a log here."""
        return 0

    async def renew(self, recipients: Sequence[tuple[MessageId, int]]) -> None:
        return


def ten_kilobytes() -> bytes:
    """An HTML message as shops send them: indented, some tabs, 70 characters a line."""
    header = (
        b"Received: from app by smtp.agency.test with ESMTPSA; Mon, 02 Nov 2026 12:00:00 +0000\r\n"
        b"From: Shop <news@shop.test>\r\nTo: you@example.test\r\nSubject: Your order has been shipped\r\n"
        b"Date: Mon, 02 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@shop.test>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        b"List-Unsubscribe: <https://shop.test/u/1>\r\n\r\n"
    )
    rng = random.Random(1)
    lines = [
        b" " * rng.choice((0, 2, 4)) + b"<td>" + rng.randbytes(29).hex().encode() + b"</td>"
        for _ in range(200)
    ]
    return (header + b"\r\n".join(lines))[:10_238] + b"\r\n"


def due_mail(count: int, raw: bytes) -> list[Claimed]:
    now = datetime.now(UTC)
    return [
        Claimed(
            ResellerId(1), AccountId(1), new_message_id(now), 0, number % DOMAINS, f"u{number}@d{number % DOMAINS}.test",
            f"d{number % DOMAINS}.test", 0, now, now + timedelta(hours=72), "news@shop.test", "news@shop.test",
            False, False, len(raw), raw,
        )
        for number in range(count)
    ]  # fmt: skip


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """CPU milliseconds of one call."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) * 1000 / times


async def send_alone(port: int, builder: Builder, sender: SenderIdentity, raw: bytes, count: int) -> float:
    """CPU milliseconds to send one built message on one connection."""
    connector = Connector(Manners("mta.test", 5, 5, 5), verify_tls=False, rng=random.Random(1))
    server = MailServer("sink.test", "127.0.0.1", port)
    conversation = await connector.connect(Destination("sink", ((server,),)))
    (claimed,) = due_mail(1, raw)
    (transaction,) = plan(next(builder.build_all([claimed], sender, raw))[0], [claimed])
    started = time.process_time()
    for _ in range(count):
        await conversation.send(transaction, time.monotonic())
    return (time.process_time() - started) * 1000 / count


async def drain(port: int, sender: SenderIdentity, raw: bytes, count: int) -> tuple[float, float]:
    """CPU milliseconds of the engine for one message, and messages a second."""
    settings = Settings(
        secret_key=SECRET,
        database_url="unused",
        redis_url="unused",
        delivery_routes=",".join(f"d{number}.test=127.0.0.1:{port}" for number in range(DOMAINS)),
    )
    queue = Queue(due_mail(count, raw), sender)
    engine = Engine(settings, queue)
    started, cpu = time.monotonic(), time.process_time()
    running = asyncio.create_task(engine.run(started + 600))
    while queue.finished < count:
        await asyncio.sleep(0.01)
    spent, seconds = time.process_time() - cpu, time.monotonic() - started
    await running
    await engine.close(1)
    return spent * 1000 / count, count / seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=4000)
    count = options.parse_args().messages
    port_queue: multiprocessing.Queue[int] = multiprocessing.Queue()
    sink = multiprocessing.Process(target=serve, args=(port_queue,), daemon=True)
    sink.start()
    try:
        report(port_queue.get(timeout=10), count)
    finally:
        sink.terminate()
        sink.join()


def report(port: int, count: int) -> None:
    raw = ten_kilobytes()
    private = rsa.generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    sender = SenderIdentity(
        "shop.test", "fp1", Seal(SECRET).seal(pem), "bounce.shop.test", "smtp.agency.test"
    )
    builder = Builder(KeyRing(Seal(SECRET)), Marks.from_secret(SECRET), SystemClock())
    key = SigningKey.from_pem("shop.test", "fp1", pem)
    fields, body = split_message(raw)
    (claimed,) = due_mail(1, raw)
    unsigned = replace(sender, sealed_key=None)

    rows = {
        "RSA alone": cpu_ms(lambda: key.sign(b"x" * 800), 1000),
        "body canonical": cpu_ms(lambda: canonical_body(body), 2000),
        "DKIM, ours": cpu_ms(lambda: signature_fields(fields, body_hash(body), (key,), 1_790_000_000), 1000),
        "DKIM, dkimpy": cpu_ms(
            lambda: dkim.sign(raw, b"fp1", b"shop.test", pem, canonicalize=(b"relaxed", b"relaxed")), 100
        ),
        "build without DKIM": cpu_ms(lambda: next(builder.build_all([claimed], unsigned, raw)), 2000),
        "send": uvloop.run(send_alone(port, builder, sender, raw, count)),
    }
    bare, bare_rate = uvloop.run(drain(port, unsigned, raw, count))
    whole, rate = uvloop.run(drain(port, sender, raw, count))
    rows["engine, unsigned"] = bare
    rows["engine, signed"] = whole
    print(f"{count} messages of {len(raw)} octets to {DOMAINS} domains, {os.cpu_count()} cores")
    for name, milliseconds in rows.items():
        print(f"  {name:<20} {milliseconds:7.3f} CPU ms")
    print(f"delivery_cpu_ms={whole:.3f} delivered_per_s={rate:.0f} unsigned_per_s={bare_rate:.0f}")


if __name__ == "__main__":
    main()
