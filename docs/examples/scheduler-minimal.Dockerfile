# docker build -t scheduler-minimal -f docs/examples/scheduler-minimal.Dockerfile docs/examples
ARG PYTHON_IMAGE=python:3.13-slim-trixie
FROM ${PYTHON_IMAGE}
RUN python3 -m venv /opt/scheduler && /opt/scheduler/bin/pip install --no-cache-dir "paho-mqtt==2.2.0"
COPY scheduler-minimal.py /opt/scheduler/
# The user that the compose file's secrets and the project's own images have.
USER 10001:10001
CMD ["/opt/scheduler/bin/python", "-u", "/opt/scheduler/scheduler-minimal.py"]
