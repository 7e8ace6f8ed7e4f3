"""A start with settings missing or malformed stops, and says which one and how to get it."""

import json
import os
import secrets
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "booking.example.com",
    "PUBLIC_URL": "https://booking.example.com",
    "DATABASE_URL": "postgres://calsync:password@db.example.com:5432/postgres",
    "EMAIL_URL": "smtp+tls://calsync:password@mail.example.com:587",
    "DEFAULT_FROM_EMAIL": "Bookings <bookings@example.com>",
}
SHOW = (
    "import json, sys; from calsync import settings; print(json.dumps(vars(settings)[sys.argv[1]]))"
)


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python with these variables alone, and no .env file."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def value(name: str, **variables: str):
    """A setting as a started process has it."""
    result = run("-c", SHOW, name, **variables)
    assert result.stderr == ""
    return json.loads(result.stdout)


def complaint(**variables: str) -> str:
    """The sentence with which the start stops."""
    result = run("-c", "import calsync.settings", **variables)
    assert result.returncode == 1
    kind, _, sentence = result.stderr.splitlines()[-1].partition(": ")
    assert kind == "django.core.exceptions.ImproperlyConfigured"
    return sentence


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("SECRET_KEY", "secrets.token_urlsafe(50)"),
        ("TOKEN_ENCRYPTION_KEYS", "Fernet.generate_key()"),
        ("ALLOWED_HOSTS", "e.g. booking.example.com"),
        ("PUBLIC_URL", "e.g. https://booking.example.com"),
        ("DATABASE_URL", "e.g. postgres://user:password@host:5432/postgres"),
        ("EMAIL_URL", "e.g. smtp+tls://user:password@mail.example.com:587"),
        ("DEFAULT_FROM_EMAIL", "e.g. Bookings <bookings@example.com>"),
    ],
)
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_missing_setting_stops_the_start(name, how, is_empty):
    variables = PRODUCTION | {name: ""}
    if not is_empty:
        del variables[name]
    sentence = complaint(**variables)
    assert sentence.startswith(f"{name} is not set. ")
    assert how in sentence


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TOKEN_ENCRYPTION_KEYS", "hunter2"),
        ("TOKEN_ENCRYPTION_KEYS", f"{'A' * 43}=,hunter2"),
        ("ALLOWED_HOSTS", "https://hunter2.example.com"),
        ("PUBLIC_URL", "hunter2.example.com"),
        ("PUBLIC_URL", "ftp://hunter2.example.com"),
        ("PUBLIC_URL", "https://hunter2.example.com/calsync"),
        ("PUBLIC_URL", "https://hunter2.example.com:http"),
        ("PUBLIC_URL", "https://"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "mysql://calsync:hunter2@localhost/calsync"),
        ("DATABASE_URL", "postgres://calsync:hunter2@localhost"),
        ("DATABASE_URL", "postgres://calsync:hunter2/@localhost/calsync"),
        ("EMAIL_URL", "hunter2"),
        ("EMAIL_URL", "smpt://calsync:hunter2@localhost"),
        ("EMAIL_URL", "smtp://calsync:hunter2@localhost:smtp"),
        ("EMAIL_URL", "smtp://"),
        ("DEFAULT_FROM_EMAIL", "hunter2"),
        ("ALLOWED_ORIGINS", "https://www.example.com,hunter2.example.com"),
        ("ALLOWED_ORIGINS", "https://www.example.com/hunter2"),
        ("REDIS_URL", "hunter2:6379"),
        ("DEBUG", "hunter2"),
        ("DB_SEARCH_PATH_OPTION", "hunter2"),
        ("POLL_INTERVAL_SECONDS", "hunter2"),
        ("POLL_INTERVAL_SECONDS", "0"),
        ("POLL_INTERVAL_NO_WATCH_SECONDS", "-60"),
        ("SYNC_PAST_DAYS", "7.5"),
        ("SYNC_FUTURE_DAYS", "0"),
        ("BOOKING_REFRESH_SECONDS", "-1"),
        ("BOOKING_REFRESH_SECONDS", "inf"),
        ("MAX_DATA_AGE_MINUTES", "0"),
        ("WORKERS", "0"),
        ("TRUSTED_PROXIES", "hunter2"),
        ("REQUIRE_MFA", "hunter2"),
        ("BOOKINGS_PER_ADDRESS", "hunter2"),
    ],
)
def test_a_malformed_setting_stops_the_start_and_is_not_repeated(name, text):
    result = run("-c", "import calsync.settings", **(PRODUCTION | {name: text}))
    assert result.stderr.splitlines()[-1].startswith(
        f"django.core.exceptions.ImproperlyConfigured: {name} "
    )
    assert "hunter2" not in result.stderr


@pytest.mark.parametrize("command", [["manage.py", "check"], ["-m", "calsync.wsgi"]])
def test_every_way_to_start_is_stopped(command):
    result = run(*command, **(PRODUCTION | {"SECRET_KEY": ""}))
    assert result.returncode == 1
    assert "SECRET_KEY is not set. Make one with: python -c" in result.stderr


def test_a_complete_production_environment_passes_the_deployment_checks():
    result = run("manage.py", "check", "--deploy", "--fail-level", "INFO", **PRODUCTION)
    assert (result.stderr, result.returncode) == ("", 0)
    assert result.stdout == "System check identified no issues (0 silenced).\n"


