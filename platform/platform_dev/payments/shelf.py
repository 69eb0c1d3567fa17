"""What the payment server knows beside localstripe: objects by their ids, kept in a file over restarts."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

from platform_dev.payments.samples import Object


class NotOnShelf(Exception):
    """There is no object with this id, or not for the account that asks."""


class Shelf:
    """Objects with the account that they belong to: "" is the platform's, otherwise a connected one.

    `lock` makes a whole request one step; every request that changes something holds it.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._objects: dict[str, Object] = {}
        self._owners: dict[str, str] = {}
        if path.exists():
            kept = json.loads(path.read_text())
            self._objects, self._owners = kept["objects"], kept["owners"]

    def keep(self, thing: Object, account: str = "") -> Object:
        """Put an object on the shelf, or back when it was changed."""
        with self.lock:
            self._objects[thing["id"]] = thing
            self._owners.setdefault(thing["id"], account)
            self._save()
        return thing

    def own(self, id_: str, account: str) -> None:
        """Remember whose an object of localstripe's is."""
        with self.lock:
            self._owners.setdefault(id_, account)
            self._save()

    def owner(self, id_: str) -> str | None:
        """The account that an object belongs to; None for one that nobody has made here."""
        return self._owners.get(id_)

    def get(self, id_: str, account: str | None = None) -> Object:
        """The object; with `account` only if it belongs to it. Raises NotOnShelf."""
        thing = self._objects.get(id_)
        if thing is None or (account is not None and self._owners[id_] != account):
            raise NotOnShelf(id_)
        return thing

    def all(self, kind: str) -> Iterator[Object]:
        """Every object of a kind, the newest first."""
        for thing in reversed(list(self._objects.values())):
            if thing["object"] == kind:
                yield thing

    def _save(self) -> None:
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(json.dumps({"objects": self._objects, "owners": self._owners}))
        unfinished.rename(self._path)
