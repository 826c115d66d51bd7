// A whole scheduler in JavaScript: keeps the lease, charges in the cheapest hours, heeds every fuse.
import { readFileSync } from "node:fs";
import mqtt from "mqtt";
const env = process.env, me = env.WATTBUS_MQTT_CLIENT_ID ?? "scheduler", root = `wattbus/v1/${env.WATTBUS_SITE}/`;
const bootId = crypto.randomUUID(), asked = {}; // when we asked for what, in ms of performance.now()
const lease = { run: null, epoch: null, until: 0, ttl_s: 15, askAt: 0, told: "" };
let facts = {}, seq = 0; // facts: the newest good message of each topic
const number = (value) => { // throws, since NaN would slip through every comparison
  if (Number.isFinite(value)) return value; else throw new TypeError(`${value} is no number`); };
function say(topic, schema, body, messageExpiryInterval) {
  const head = { schema, source: me, boot_id: bootId, seq: ++seq, sent_at: new Date().toISOString() };
  const payload = JSON.stringify({ ...head, instance: me, epoch: lease.epoch, ...body });
  client.publish(root + topic, payload, { qos: 1, properties: { messageExpiryInterval } });
}
function ask(action) { // for the lease, the right to command
  const nonce = crypto.randomUUID();
  asked[nonce] = performance.now();
  lease.askAt = asked[nonce] + lease.ttl_s * 250;
  say("lease/request", "lease-request/1", { action, nonce }, 5);
}
function takeLease({ epoch, ttl_s, holder, nonce, bridge_boot_id: run }) { // ours if it answers us
  const since = holder === me ? asked[nonce] : undefined;
  Object.assign(lease, { run, epoch: since ? number(epoch) : null, ttl_s: number(ttl_s), told: "" });
  lease.until = since ? since + ttl_s * 750 : 0; // stop well before the bridge would stop us
  if (!since && (!holder || holder === me)) lease.askAt = 0; // it is free, or handed over to us
}
function wanted(info, goal, car, slots, now) { // power in W if there were no fuse, and why
  const missing = number(goal.target_soc_percent) - number(car.soc_percent ?? 100);
  if (goal.mode === "off" || missing <= 0 || !car.is_plugged_in) return [0, "nothing-to-do"];
  const power = number(info.max_power_w), cap = goal.price_cap_per_kwh ?? Infinity;
  if (goal.mode === "now" || car.soc_percent < goal.min_soc_percent) return [power, "at-once"];
  let ms = missing * 36e3 * number(info.battery_capacity_wh / info.charging_efficiency) / power;
  for (const { start, end, price } of slots.filter((slot) => slot.price <= cap)) {
    const usable = Math.min(end, Date.parse(goal.departure_at ?? "9999-01-01")) - Math.max(start, now);
    if (start <= now && usable > 0 && ms > 0) return [power, "cheapest-hours"];
    ms -= Math.max(usable, 0);
  }
  return [0, "cheaper-hours-come"];
}
function decide({ info: site, price, "household/meter": house, ...rest }) { // [station, W, why]…
  if (!site || !price || !house) return [];
  const slots = price.slots.map((slot) => ({ price: number(slot.price_per_kwh),
    start: Date.parse(slot.start_at), end: number(Date.parse(slot.start_at) + slot.duration_s * 1000) }));
  slots.sort((one, other) => one.price - other.price);
  const phase = site.fuse_current_a * site.voltage_v - house.house_load_w / site.phases || Infinity;
  const room = [number(site.max_power_w - house.house_load_w), phase, phase, phase]; // all, L1, L2, L3
  return site.stations.flatMap((name) => {
    const [info, goal, car] = ["info", "goal", "meter"].map((kind) => rest[`station/${name}/${kind}`]);
    if (!info || !goal || !car) return []; // the bridge has not told of it yet
    let [power, why] = wanted(info, goal, car, slots, Date.parse(house.at));
    const count = info.phases.length, fits = Math.min(room[0], ...info.phases.map((p) => room[p] * count));
    const least = info.control === "switch" ? power : info.min_current_a * info.voltage_v * count;
    if (fits < power) [power, why] = [fits >= least ? fits : 0, "no-room-in-the-fuse"];
    for (const p of [0, ...info.phases]) room[p] -= p ? power / count : power;
    return [[name, power, why]];
  }).sort((one, other) => one[1] - other[1]); // what makes room goes first
}
const isLate = ({ boot_id, seq }, last) => // what was not logged comes again, even of an earlier run
  boot_id !== lease.run || (boot_id === last?.boot_id && number(seq) <= last.seq);
function take(topic, body) {
  if (topic.endsWith("/meter") && isLate(body, facts[topic])) return;
  if (body.schema === "lease-state/1") takeLease(body);
  const limits = decide({ ...facts, [topic]: body }), now = performance.now(); // throws on garbage
  facts = { ...facts, [topic]: body };
  if (limits.length && now > lease.askAt) ask(now < lease.until ? "renew" : "acquire");
  if (now > lease.until || lease.told === JSON.stringify(limits)) return;
  lease.told = JSON.stringify(limits); // forgotten when the lease is renewed, so that they are repeated
  for (const [name, limit_w, why] of limits) say(`station/${name}/limit/set`, "limit/1",
    { limit_w, valid_for_s: 60, reason: { code: why, text: why.replaceAll("-", " ") } }, 60);
}
const client = mqtt.connect({ host: env.WATTBUS_MQTT_HOST, port: env.WATTBUS_MQTT_PORT, clientId: me,
  username: env.WATTBUS_MQTT_USERNAME, password: readFileSync(env.WATTBUS_MQTT_PASSWORD_FILE),
  protocolVersion: 5 });
client.on("connect", () => client.subscribe(`${root}#`, { qos: 1 }));
client.on("error", (error) => console.error(error.message));
client.on("message", (topic, payload) => {
  try { take(topic.slice(root.length), JSON.parse(payload)); }
  catch (error) { console.error(`ignored ${topic}: ${error.message}`); }
});
process.on("SIGTERM", () => { ask("release"); client.end(false, {}, () => process.exit(0)); });
