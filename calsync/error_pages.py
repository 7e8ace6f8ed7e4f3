"""Error pages for developers show every setting: but no address, for many hold a password."""

import re

from django.views.debug import SafeExceptionReporterFilter


class AddressesHidden(SafeExceptionReporterFilter):
    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|URL|DSN|LOCATION", re.IGNORECASE
    )
