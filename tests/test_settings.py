"""Settings: environment over one TOML file, and an error that names what is wrong."""

from __future__ import annotations

import stat
from dataclasses import fields
from pathlib import Path

import pytest

from credenza.settings import Settings, SettingsError, load_settings, secret_keys
from credenza.web.passwords import WeakPassword, check_new_password

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "credenza.toml"


def wrong(**values: object) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**values)  # type: ignore[arg-type]
    return str(caught.value)


# -- where they come from ---------------------------------------------------------------------------------------------


def test_without_anything_there_are_defaults() -> None:
    assert load_settings(environ={}) == Settings()


def test_the_file_is_read(config: Path) -> None:
    config.write_text('issuer = "https://id.example.com"\ncode_lifetime = 30\nrate_limit = false\n')
    settings = load_settings(config, environ={})
    assert (settings.issuer, settings.code_lifetime, settings.rate_limit) == ("https://id.example.com", 30, False)


def test_the_environment_wins_over_the_file(config: Path) -> None:
    config.write_text('issuer = "https://file.example.com"\ncode_lifetime = 30\n')
    settings = load_settings(config, environ={"CREDENZA_ISSUER": "https://environment.example.com"})
    assert (settings.issuer, settings.code_lifetime) == ("https://environment.example.com", 30)


def test_the_command_line_wins_over_both(config: Path) -> None:
    config.write_text('issuer = "https://file.example.com"\n')
    environ = {"CREDENZA_ISSUER": "https://environment.example.com"}
    settings = load_settings(config, environ, issuer="http://localhost:9000")
    assert settings.issuer == "http://localhost:9000"
    assert load_settings(config, environ, issuer=None).issuer == "https://environment.example.com"


def test_the_environment_may_name_the_file(config: Path) -> None:
    config.write_text("code_lifetime = 30\n")
    assert load_settings(environ={"CREDENZA_CONFIG": str(config)}).code_lifetime == 30


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(environ={"CREDENZA_ISSUER": ""}) == Settings()


def test_where_nobody_says_what_the_issuer_is_it_follows_the_port(config: Path) -> None:
    """One that is configured is never touched, even if it says the same as the default."""
    assert load_settings(environ={}, port=9000).issuer == "http://localhost:9000"
    assert load_settings(environ={}, port=80).issuer == "http://localhost"
    assert load_settings(environ={"CREDENZA_ISSUER": Settings().issuer}, port=9000).issuer == Settings().issuer
    config.write_text(f'issuer = "{Settings().issuer}"')
    assert load_settings(config, {}, port=9000).issuer == Settings().issuer


def test_variables_of_others_are_left_alone() -> None:
    assert load_settings(environ={"PATH": "/bin", "CREDENZA_TRACE_PLUGINS": "1"}) == Settings()


def test_lists_are_separated_by_commas_in_the_environment_and_are_lists_in_the_file(config: Path) -> None:
    assert load_settings(environ={"CREDENZA_PLUGINS_DISABLED": "console, profile"}).plugins_disabled == (
        "console",
        "profile",
    )
    config.write_text('[plugins]\ndisabled = ["console", "profile"]\n')
    assert load_settings(config, environ={}).plugins_disabled == ("console", "profile")


@pytest.mark.parametrize(("word", "value"), [("on", True), ("OFF", False), ("true", True), ("0", False)])
def test_switches_are_words(word: str, value: bool) -> None:
    assert load_settings(environ={"CREDENZA_RATE_LIMIT": word}).rate_limit is value


# -- what is wrong is named -------------------------------------------------------------------------------------------


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(SettingsError, match=r"CREDENZA_ISUER: there is no setting 'isuer'; did you mean 'issuer'\?"):
        load_settings(environ={"CREDENZA_ISUER": "https://id.example.com"})
    with pytest.raises(SettingsError, match=r"there is no setting 'xyz'; the settings are issuer, database_url, "):
        load_settings(environ={"CREDENZA_XYZ": "1"})


