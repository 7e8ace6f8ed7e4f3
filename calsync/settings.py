"""All settings, from the environment alone. Each variable may also be given as ``NAME_FILE``.

A missing or malformed one stops the start with a sentence that says which and how to get it.
With DEBUG on, a fresh checkout needs none: secrets are made once and kept in ``var/``, and the
database is the embedded one. Outside DEBUG there are no defaults for either.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet

from calsync.environment import (
    env,
    fernet_keys,
    graph_address,
    host_names,
    mail_server,
    on_or_off,
    origins,
    postgres_address,
    rate,
    read,
    read_file,
    redis_address,
    seconds,
    sender,
    service_address,
    web_address,
    whole_number,
    words,
)

BASE_DIR = Path(__file__).resolve().parent.parent

read_file()

DEBUG = read("DEBUG", on_or_off, default="false")
VAR_DIR = Path(read("VAR_DIR", default=str(BASE_DIR / "var")))  # what is made on this machine


def in_debug(default):
    """A default for local use; outside DEBUG there is none."""
    return default if DEBUG else None


def kept_secret(name: str, make) -> str:
    """A secret for local use, made at the first start and kept in ``var/`` for the next."""
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    file = VAR_DIR / name
    if not file.exists():
        draft = file.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make())
        with suppress(FileExistsError):  # another process was first, and whole at once
            os.link(draft, file)
        draft.unlink()
    return file.read_text()


def embedded_database() -> str:
    from calsync import embedded_postgres

    return embedded_postgres.ensure()


# --- Security -----------------------------------------------------------------------------------

SECRET_KEY = read(
    "SECRET_KEY",
    how='Make one with: python -c "import secrets; print(secrets.token_urlsafe(50))"',
    default=in_debug(lambda: kept_secret("secret_key", lambda: secrets.token_urlsafe(50))),
)
SECRET_KEY_FALLBACKS = read("SECRET_KEY_FALLBACKS", words, default="")
TOKEN_ENCRYPTION_KEYS = read(
    "TOKEN_ENCRYPTION_KEYS",
    fernet_keys,
    how="It holds Fernet keys, separated by commas; the first one encrypts. Make one with: "
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
    default=in_debug(lambda: kept_secret("encryption_key", lambda: Fernet.generate_key().decode())),
)
ALLOWED_HOSTS = read(
    "ALLOWED_HOSTS",
    host_names,
    how="It holds the host names calsync answers to, separated by commas, e.g. booking.example.com",
    default=in_debug("localhost,127.0.0.1,[::1],testserver"),
)
PUBLIC_URL = read(
    "PUBLIC_URL",
    web_address,
    how="It is the address invitees and providers reach calsync at, e.g. "
    "https://booking.example.com",
    default=in_debug("http://127.0.0.1:8000"),
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ALLOWED_ORIGINS = read(
    "ALLOWED_ORIGINS",
    origins,
    how="It holds the websites that may embed the booking page, e.g. https://www.example.com",
    default="",
)
# Who knows it may read /metrics. Empty: nobody may.
METRICS_TOKEN = read("METRICS_TOKEN", default="")
# CalDAV servers on private addresses that may be reached all the same: host or host:port.
CALDAV_ALLOWED_PRIVATE_HOSTS = read("CALDAV_ALLOWED_PRIVATE_HOSTS", words, default="")
# The same for the consultants' own systems, which webhooks tell of bookings.
WEBHOOK_ALLOWED_PRIVATE_HOSTS = read("WEBHOOK_ALLOWED_PRIVATE_HOSTS", words, default="")

IS_HTTPS = PUBLIC_URL.startswith("https://")
# How many proxies in front add to X-Forwarded-For; with 0 the header is not believed.
TRUSTED_PROXIES = read("TRUSTED_PROXIES", whole_number(least=0), default="0")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = IS_HTTPS and not DEBUG
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
X_FRAME_OPTIONS = "DENY"
DEFAULT_EXCEPTION_REPORTER_FILTER = "calsync.error_pages.AddressesHidden"

# --- Applications -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "calsync.apps.ConsultantAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "connections",
    "connections.oauth",
    "syncing",
    "availability",
    "bookings",
    "calsync.apps.CalsyncConfig",
]

MIDDLEWARE = [
    "calsync.health.Health",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "connections.middleware.DeskTimeZone",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "calsync.urls"
WSGI_APPLICATION = "calsync.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = "calsync.formats"
TIME_ZONE = "UTC"
USE_TZ = True

# --- Database, cache, queue ----------------------------------------------------------------------

DATABASE_URL = read(
    "DATABASE_URL",
    postgres_address,
    how="It is the PostgreSQL (Supabase) address, e.g. postgres://user:password@host:5432/postgres "
    "(special characters percent-encoded). Only with DEBUG=true does calsync bring its own server.",
    default=in_debug(embedded_database),
)
DATABASE_IS_EMBEDDED = read("DATABASE_URL", default="") != DATABASE_URL
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,  # they do not survive a transaction pooler
}
# Behind a transaction pooler turn this off and say it once in the database:
# ALTER ROLE … SET search_path = calsync, public
if read("DB_SEARCH_PATH_OPTION", on_or_off, default="true"):
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c search_path=calsync,public"

REDIS_URL = read("REDIS_URL", redis_address, default="")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    ),
    # The task queue writes its statistics twice a second; nobody else reads them.
    "task_queue": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

# The queue only delivers: what is due, and when to try again, is in our own rows. A task can be
# delivered twice (a worker died), so retry is far above timeout * (queue_limit / workers + 2).
WORKERS = read("WORKERS", whole_number(least=1), default="4")
Q_CLUSTER = {
    "name": "calsync",
    "label": "Task queue",
    "orm": "default",
    "cache": "task_queue",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": 280,  # seconds; a first sync of a very large calendar takes minutes
    "retry": 1800,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.5,
    "recycle": 500,
}

# --- Sign-in ------------------------------------------------------------------------------------

AUTH_USER_MODEL = "connections.Consultant"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "connections.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # strangers get no mail
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES  # whose sign-ins are counted
# A second step: codes of an authenticator app. Each is good once, in its own half minute.
REQUIRE_MFA = read("REQUIRE_MFA", on_or_off, default="false")
MFA_ADAPTER = "connections.mfa.MFAAdapter"
MFA_FORMS = {"activate_totp": "connections.mfa.ActivateForm"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from who runs calsync: nobody signs up
# Accounts at Google and Microsoft connect calendars, and let in who has linked them.
SOCIALACCOUNT_ADAPTER = "connections.adapter.SocialAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10  # seconds
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["bookings.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {
        "bookings_per_address": read("BOOKINGS_PER_ADDRESS", rate, default="1000/hour"),
        "bookings_per_email": read("BOOKINGS_PER_EMAIL", rate, default="120/hour"),
        "holds_per_address": read("HOLDS_PER_ADDRESS", rate, default="120/hour"),
    },
    "EXCEPTION_HANDLER": "bookings.api.errors.answer_error",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "UNICODE_JSON": False,  # escaped, half a character that was sent can be quoted
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "calsync",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = ["content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["retry-after"]

# --- Mail ---------------------------------------------------------------------------------------

vars().update(
    read(
        "EMAIL_URL",
        mail_server,
        how="It says how mail leaves, e.g. smtp+tls://user:password@mail.example.com:587",
        default=in_debug("consolemail://"),
    )
)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = read(
    "DEFAULT_FROM_EMAIL",
    sender,
    how="It is the sender of every mail, e.g. Bookings <bookings@example.com>",
    default=in_debug("calsync <calsync@localhost>"),
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Providers ----------------------------------------------------------------------------------

# Empty: this provider is not offered. The addresses are there so that others can stand in.
GOOGLE_CLIENT_ID = read("GOOGLE_CLIENT_ID", default="")
GOOGLE_CLIENT_SECRET = read("GOOGLE_CLIENT_SECRET", default="")
GOOGLE_ACCOUNTS_URL = read(
    "GOOGLE_ACCOUNTS_URL", service_address, default="https://accounts.google.com"
)
GOOGLE_OAUTH_URL = read(
    "GOOGLE_OAUTH_URL", service_address, default="https://oauth2.googleapis.com"
)
GOOGLE_API_URL = read("GOOGLE_API_URL", service_address, default="https://www.googleapis.com")
MICROSOFT_CLIENT_ID = read("MICROSOFT_CLIENT_ID", default="")
MICROSOFT_CLIENT_SECRET = read("MICROSOFT_CLIENT_SECRET", default="")
MICROSOFT_TENANT = read("MICROSOFT_TENANT", default="common")
MICROSOFT_LOGIN_URL = read(
    "MICROSOFT_LOGIN_URL", service_address, default="https://login.microsoftonline.com"
)
MICROSOFT_GRAPH_URL = read(
    "MICROSOFT_GRAPH_URL", graph_address, default="https://graph.microsoft.com"
)

# Where providers call when something has changed. Empty: they call https only, so all are polled.
# What stands in for them without https calls without it as well.
CALLS_HTTPS_ONLY = all(url.startswith("https:") for url in (GOOGLE_API_URL, MICROSOFT_GRAPH_URL))
PUSH_ADDRESS = f"{PUBLIC_URL}/webhooks" if IS_HTTPS or not CALLS_HTTPS_ONLY else ""

# --- Sync and booking -----------------------------------------------------------------------------

# Of calendars with a live watch. Any notification may get lost, and only the next poll finds out:
# so this is how long a change can stay unseen then. It costs some 1.3 requests a minute for each
# calendar; Google allows an account 600 a minute, Microsoft 1,000.
POLL_INTERVAL_SECONDS = read("POLL_INTERVAL_SECONDS", whole_number(least=1), default="60")
POLL_INTERVAL_NO_WATCH_SECONDS = read(
    "POLL_INTERVAL_NO_WATCH_SECONDS", whole_number(least=1), default="60"
)
# What Supabase says when it calls of a changed booking. Empty: it may not call.
SUPABASE_WEBHOOK_SECRET = read("SUPABASE_WEBHOOK_SECRET", default="")
SYNC_PAST_DAYS = read("SYNC_PAST_DAYS", whole_number(least=0), default="7")
SYNC_FUTURE_DAYS = read("SYNC_FUTURE_DAYS", whole_number(least=1), default="400")
BOOKING_REFRESH_SECONDS = read("BOOKING_REFRESH_SECONDS", seconds, default="3")
MAX_DATA_AGE_MINUTES = read("MAX_DATA_AGE_MINUTES", whole_number(least=1), default="60")

# --- Logging ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django-q": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
