"""Old mail is made where mail is made: on the queue's desk."""

from tests.relay_worker.queue.conftest import account, books, desk, empty_queue, resellers, worker

__all__ = ["account", "books", "desk", "empty_queue", "resellers", "worker"]
