"""What pages are looked at on."""

import pytest

ON_BOTH_SCREENS = pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
    ],
    ids=["desktop", "phone-dark"],
)
