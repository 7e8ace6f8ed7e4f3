"""How gunicorn serves calsync: ``gunicorn -c python:calsync.gunicorn calsync.wsgi``."""

from pathlib import Path

from calsync.environment import listening_at, read, read_file, whole_number

read_file()

bind = read("BIND", listening_at, default="0.0.0.0:8000")
worker_class = "gthread"
# Not WEB_CONCURRENCY: gunicorn reads that one itself, and breaks off where it is malformed.
workers = read("WEB_PROCESSES", whole_number(least=1), default="2")
threads = 8
timeout = 60
graceful_timeout = 30
keepalive = 5
max_requests = 2000
max_requests_jitter = 200
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
