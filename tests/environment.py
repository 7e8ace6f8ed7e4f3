"""The environment the tests run in, set before Django reads its settings (a pytest plugin)."""

import os

os.environ["DEBUG"] = "true"
os.environ["ENV_FILE"] = os.devnull
os.environ["PUBLIC_URL"] = "http://testserver"
os.environ["ALLOWED_HOSTS"] = "*"
os.environ["EMAIL_URL"] = "memorymail://"
os.environ["DEFAULT_FROM_EMAIL"] = "calsync <calsync@example.com>"
os.environ["CALDAV_ALLOWED_PRIVATE_HOSTS"] = "127.0.0.1,localhost"
# Rows outlive a test that commits; who tests a limit sets it.
os.environ["BOOKINGS_PER_ADDRESS"] = os.environ["BOOKINGS_PER_EMAIL"] = "1000000/hour"
os.environ["HOLDS_PER_ADDRESS"] = "1000000/hour"
