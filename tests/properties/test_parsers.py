"""Whatever is parsed is understood or refused in the one way its parser has. SECURITY.md P-11, A-INP-13, G1.

`corpus/PARSER/` is where each example that was once found, or thought of, is kept: all of them are tried in each run,
and new ones are made by changing them. A failure of `make fuzz` prints its example; put it into a file there.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from properties.profile import profile

from credenza import StateError, state
from credenza.protocol import jose
from credenza.protocol.authorization_request import AuthorizationRequest
from credenza.protocol.dpop import check_proof
from credenza.protocol.errors import InvalidDPoPProof, InvalidScope, ProtocolError
from credenza.protocol.parameters import Parameters
from credenza.protocol.redirect_uris import check_registrable, is_loopback, matches
from credenza.protocol.scopes import join_scope, parse_scope
from credenza.testing import Credenza
from credenza.web.custom_css import UnusableCss, clean_css
from credenza.web.palette import Palette, palette_of

CORPUS = Path(__file__).parent / "corpus"
CSS = Path(state.__file__).parents[1] / "web/static/credenza.css"
REGISTERED = "https://app.example.com/cb"
WORDS = st.text(max_size=40) | st.text(string.printable, max_size=40)


@lru_cache
def corpus(parser: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / parser).iterdir())]


@st.composite
def changed(draw: st.DrawFn, parser: str) -> bytes:
    """One of the corpus with a few pieces cut out, doubled, swapped or put in."""
    data = draw(st.sampled_from(corpus(parser)))
    pieces = sorted({piece for each in corpus(parser) for piece in each.split()} | {b"\x00", b"\xff", b"%", b'"', b"{"})
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 20)))
        put = draw(st.sampled_from(pieces) | st.binary(max_size=4) | st.just(data[start:end] * 2))
        data = data[:start] + put + data[end:]
    return data


def tried(parser: str, examples: int = 60) -> Callable[[Callable[[bytes], None]], None]:
    """Run a property on the corpus as it is, then on what is made of it, then on anything."""

    def run(check: Callable[[bytes], None]) -> None:
        for each in corpus(parser):
            check(each)

        @profile(examples)
        @given(changed(parser) | st.binary(max_size=200) | WORDS.map(lambda text: text.encode(errors="replace")))
        def fuzz(data: bytes) -> None:
            check(data)

        fuzz()

    return run


def text_of(data: bytes) -> str:
    return data.decode(errors="replace")


# -- the protocol -----------------------------------------------------------------------------------------------------


def test_p_11_authorization_parameters(patient: Credenza) -> None:
    """A request is parsed or refused with a registered error, and the endpoint never fails."""
    client = patient.run(patient.server.find_client, "app")
    assert client is not None

    @tried("authorization", 40)
    def check(data: bytes) -> None:
        with suppress(ProtocolError):
            request = AuthorizationRequest.parse(Parameters.parse(data), client, REGISTERED)
            assert request.code_challenge is None or len(request.code_challenge) == 43
            assert request.max_age is None or request.max_age >= 0
        query = quote(data, safe="=&%+")
        seen = patient.request("GET", f"/authorize?{query}", headers={"accept": "text/html"})
        assert seen.status_code in ((200, 303, 400) if b"form_post" in data else (303, 400))
        assert "code" not in seen.headers.get("location", "").partition("?")[2].split("=")[0::2]


def test_p_11_redirect_uris() -> None:
    """What may be registered means one thing to everybody, and nothing but itself is taken for it."""

    @tried("redirect_uris", 300)
    def check(data: bytes) -> None:
        uri = text_of(data)
        for native in (False, True):
            try:
                check_registrable(uri, native=native)
            except ValueError:
                continue
            parts = urlsplit(uri)
            assert uri.isascii()
            assert not set(uri) & set(' \t\r\n\\"<>#*')
            assert "@" not in parts.netloc
            assert parts.scheme == "https" or native or is_loopback(uri)
            assert matches(uri, uri, native=native)
        if uri != REGISTERED:
            assert not matches(uri, REGISTERED, native=True)
        if uri != "http://127.0.0.1/cb" and matches(uri, "http://127.0.0.1/cb", native=True):
            parts = urlsplit(uri)
            assert (parts.scheme, parts.hostname, parts.path, parts.query) == ("http", "127.0.0.1", "/cb", "")


def test_p_11_scopes() -> None:
    """RFC 6749 §3.3: what is accepted can be sent back, and is understood the same."""

    @tried("scopes", 200)
    def check(data: bytes) -> None:
        try:
            scopes = parse_scope(text_of(data))
        except InvalidScope:
            return
        assert len(set(scopes)) == len(scopes)
        assert all(0x21 <= ord(c) <= 0x7E and c not in '"\\' for scope in scopes for c in scope)
        assert parse_scope(join_scope(scopes)) == scopes


# -- JOSE -------------------------------------------------------------------------------------------------------------


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_p_11_jwt_headers() -> None:
    """K3, K4: any header in front of any claims gives claims or `InvalidJWT`; nobody's signature gives no claims."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256", "kid": "k", "x": part(key.x.to_bytes(32)), "y": part(key.y.to_bytes(32))}
    keys = jose.parse_jwks({"keys": [jwk]})

    @tried("jwt_headers", 200)
    def check(data: bytes) -> None:
        for token in (f"{part(data)}.{part(b'{}')}.{part(bytes(64))}", text_of(data)):
            for read in (jose.read_header, jose.read_claims):
                try:
                    assert isinstance(read(token), dict)
                except jose.InvalidJWT:
                    continue
            with pytest.raises(jose.InvalidJWT):
                jose.verify(token, keys, types=(None, "jwt", "dpop+jwt"))


