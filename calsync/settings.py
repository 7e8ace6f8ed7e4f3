"""All settings, from the environment alone. Each variable may also be given as ``NAME_FILE``.

A missing or malformed one stops the start with a sentence that says which and how to get it.
With DEBUG on, a fresh checkout needs none: secrets are made once and kept in ``var/``, and the
database is the embedded one. Outside DEBUG there are no defaults for either.
"""

import secrets
from pathlib import Path

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


env = environ.FileAwareEnv()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))  # what is made on this machine
MAKE_FERNET_KEY = (
    "Make one with: python -c "
    '"from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


def required(name: str, how: str, *, debug_default) -> str:
    """The variable's text; in DEBUG a stand-in, otherwise a start that stops with a sentence."""
    if value := env.str(name, default=""):
        return value
    if DEBUG:
        return debug_default()
    raise ImproperlyConfigured(f"{name} is not set. {how}")


def kept_secret(name: str, make) -> str:
    """A secret for local use, made at the first start and kept in ``var/`` for the next."""
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    file = VAR_DIR / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text()


def embedded_database() -> str:
    from calsync import embedded_postgres

    return embedded_postgres.ensure()


def valid_fernet_keys(keys: list[str]) -> list[str]:
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"TOKEN_ENCRYPTION_KEYS: key {position} is not a Fernet key. {MAKE_FERNET_KEY}"
            ) from None
    return keys


# --- Security -----------------------------------------------------------------------------------

SECRET_KEY = required(
    "SECRET_KEY",
    'Make one with: python -c "import secrets; print(secrets.token_urlsafe(50))"',
    debug_default=lambda: kept_secret("secret_key", lambda: secrets.token_urlsafe(50)),
)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
TOKEN_ENCRYPTION_KEYS = valid_fernet_keys(
    required(
        "TOKEN_ENCRYPTION_KEYS",
        "It holds one or more Fernet keys, separated by commas; the first one encrypts. "
        + MAKE_FERNET_KEY,
        debug_default=lambda: kept_secret("encryption_key", lambda: Fernet.generate_key().decode()),
    ).split(",")
)
ALLOWED_HOSTS = required(
    "ALLOWED_HOSTS",
    "It holds the host names calsync answers to, separated by commas, e.g. booking.example.com",
    debug_default=lambda: "localhost,127.0.0.1,[::1],testserver",
).split(",")
PUBLIC_URL = required(
    "PUBLIC_URL",
    "It is the address invitees and providers reach calsync at, e.g. https://booking.example.com",
    debug_default=lambda: "http://127.0.0.1:8000",
).rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ALLOWED_ORIGINS = env.list("ALLOWED_ORIGINS", default=[])
# CalDAV servers on private addresses that may be reached all the same: host or host:port.
CALDAV_ALLOWED_PRIVATE_HOSTS = env.list("CALDAV_ALLOWED_PRIVATE_HOSTS", default=[])

IS_HTTPS = PUBLIC_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = IS_HTTPS and not DEBUG
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
X_FRAME_OPTIONS = "DENY"

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
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "django_q",
    "connections",
    "syncing",
    "availability",
    "bookings",
    "calsync.apps.CalsyncConfig",
]

MIDDLEWARE = [
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

DATABASE_URL = required(
    "DATABASE_URL",
    "It is the PostgreSQL (Supabase) address, e.g. postgres://user:password@host:5432/postgres. "
    "Only with DEBUG=true does calsync bring its own server.",
    debug_default=embedded_database,
)
DATABASE_IS_EMBEDDED = env.str("DATABASE_URL", default="") != DATABASE_URL
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,  # they do not survive a transaction pooler
}
# Behind a transaction pooler turn this off and say it once in the database:
# ALTER ROLE … SET search_path = calsync, public
if env.bool("DB_SEARCH_PATH_OPTION", default=True):
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c search_path=calsync,public"

REDIS_URL = env.str("REDIS_URL", default="")
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
Q_CLUSTER = {
    "name": "calsync",
    "label": "Task queue",
    "orm": "default",
    "cache": "task_queue",
    "workers": env.int("WORKERS", default=4),
    "queue_limit": env.int("WORKERS", default=4),
    "bulk": 1,
    "timeout": 120,
    "retry": 600,
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
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["bookings.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {
        "bookings_per_address": env.str("BOOKINGS_PER_ADDRESS", default="30/hour"),
        "bookings_per_email": env.str("BOOKINGS_PER_EMAIL", default="10/hour"),
    },
    "EXCEPTION_HANDLER": "bookings.api.answer_error",
    # How many proxies in front add to X-Forwarded-For; with 0 the header is not believed.
    "NUM_PROXIES": env.int("TRUSTED_PROXIES", default=0),
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {"TITLE": "calsync", "VERSION": "1", "OAS_VERSION": "3.1.0"}

CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = ["content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["retry-after"]

# --- Mail ---------------------------------------------------------------------------------------

EMAIL_CONFIG = env.email_url_config(
    required(
        "EMAIL_URL",
        "It says how mail leaves, e.g. smtp+tls://user:password@mail.example.com:587",
        debug_default=lambda: "consolemail://",
    )
)
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = required(
    "DEFAULT_FROM_EMAIL",
    "It is the sender of every mail, e.g. Bookings <bookings@example.com>",
    debug_default=lambda: "calsync <calsync@localhost>",
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Sync and booking -----------------------------------------------------------------------------

POLL_INTERVAL_SECONDS = env.int("POLL_INTERVAL_SECONDS", default=300)  # with a live watch
POLL_INTERVAL_NO_WATCH_SECONDS = env.int("POLL_INTERVAL_NO_WATCH_SECONDS", default=60)
SYNC_PAST_DAYS = env.int("SYNC_PAST_DAYS", default=7)
SYNC_FUTURE_DAYS = env.int("SYNC_FUTURE_DAYS", default=400)
BOOKING_REFRESH_SECONDS = env.float("BOOKING_REFRESH_SECONDS", default=3)
MAX_DATA_AGE_MINUTES = env.int("MAX_DATA_AGE_MINUTES", default=60)

# --- Logging ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django-q": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
