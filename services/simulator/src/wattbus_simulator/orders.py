"""Reads a request body: bytes become a typed order, or a 400 or 415 with a sentence."""

import json
from typing import TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from wattbus_simulator.resources import LimitInAmperes, LimitInWatts

MAX_BODY_BYTES = 16 * 1024

OrderT = TypeVar("OrderT", bound=BaseModel)


def read_order(model: type[OrderT], *, is_optional: bool = False) -> OrderT:
    """Read the JSON body as `model`; an empty one stands for `{}` if it is optional."""
    body = request.get_data()
    if is_optional and not body:
        return model()
    _require_json_type()
    return _validated(model, _parsed(body))


def read_limit() -> LimitInWatts | LimitInAmperes:
    """Read a limit in exactly one unit."""
    body = request.get_data()
    _require_json_type()
    value = _parsed(body)
    if not isinstance(value, dict) or len(value.keys() & {"limit_w", "limit_a"}) != 1:
        raise BadRequest("give exactly one of limit_w and limit_a")
    if "limit_w" in value:
        return _validated(LimitInWatts, value)
    return _validated(LimitInAmperes, value)


def read_course_order(model: type[OrderT]) -> OrderT:
    """Read a course client's body whatever content type it declares."""
    return _validated(model, _parsed(request.get_data()))


def _require_json_type() -> None:
    if not request.is_json:
        raise UnsupportedMediaType("the body must be declared as application/json")


def _parsed(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    # RecursionError: a few kilobytes of "[" are enough to exhaust the parser.
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
    return value


def _validated(model: type[OrderT], value: object) -> OrderT:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadRequest(f"{key}: {first['msg']}") from error