def test_a_wrong_issuer_is_shown_beside_a_right_one() -> None:
    with pytest.raises(SettingsError, match=r"'id\.example\.com' is not an address such as https://id\.example\.com"):
        Settings(issuer="id.example.com")
    with pytest.raises(SettingsError, match=r"'http://id\.example\.com': http .* a reverse proxy in front"):
        Settings(issuer="http://id.example.com")


def test_an_unknown_key_of_the_file_is_named_with_the_file(config: Path) -> None:
    config.write_text('[plugins]\nblocked = ["console"]\n')
    with pytest.raises(SettingsError, match=rf"{config}: there is no setting 'plugins_blocked'"):
        load_settings(config, environ={})


@pytest.mark.parametrize("content", [b"issuer = ", b"issuer = \xff\n", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    with pytest.raises(SettingsError, match=str(config)):
        load_settings(config, environ={})


def test_a_file_that_is_not_there_is_named(config: Path) -> None:
    with pytest.raises(SettingsError, match=f"{config}: No such file or directory"):
        load_settings(config, environ={})


@pytest.mark.parametrize(("name", "value"), [("CODE_LIFETIME", "a minute"), ("RATE_LIMIT", "perhaps")])
def test_a_value_of_the_wrong_kind_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.lower()):
        load_settings(environ={f"CREDENZA_{name}": value})


@pytest.mark.parametrize(
    "issuer",
    [
        "id.example.com",
        "ftp://id.example.com",
        "https://",
        "https://id.example.com/",
        "https://id.example.com/path",
        "https://id.example.com?x=1",
        "https://id.example.com#x",
        "https://user@id.example.com",
        "https://two words.example.com",
        "https://bücher.example.com",
        'https://a"b.example.com',
        "https://[::1",
        "https://id.example.com:99999",
        "http://id.example.com",
    ],
)
def test_an_issuer_that_cannot_be_one_is_refused(issuer: str) -> None:
    assert wrong(issuer=issuer).startswith("issuer: ")


@pytest.mark.parametrize(
    "issuer",
    ["https://ID.example.com", "https://id.example.com:443", "https://id.example.com.", "http://localhost:80"],
)
def test_an_issuer_is_written_as_browsers_name_the_origin(issuer: str) -> None:
    """Or each form of ours would be refused as one from elsewhere, and no passkey would fit."""
    assert "lower case" in wrong(issuer=issuer)


@pytest.mark.parametrize("scheme", ["javascript", "data", "https", "http", "Cursor", "cursor:", "a b", ""])
def test_nothing_may_come_back_to_a_scheme_that_runs_or_is_no_private_one(scheme: str) -> None:
    assert "redirect_schemes" in wrong(redirect_schemes=(scheme,))


@pytest.mark.parametrize("issuer", ["http://localhost:8400", "http://127.0.0.1:8400", "http://[::1]:8400"])
def test_plain_http_is_for_loopback(issuer: str) -> None:
    assert not Settings(issuer=issuer).secure


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.type == "int"])
def test_a_number_below_zero_is_refused(name: str) -> None:
    assert wrong(**{name: -1}).startswith(name)


def test_nobody_waits_for_a_plugin_for_no_time_at_all() -> None:
    assert "plugins_timeout" in wrong(plugins_timeout=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("code_lifetime", 601),
        ("access_token_lifetime", 86401),
        ("refresh_token_reuse_window", 61),
        ("password_min_length", 7),
        ("password_min_length", 65),
        ("argon2_memory_kib", 7),
        ("argon2_memory_kib", 10**9),
        ("argon2_time_cost", 10**9),
        ("session_lifetime", 10**20),
        ("shutdown_delay", 61),
    ],
)
def test_what_would_be_unsafe_is_refused(name: str, value: int) -> None:
    assert name.split("_")[0] in wrong(**{name: value})


def test_each_lane_needs_its_memory() -> None:
    assert "argon2_memory_kib" in wrong(argon2_memory_kib=31, argon2_parallelism=4)


@pytest.mark.parametrize("address", ["redis://", "redis://host:99999", "redis://[x", "https://host", "redis://a b"])
def test_a_cache_is_a_host(address: str) -> None:
    assert wrong(cache_url=address).startswith("cache_url: ")


