"""The zone in which a calendar's dates are read."""

import pytest

from connections.models import known_zone
from tests.factories import ConnectionFactory, ConsultantFactory


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("named", "used"),
    [("Asia/Tokyo", "Asia/Tokyo"), ("", "Europe/Berlin"), ("Mars/Base", "Europe/Berlin")],
)
def test_zone_that_is_not_known_here_is_the_consultants(named, used):
    consultant = ConsultantFactory(settings__time_zone="Europe/Berlin")
    connection = ConnectionFactory(user=consultant, time_zone=named)
    assert connection.zone.key == used


@pytest.mark.parametrize("name", ["", "GMT+02:00", "Europe", "../etc/passwd", "/etc", "a\0b"])
def test_name_that_is_no_zone_is_none(name):
    assert known_zone(name) is None