def test_debugging_needs_no_settings_and_keeps_the_secrets_it_makes(tmp_path):
    here = {"DEBUG": "true", "DATABASE_URL": PRODUCTION["DATABASE_URL"], "VAR_DIR": str(tmp_path)}
    made = {name: value(name, **here) for name in ("SECRET_KEY", "TOKEN_ENCRYPTION_KEYS")}
    assert {name: value(name, **here) for name in made} == made
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert len(made["SECRET_KEY"]) > 60
    assert [len(key) for key in made["TOKEN_ENCRYPTION_KEYS"]] == [44]


def test_processes_that_start_at_once_keep_the_same_secret(tmp_path):
    here = {"DEBUG": "true", "DATABASE_URL": PRODUCTION["DATABASE_URL"], "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SHOW, "SECRET_KEY"]
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **here}
    processes = [
        subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    [secret] = {process.communicate()[0] for process in processes}
    assert len(json.loads(secret)) > 60
    assert {file.name for file in tmp_path.iterdir()} == {"secret_key", "encryption_key"}


def test_outside_debug_nothing_is_made_up(tmp_path):
    assert complaint(VAR_DIR=str(tmp_path)).startswith("SECRET_KEY is not set.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_every_setting_may_come_from_a_file(tmp_path, name):
    file = tmp_path / "secret"
    file.write_text(PRODUCTION[name] + "\n")
    variables = PRODUCTION | {f"{name}_FILE": str(file)}
    del variables[name]
    shown = "EMAIL_HOST_PASSWORD" if name == "EMAIL_URL" else name
    assert value(shown, **variables) == value(shown, **PRODUCTION)


def test_a_file_that_cannot_be_read_stops_the_start():
    sentence = complaint(**PRODUCTION, SECRET_KEY_FILE="/nowhere/secret")
    assert sentence == "SECRET_KEY_FILE cannot be read: No such file or directory."


def test_an_env_file_is_read(tmp_path):
    file = tmp_path / "env"
    file.write_text("".join(f"{name}='{text}'\n" for name, text in PRODUCTION.items()))
    assert value("PUBLIC_URL", ENV_FILE=str(file)) == "https://booking.example.com"


def test_lists_are_split_and_stripped():
    origins = "https://www.example.com/, https://example.org:8443 ,"
    assert value("ALLOWED_ORIGINS", **PRODUCTION, ALLOWED_ORIGINS=origins) == [
        "https://www.example.com",
        "https://example.org:8443",
    ]


def test_a_second_step_is_required_only_on_demand():
    assert [value("REQUIRE_MFA", **PRODUCTION, REQUIRE_MFA=said) for said in ("", "true")] == [
        False,
        True,
    ]


def test_sign_ins_are_counted_behind_as_many_proxies_as_requests_are():
    assert value("ALLAUTH_TRUSTED_PROXY_COUNT", **PRODUCTION, TRUSTED_PROXIES="2") == 2


def test_error_pages_for_developers_hide_the_addresses_that_hold_passwords(settings):
    settings.DEBUG = True
    settings.DATABASE_URL = settings.REDIS_URL = "scheme://user:hunter2@host/"
    settings.CACHES = {"default": {"LOCATION": "redis://user:hunter2@host/"}}
    request = RequestFactory().get("/", DATABASE_URL="postgres://user:hunter2@host/")
    report = ExceptionReporter(request, ValueError, ValueError("wrong"), None)
    assert "hunter2" not in report.get_traceback_html() + report.get_traceback_text()


@pytest.mark.parametrize(
    ("public_url", "stand_in", "push_address"),
    [
        ("https://booking.example.com", {}, "https://booking.example.com/webhooks"),
        ("http://booking.example.com", {}, ""),
        ("http://127.0.0.1:8000", {"GOOGLE_API_URL": "https://google.test"}, ""),
        (
            "http://127.0.0.1:8000",
            {"GOOGLE_API_URL": "http://127.0.0.1:9"},
            "http://127.0.0.1:8000/webhooks",
        ),
        (
            "http://127.0.0.1:8000",
            {"MICROSOFT_GRAPH_URL": "http://127.0.0.1:9"},
            "http://127.0.0.1:8000/webhooks",
        ),
    ],
)
def test_providers_are_asked_to_call_only_where_they_would(public_url, stand_in, push_address):
    variables = PRODUCTION | {"PUBLIC_URL": public_url} | stand_in
    assert value("PUSH_ADDRESS", **variables) == push_address


@pytest.mark.parametrize(
    "name",
    [
        "GOOGLE_ACCOUNTS_URL",
        "GOOGLE_OAUTH_URL",
        "GOOGLE_API_URL",
        "MICROSOFT_LOGIN_URL",
        "MICROSOFT_GRAPH_URL",
    ],
)
@pytest.mark.parametrize("address", ["http://127.0.0.1:9999", "http://127.0.0.1:9999/far/end"])
def test_what_stands_in_for_a_provider_may_be_anywhere(name, address):
    assert value(name, **PRODUCTION | {name: f"{address}/"}) == address
    assert complaint(**PRODUCTION | {name: f"{address}?far=end"}) == (
        f"{name} must end with its host, port or path."
    )


def test_the_version_behind_the_address_of_graph_is_no_part_of_it():
    written = {"MICROSOFT_GRAPH_URL": "https://graph.microsoft.com/v1.0/"}
    assert value("MICROSOFT_GRAPH_URL", **PRODUCTION | written) == "https://graph.microsoft.com"
