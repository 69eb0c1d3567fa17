"""`localstripe` as a process of its own: on loopback alone, and with its state in a file of ours.

As it comes it listens on every interface and keeps its state in /tmp, where other users have theirs.
"""

import argparse
import pickle
from pathlib import Path

from aiohttp import web
from localstripe import resources
from localstripe.server import app

from platform_dev.ports import LOOPBACK


def main() -> None:
    """`python -m platform_dev.payments.localstripe_process --port N --state FILE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on loopback")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps what it knows")
    options = parser.parse_args()
    _keep_state_in(options.state)
    web.run_app(app, host=LOOPBACK, port=options.port, access_log=None, print=None)


def _keep_state_in(path: Path) -> None:
    def dump(self: resources.Store) -> None:
        unfinished = path.with_suffix(".new")
        # As a plain dictionary: a Store writes itself down at every key that it is read back with.
        unfinished.write_bytes(pickle.dumps(dict(self), protocol=pickle.HIGHEST_PROTOCOL))
        unfinished.rename(path)

    resources.Store.dump_to_disk = dump
    if path.exists():
        # The file is our own, of an earlier run, in a folder that is ours alone.
        resources.store.update(pickle.loads(path.read_bytes()))  # noqa: S301


if __name__ == "__main__":
    main()
