"""Debian's Apache with mod_auth_openidc, run under a configuration of our own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.clients

MODULES = {
    "mpm_event": "mpm_event",
    "authn_core": "authn_core",
    "authz_core": "authz_core",
    "authz_user": "authz_user",
    "dir": "dir",
    "mime": "mime",
    "auth_openidc": "auth_openidc",
}

CONFIGURATION = """
ServerRoot "{folder}"
ServerName localhost:{port}
Listen 127.0.0.1:{port}
PidFile "{folder}/apache.pid"
Mutex "file:{folder}"
ErrorLog "{folder}/error.log"
LogLevel warn auth_openidc:info
TypesConfig /dev/null
DocumentRoot "{folder}/pages"
User {user}
Group {group}
{modules}

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client_id}
OIDCClientSecret {client_secret}
OIDCRedirectURI http://localhost:{port}/protected/redirect_uri
OIDCCryptoPassphrase only-for-tests-only-for-tests
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCInfoHook userinfo id_token

<Directory "{folder}/pages">
  Require all granted
</Directory>
<Location "/protected">
  AuthType openid-connect
  Require valid-user
</Location>
"""


@pytest.fixture
def server_root() -> Iterator[Path]:
    """Apache gives up root, and pytest's own folders are for root only."""
    folder = Path(tempfile.mkdtemp(prefix="credenza-apache-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start_apache(apache: tuple[Path, Path], server_root: Path, start_program: Any) -> Iterator[Callable[..., None]]:
    program, modules = apache
    started = []

    def start(**values: Any) -> None:
        pages = server_root / "pages" / "protected"
        pages.mkdir(parents=True)
        (pages / "index.html").write_text("the treasure")
        lines = [f'LoadModule {name}_module "{modules}/mod_{file}.so"' for name, file in MODULES.items()]
        user = "nobody" if os.geteuid() == 0 else f"#{os.geteuid()}"
        group = "nogroup" if os.geteuid() == 0 else f"#{os.getegid()}"
        configuration = server_root / "httpd.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=server_root, modules="\n".join(lines), user=user, group=group, **values)
        )
        # Where the packages were only unpacked, their libraries are beside them.
        libraries = ":".join(str(path) for path in program.parents[1].glob("lib/*-linux-gnu"))
        running = start_program(
            [str(program), "-f", str(configuration), "-D", "FOREGROUND"],
            ready=f"http://localhost:{values['port']}/",
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
        )
        started.append(running)

    yield start
    for running in started:
        running.stop()


def test_a_protected_page_opens_after_login(
    live_server: Any,
    application: Callable[..., dict[str, Any]],
    the_user: Callable[[str], str],
    start_apache: Callable[..., None],
    free_ports: Callable[[int], list[int]],
) -> None:
    (port,) = free_ports(1)
    home = f"http://localhost:{port}/protected"
    registered = application(redirect_uris=[f"{home}/redirect_uri"])
    start_apache(
        port=port,
        issuer=live_server.issuer,
        client_id=registered["client_id"],
        client_secret=registered["client_secret"],
    )
    with httpx.Client(trust_env=False, timeout=30) as browser:
        refused = browser.get(f"{home}/")
        assert refused.status_code == 302
        assert refused.headers["location"].startswith(f"{live_server.issuer}/authorize?")
        back = browser.get(the_user(refused.headers["location"]))
        assert back.status_code == 302, back.text
        page = browser.get(back.headers["location"])
        assert (page.status_code, page.text) == (200, "the treasure")
        known = browser.get(f"{home}/redirect_uri?info=json").json()
    assert known["userinfo"]["email"] == "ada@example.com"
    assert known["userinfo"]["name"] == "Ada Lovelace"
    assert known["id_token"]["iss"] == live_server.issuer
