"""Topics, message types and the MQTT session that every Wattbus service shares."""
