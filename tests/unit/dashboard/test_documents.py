"""docs/dashboard.md tells of every setting with its default, and of files that exist."""

import re

from fixtures.broker_process import ROOT
from wattbus_dashboard.settings import DashboardSettings, SiteSettings

PAGE = (ROOT / "docs" / "dashboard.md").read_text()
SOURCES = ROOT / "services" / "dashboard" / "src" / "wattbus_dashboard"


def test_the_table_of_settings_is_that_of_the_program() -> None:
    rows = re.findall(r"^\| `(WATTBUS_[A-Z_]+)` \|(.*?)\|", PAGE, re.MULTILINE)
    told = {name: default.strip("` ") for name, default in rows}

    real = {
        f"{kind.model_config.get('env_prefix')}{name.upper()}": str(field.default)
        for kind in (SiteSettings, DashboardSettings)
        for name, field in kind.model_fields.items()
    }

    assert {name: default or "None" for name, default in told.items()} == real


def test_files_that_the_page_names_are_there() -> None:
    table = PAGE.split("## To change something")[1]

    named = re.findall(r"`([\w/]+\.(?:py|css))`", table)

    assert len(named) > 5
    assert [name for name in named if not (SOURCES / name).is_file()] == []
    assert (ROOT / "docs" / "pictures" / "dashboard.png").is_file()
