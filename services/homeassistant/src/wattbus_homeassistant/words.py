"""What entities are called in other languages than English."""

from wattbus_homeassistant.settings import Language

SWEDISH = {
    "Answer to the last wish": "Svar på senaste önskemålet",
    "Charge now": "Ladda nu",
    "Chargers": "Laddboxar",
    "Charging": "Laddar",
    "Charging station": "Laddbox",
    "Connection": "Anslutning",
    "Connector": "Kontakt",
    "Cost this month": "Kostnad denna månad",
    "Current limit": "Strömgräns",
    "Departure": "Avfärd",
    "Energy": "Energi",
    "House": "Hus",
    "In effect": "Gäller nu",
    "Main fuse": "Huvudsäkring",
    "Mode": "Läge",
    "Next departure": "Nästa avfärd",
    "Next start": "Nästa start",
    "Offered power": "Tillåten effekt",
    "Plugged in": "Inkopplad",
    "Power": "Effekt",
    "Price now": "Pris nu",
    "Problem": "Problem",
    "Ready at": "Klar",
    "Reason": "Orsak",
    "Saving this month": "Besparing denna månad",
    "Scheduler in command": "Schemaläggare styr",
    "Site": "Anläggning",
    "Solar": "Sol",
    "State of charge": "Laddnivå",
    "Strategy": "Strategi",
    "Target": "Mål",
}


def in_language(name: str, language: Language) -> str:
    """Return a name in a language; one that has no word there stays as it is."""
    return SWEDISH.get(name, name) if language == "sv" else name
