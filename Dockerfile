# One image for web and worker.
#   web:    the default command
#   worker: python manage.py qcluster
# Before the first start of a release: python manage.py prepare

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements/installer.txt requirements/base.txt requirements/
RUN python -m venv /venv \
 && python -m pip install --no-cache-dir --require-hashes -r requirements/installer.txt \
 && uv pip install --python /venv/bin/python --require-hashes --compile-bytecode -r requirements/base.txt

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 10001 calsync
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/calsync
COPY --from=build /venv /venv
COPY manage.py ./
COPY calsync calsync
COPY connections connections
COPY syncing syncing
COPY availability availability
COPY bookings bookings
COPY templates templates
COPY static static
# Settings are read from the environment at the start; collecting files needs none of the real ones.
RUN SECRET_KEY=build ALLOWED_HOSTS=build PUBLIC_URL=http://build EMAIL_URL=consolemail:// \
    DEFAULT_FROM_EMAIL=build@build DATABASE_URL=postgres://build/build \
    TOKEN_ENCRYPTION_KEYS=$(python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())") \
    python manage.py collectstatic --noinput
USER calsync
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz'), timeout=4)"]
CMD ["gunicorn", "-c", "python:calsync.gunicorn", "calsync.wsgi"]
