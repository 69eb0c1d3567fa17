"""Held mail is tested where the queue is: on its desk, with its accounts."""

from tests.relay_worker.queue.conftest import account, books, desk, empty_queue, resellers, worker

__all__ = ["account", "books", "desk", "empty_queue", "resellers", "worker"]
