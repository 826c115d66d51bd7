"""A whole scheduler: keeps the lease, charges in the cheapest hours, stays within the fuse."""
import datetime, itertools, json, os, signal, time, uuid, paho.mqtt.client as mqtt
env, BOOT, COUNT = os.environ, uuid.uuid4().hex, itertools.count(1)
ME, ROOT = env.get("WATTBUS_MQTT_CLIENT_ID", "scheduler"), f"wattbus/v1/{env['WATTBUS_SITE']}/"
facts, my = {}, {"run": None, "epoch": None, "until_s": 0, "ask_at_s": 0, "ttl_s": 15, "told": None}
at_s = lambda instant: datetime.datetime.fromisoformat(instant).timestamp()
def say(topic, schema, **body):  # as which message of which process, when; and by which right
    body |= {"schema": schema, "source": ME, "instance": ME, "boot_id": BOOT, "seq": next(COUNT)}
    body |= {"epoch": my["epoch"], "sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return client.publish(ROOT + topic, json.dumps(body), qos=1)
def ask(action, now_s):  # for the lease, the right to command; the nonce says when we asked
    my["ask_at_s"], nonce = now_s + my["ttl_s"] / 4, f"{BOOT}-{now_s * 1000:.0f}"
    return say("lease/request", "lease-request/1", action=action, nonce=nonce)
def take_lease(epoch, ttl_s, bridge_boot_id, holder=None, nonce="", **_):  # ours if it answers us
    is_ours = holder == ME and nonce.startswith(BOOT)
    until_s = float(nonce[len(BOOT) + 1 :]) / 1000 + 0.75 * ttl_s if is_ours else 0
    my.update(run=bridge_boot_id, epoch=epoch, ttl_s=ttl_s, until_s=until_s, told=None)
    if not is_ours and holder in (None, ME): my["ask_at_s"] = 0  # it is free, or handed to us
def wanted(info, goal, car, slots, now_s):  # the power in W if there were no fuse, and why
    power_w, missing = info["max_power_w"], goal["target_soc_percent"] - car.get("soc_percent", 100)
    need_s = missing * 36 * info["battery_capacity_wh"] / info["charging_efficiency"] / power_w
    if goal["mode"] == "off" or not car["is_plugged_in"] or need_s <= 0: return 0, "nothing-to-do"
    if goal["mode"] == "now": return power_w, "mode-now"
    departure_s = at_s(goal.get("departure_at", "9999-01-01T00:00:00Z"))
    for slot in sorted(slots, key=lambda slot: slot["price_per_kwh"]):
        start_s = at_s(slot["start_at"])
        usable_s = min(start_s + slot["duration_s"], departure_s) - max(start_s, now_s)
        if start_s <= now_s and usable_s > 0 and need_s > 0: return power_w, "cheapest-hours"
        need_s -= max(usable_s, 0)
    return 0, "cheaper-hours-come"
def decide(known):  # a limit for each station; who comes first in the site's list is served first
    if not {"info", "price", "household/meter"} <= known.keys(): return {}
    house, fuse_w, limits = known["household/meter"], known["info"]["max_power_w"], {}
    for name in known["info"]["stations"]:
        parts = [known.get(f"station/{name}/{kind}") for kind in ("info", "goal", "meter")]
        if not all(parts): continue  # the bridge has not told of it yet
        power_w, why = wanted(*parts, known["price"]["slots"], at_s(house["at"]))
        used_w = house["house_load_w"] + sum(limit_w for limit_w, _ in limits.values())
        limits[name] = (power_w, why) if used_w + power_w <= fuse_w else (0, "no-room-in-the-fuse")
    return dict(sorted(limits.items(), key=lambda limit: limit[1]))  # what makes room goes first
def is_late(last, boot_id, seq, **_):  # what was not logged comes again, even of an earlier run
    return boot_id != my["run"] or boot_id == last.get("boot_id") and seq <= last["seq"]
def on_message(client, userdata, message):  # what raises in here is garbage, and is left out
    topic, body = message.topic.removeprefix(ROOT), json.loads(message.payload, parse_constant=int)
    if topic.endswith("/meter") and is_late(facts.get(topic, {}), **body): return
    if body["schema"] == "lease-state/1": take_lease(**body)
    limits, facts[topic], now_s = decide({**facts, topic: body}), body, time.monotonic()
    if limits and now_s > my["ask_at_s"]: ask("renew" if now_s < my["until_s"] else "acquire", now_s)
    for name, (power_w, why) in limits.items() if now_s < my["until_s"] and limits != my["told"] else ():
        my["told"], reason = limits, {"code": why, "text": why.replace("-", " ")}
        say(f"station/{name}/limit/set", "limit/1", limit_w=power_w, valid_for_s=60, reason=reason)
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, ME, protocol=mqtt.MQTTv5)
client.username_pw_set(env["WATTBUS_MQTT_USERNAME"], open(env["WATTBUS_MQTT_PASSWORD_FILE"]).read())
client.on_message, client.suppress_exceptions = on_message, True
client.on_connect = lambda *_: client.subscribe(ROOT + "#", qos=1)
client.connect(env["WATTBUS_MQTT_HOST"], int(env["WATTBUS_MQTT_PORT"]), keepalive=15)
client.loop_start()
signal.signal(signal.SIGTERM, lambda *_: setattr(client, "on_message", None))  # asks no more
signal.pause()  # until docker stop, or another scheduler's docker compose up, sends SIGTERM
ask("release", 0).wait_for_publish(timeout=5)
