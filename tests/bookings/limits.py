"""Other limits on booking requests than the installation's."""

from django.conf import settings
from django.test import override_settings


def limits(**rates: str) -> override_settings:
    known = settings.REST_FRAMEWORK
    rates = known["DEFAULT_THROTTLE_RATES"] | rates
    return override_settings(REST_FRAMEWORK=known | {"DEFAULT_THROTTLE_RATES": rates})
