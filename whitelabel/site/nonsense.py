"""What a request can say and no row can hold: refused at the door, or the database would fail on it as on a fault of ours."""

from flask import Flask, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map


class _Id(IntegerConverter):
    """`<int:…>` in a path, of a row that Postgres counts in bigint; a number that is nobody's leads nowhere."""

    largest = 2**63 - 1

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=self.largest)


class _ShortId(_Id):
    """`<int4:…>`, of a row that Postgres counts in integer."""

    largest = 2**31 - 1


def refuse_nonsense(app: Flask) -> None:
    """Answer numbers that are too large with 404, and forms with a NUL in a text with 400. Before any route."""
    app.url_map.converters |= {"int": _Id, "int4": _ShortId}

    @app.before_request
    def no_nul() -> None:
        if any("\0" in text for _, text in request.form.items(multi=True)):
            raise BadRequest
