"""Turns answers and errors into JSON responses that any web page may read."""

from flask import Flask, Response, jsonify
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from wattbus_simulator.world import PlugConflictError, UnknownStationError


def answer(model: BaseModel) -> Response:
    """The model as a JSON response."""
    return Response(model.model_dump_json(), mimetype="application/json")


def error(status: int, text: str) -> Response:
    """An error as JSON."""
    response = jsonify({"error": text})
    response.status_code = status
    return response


def answer_errors_as_json(app: Flask) -> None:
    """Answer every error of the app as `{"error": …}` with its status and headers."""

    @app.errorhandler(UnknownStationError)
    def _unknown_station(raised: UnknownStationError) -> Response:
        return error(404, str(raised))

    @app.errorhandler(PlugConflictError)
    def _plug_conflict(raised: PlugConflictError) -> Response:
        return error(409, str(raised))

    @app.errorhandler(HTTPException)
    def _http_error(raised: HTTPException) -> Response:
        response = error(raised.code or 500, raised.description or raised.name)
        for name, value in raised.get_headers():
            # Allow belongs to 405; type and length are the JSON body's own.
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response


def allow_every_origin(app: Flask) -> None:
    """Let web pages from anywhere read the answers and send JSON (CORS)."""

    @app.after_request
    def _add_headers(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type"
        return response
