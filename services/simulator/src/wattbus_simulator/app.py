"""The Flask application: both APIs over one world."""

from flask import Flask

from wattbus_simulator.answers import allow_every_origin, answer_errors_as_json
from wattbus_simulator.course_api import course_api
from wattbus_simulator.metrics import metrics_page
from wattbus_simulator.orders import MAX_BODY_BYTES
from wattbus_simulator.station_api import station_api
from wattbus_simulator.world import World


def create_app(world: World) -> Flask:
    """A WSGI application that serves `world`; it starts nothing and reads no settings."""
    app = Flask("wattbus_simulator", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # Tests see errors as clients do: as a JSON answer, not as an exception.
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.register_blueprint(course_api(world))
    app.register_blueprint(station_api(world))
    app.register_blueprint(metrics_page(world))
    answer_errors_as_json(app)
    allow_every_origin(app)
    return app