def test_p_11_dpop_proofs(patient: Credenza) -> None:
    """RFC 9449 §4.3: a proof that nobody signed is refused as `invalid_dpop_proof`, by the parser and the endpoint."""

    @tried("jwt_headers", 60)
    def check(data: bytes) -> None:
        proof = f"{part(data)}.{part(data)}.{part(bytes(64))}"
        with pytest.raises(InvalidDPoPProof):
            check_proof([proof], method="POST", url="https://id.example.com/token", now=0)
        form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "spa"}
        answer = patient.request("POST", "/token", data=form, headers={"dpop": proof})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


# -- documents --------------------------------------------------------------------------------------------------------


def test_p_11_client_metadata(patient: Credenza) -> None:
    """RFC 7591 §3.2: registered, or refused as the RFC says; what was registered is exactly what may be registered."""

    @tried("client_metadata", 60)
    def check(data: bytes) -> None:
        answer = patient.request("POST", "/register", content=data, headers={"content-type": "application/json"})
        assert answer.status_code in (201, 400), answer.text
        if answer.status_code == 400:
            assert answer.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri", "invalid_request")
            return
        for uri in answer.json().get("redirect_uris", []):
            check_registrable(uri, native=answer.json().get("application_type") == "native")


@pytest.fixture(scope="module")
def palette() -> Palette:
    return palette_of([CSS.read_text()])


def test_p_11_css(palette: Palette) -> None:
    """R-BR-09: what is left of any CSS loads nothing, ends no element, and is left as it is the second time."""

    @tried("css", 150)
    def check(data: bytes) -> None:
        try:
            clean = clean_css(text_of(data), palette).content
        except UnusableCss:
            return
        lowered = clean.lower()
        for bad in ("<", "url(", "@import", "expression(", "image-set(", "attr(", "\\", "position", "content:"):
            assert bad not in lowered


def test_p_11_desired_state(patient: Credenza, tmp_path: Path) -> None:
    """A file is applied or refused as `StateError`; trying it changes nothing."""
    path = tmp_path / "state.yaml"

    @tried("state", 60)
    def check(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(StateError):
            document: dict[str, Any] = state.read(path)
            patient.run(state.apply, patient.server, patient.app.state.passwords, document, tmp_path, dry=True)


def test_the_corpus_is_text_that_can_be_read() -> None:
    """What is kept is about its parser: the examples that are meant well are understood."""
    assert json.loads((CORPUS / "client_metadata/plain").read_bytes())
    assert yaml.safe_load((CORPUS / "state/plain").read_bytes())


@pytest.mark.parametrize("name", ["set", "circle", "bytes"])
def test_what_no_json_could_hold_is_no_desired_state(name: str) -> None:
    with pytest.raises(StateError, match="only mappings"):
        state.read(CORPUS / "state" / name)


def test_a_date_in_the_desired_state_is_a_text(patient: Credenza) -> None:
    """Or the last line of a file could fail after the first ones were written."""
    document = state.read(CORPUS / "state/dates")
    assert document["users"][0]["profile"] == {"birthdate": "2020-01-01"}
    assert patient.apply(document).changes[0].name == "2020-01-01"
