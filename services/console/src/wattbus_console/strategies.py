"""The strategies that come with the scheduler, as people choose among them."""

DEFAULT = "cheapest"

STRATEGIES = {
    "cheapest": "the cheapest hours before departure that leave room under the fuse",
    "optimal": "all cars jointly at the least cost, with few starts",
    "price": "hours that are cheap by the pattern of the day's prices",
    "load": "hours in which the house itself uses least",
    "threshold": "only below 50 öre/kWh; may need a second night",
    "now": "at once on arrival, to compare with",
}
"""Name and one line for people. Another scheduler may know others: the name is passed on."""
