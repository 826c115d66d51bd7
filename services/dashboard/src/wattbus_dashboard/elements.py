"""Plain HTML elements for NiceGUI, and setting them only when something has changed."""

from typing import Any

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

FORM_TO_PYTHON = (
    "event => { event.preventDefault(); emit(Object.fromEntries(new FormData(event.target))); }"
)
"""Handler of a form's `submit`: all its fields in one message."""


class Text(TextElement):
    """An element that holds nothing but text."""

    def __init__(self, tag: str, text: str = "", classes: str = "", **props: Any) -> None:
        super().__init__(tag=tag, text=text)
        _dress(self, classes, props)


class Box(Element):
    """An element that holds others."""

    def __init__(self, tag: str, classes: str = "", **props: Any) -> None:
        super().__init__(tag)
        _dress(self, classes, props)


def _dress(element: Element, classes: str, props: dict[str, Any]) -> None:
    if classes:
        element.classes(classes)
    for name, value in props.items():
        if value is not None:
            element.props[name.rstrip("_").replace("_", "-")] = value


def set_prop(element: Element, name: str, value: Any) -> None:
    """Set an attribute if it is another one than before; None takes it away."""
    if element.props.get(name) != value:
        element.props.set_optional(name, value)
