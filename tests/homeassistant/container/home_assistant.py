"""Home Assistant's core with its own MQTT integration, told what to do by lines of JSON.

Runs in the container that the Dockerfile beside it describes, on Home Assistant's own Python.

    stdin   {"id": 1, "do": "states"}
            {"id": 2, "do": "call", "domain": "select", "service": "select_option", "data": {...}}
    stdout  {"ready": true}, then {"id": 1, "states": {...}} or {"id": 2, "error": null}
            {"log": "WARNING", "logger": "...", "text": "..."} whenever it warns
"""

import asyncio
import json
import logging
import sys
import tempfile
import threading
from pathlib import Path
from types import MappingProxyType

from homeassistant.config_entries import ConfigEntries, ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

from homeassistant import bootstrap, loader

_writing = threading.Lock()


def say(**fields):
    """Write one line for the test."""
    with _writing:
        print(json.dumps(fields, default=str), flush=True)  # noqa: T201 - its only way to speak


class Told(logging.Handler):
    """Passes on whatever Home Assistant warns of."""

    def emit(self, record):
        say(log=record.levelname, logger=record.name, text=self.format(record))


def mqtt_entry(broker):
    """Return what Home Assistant keeps of a broker that a person has entered."""
    return ConfigEntry(
        data={
            "broker": broker["host"],
            "port": broker["port"],
            "username": broker["username"],
            "password": broker["password"],
            "protocol": "5",
        },
        options={"discovery": True, "discovery_prefix": "homeassistant"},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        source="user",
        subentries_data=None,
        title="broker",
        unique_id=None,
        version=2,
        minor_version=1,
    )


async def start(settings):
    """Return a running Home Assistant that is connected to the broker."""
    folder = Path(tempfile.mkdtemp())
    (folder / "configuration.yaml").touch()
    hass = HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    await loader.async_get_custom_components(hass)
    hass.config_entries = ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    await async_process_ha_core_config(
        hass, {"time_zone": settings["time_zone"], "currency": settings["currency"]}
    )
    http = {"server_host": ["127.0.0.1"], "server_port": settings["http_port"]}
    for domain, config in (("homeassistant", {}), ("http", http)):
        if not await async_setup_component(hass, domain, {domain: config}):
            raise RuntimeError(f"{domain} was not set up")
    await hass.async_start()
    await hass.config_entries.async_add(mqtt_entry(settings["broker"]))
    return hass


def states_of(hass):
    """Return every MQTT entity by its unique id, its state and what a person would see of it."""
    entities = entity_registry.async_get(hass).entities.values()
    return {
        entry.unique_id: {
            "entity_id": entry.entity_id,
            "state": state.state if (state := hass.states.get(entry.entity_id)) else None,
            "attributes": dict(state.attributes) if state else {},
            "device_id": entry.device_id,
        }
        for entry in entities
        if entry.platform == "mqtt"
    }


def devices_of(hass):
    """Return every device by its registry id: name, maker and through which one it is reached."""
    return {
        device.id: {"name": device.name, "maker": device.manufacturer, "via": device.via_device_id}
        for device in device_registry.async_get(hass).devices
    }


async def answer(hass, wish):
    """Do what one line asks for."""
    match wish["do"]:
        case "states":
            say(id=wish["id"], states=states_of(hass), devices=devices_of(hass))
        case "call":
            error = None
            try:
                await hass.services.async_call(
                    wish["domain"], wish["service"], wish["data"], blocking=True
                )
            except Exception as refused:
                error = str(refused)
            say(id=wish["id"], error=error)


async def run():
    """Start, then do what comes on stdin until it ends."""
    told = Told(logging.WARNING)
    logging.basicConfig(level=logging.WARNING, handlers=[told])
    loop = asyncio.get_running_loop()
    lines = asyncio.Queue()

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    hass = await start(json.loads(await lines.get()))
    say(ready=True)
    while line := await lines.get():
        await answer(hass, json.loads(line))
    await hass.async_stop(force=True)


asyncio.run(run())