@pytest.mark.parametrize("address", ["smtp://", "smtp://host:99999", "smtp://[x", "http://host"])
def test_a_mail_server_is_a_host(address: str) -> None:
    assert wrong(smtp_url=address, mail_from="no-reply@example.com").startswith("smtp_url: ")


@pytest.mark.parametrize("sender", ["nobody", "A <a@example.com>, B <b@example.com>", "A <>", "a@b@example.com"])
def test_mails_come_from_one_address(sender: str) -> None:
    assert wrong(smtp_url="smtp://u:p@localhost:2525", mail_from=sender).startswith("mail_from: ")
    right = ("no-reply@example.com", "Example <no-reply@example.com>", '"Ex, Ample" <no-reply@example.com>')
    for mail_from in right:
        assert (
            Settings(smtp_url="smtps://user:pass%40word@mail.example.com", mail_from=mail_from).mail_from == mail_from
        )


def test_r_pw_01_a_password_may_be_shorter_where_it_is_never_the_only_factor() -> None:
    """D8, SP 800-63B §3.1.1.2: 15 characters, or 8 where a second factor is enforced; what is set counts."""
    assert Settings().password_min_length == 15
    assert Settings(second_factor="required").password_min_length == 8
    assert Settings(second_factor="required", password_min_length=12).password_min_length == 12
    check_new_password("kestrels", Settings(second_factor="required"))
    with pytest.raises(WeakPassword, match="15 characters"):
        check_new_password("kestrels", Settings())


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert "'nginx' is not an address or a network" in wrong(trusted_proxies=("nginx",))
    assert Settings(trusted_proxies=("10.0.0.0/8", "::1")).trusted_proxies == ("10.0.0.0/8", "::1")


# -- the secret key ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "https://intranet.example.com", "two words", "host:port", "[::1"])
def test_where_calls_may_go_is_a_host_or_a_network(entry: str) -> None:
    assert entry in wrong(outbound_allow=(entry,))


def test_hosts_ports_addresses_and_networks_may_be_called() -> None:
    entries = ("intranet", "intranet.example.com:8443", "10.0.0.0/8", "10.0.0.1", "::1", "[::1]:8443", "fd00::/8")
    assert Settings(outbound_allow=entries).outbound_allow == entries


def test_a_text_is_no_list(config: Path) -> None:
    config.write_text('mail_from = ["a@example.com", "b@example.com"]')
    with pytest.raises(SettingsError, match="mail_from must be a text"):
        load_settings(config, {})


def test_the_secret_key_is_never_printed() -> None:
    assert KEY not in repr(Settings(secret_key=KEY))


def test_a_given_key_is_used(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'credenza.db'}", secret_key=KEY)
    assert secret_keys(settings)[0] == KEY.encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["short", "changeme", "0123456789abcdef0123456789abcde"])
def test_a_short_key_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="at least 32 random characters"):
        secret_keys(Settings(secret_key=key))


def test_beside_a_new_sqlite_database_a_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'new' / 'credenza.db'}")
    made = secret_keys(settings)[0]
    path = tmp_path / "new" / "credenza.db.key"
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_keys(settings)[0] == made


def test_without_its_key_an_existing_database_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "credenza.db"
    database.write_bytes(b"SQLite format 3\0")
    with pytest.raises(SettingsError, match=r"credenza\.db\.key is missing"):
        secret_keys(Settings(database_url=f"sqlite:///{database}"))
    assert list(tmp_path.iterdir()) == [database], "no new key was made in silence"


def test_a_key_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "credenza.db.key").write_text("\n")
    with pytest.raises(SettingsError, match="does not hold a key"):
        secret_keys(Settings(database_url=f"sqlite:///{tmp_path / 'credenza.db'}"))


def test_on_postgresql_the_key_must_be_given() -> None:
    with pytest.raises(SettingsError, match="set CREDENZA_SECRET_KEY"):
        secret_keys(Settings(database_url="postgresql://localhost/credenza"))
