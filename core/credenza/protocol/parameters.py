"""Request parameters, read once from the raw bytes. RFC 6749 §3.1, Appendix B."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload
from urllib.parse import unquote

from .errors import InvalidRequest
from .words import Words

Default = TypeVar("Default")

MAY_REPEAT = frozenset({"resource", "audience"})  # RFC 8707 §2, RFC 8693 §2.1
# What an error may name: what specifications have, and no text of a stranger's choice.
NAMED = frozenset(
    "acr_values claims client_assertion client_assertion_type client_id client_secret code "  # noqa: SIM905  # a page long
    "code_challenge code_challenge_method code_verifier device_code display dpop_jkt grant_type id_token_hint "
    "login_hint max_age nonce post_logout_redirect_uri prompt redirect_uri refresh_token request request_uri "
    "response_mode response_type scope state subject_token token token_type_hint ui_locales access_token".split()
)
MAX_FIELDS = 100
MAX_BYTES = 64 * 1024


def _pair(field: str) -> tuple[str, str]:
    """`name=value` as it was before a form was made of it; raises UnicodeDecodeError. RFC 6749 Appendix B."""
    name, _, value = field.replace("+", " ").partition("=")
    return _unquoted(name), _unquoted(value)


def _unquoted(text: str) -> str:
    return unquote(text, errors="strict") if "%" in text else text


class Parameters(Mapping[str, str]):
    """The parameters of one request: each sent once, none empty, all of them text a database can hold."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:  # "Parameters sent without a value MUST be treated as if they were omitted." RFC 6749 §3.1
                self._values.setdefault(name, []).append(value)

    @classmethod
    def parse(cls, raw: bytes, *, max_fields: int = MAX_FIELDS, max_bytes: int = MAX_BYTES) -> Parameters:
        """Read a query string or a form body; raises InvalidRequest for what no database or log could hold."""
        if len(raw) > max_bytes:
            raise InvalidRequest("The request is too large.")
        if raw.count(b"&") >= max_fields:
            raise InvalidRequest(f"There are more than {max_fields} parameters.")
        try:
            pairs = [_pair(field) for field in raw.decode().split("&") if field]
        except ValueError as error:  # UnicodeDecodeError is one too
            raise InvalidRequest("The parameters are not application/x-www-form-urlencoded UTF-8.") from error
        if any("\0" in name or "\0" in value for name, value in pairs):
            raise InvalidRequest("A parameter contains a NUL character.")
        return cls(pairs)

    @property
    def repeated(self) -> frozenset[str]:
        """Names that were sent more than once and must not be."""
        return frozenset([n for n, values in self._values.items() if len(values) > 1 and n not in MAY_REPEAT])

    def check_no_repeats(self) -> None:
        """ "Request and response parameters MUST NOT be included more than once." RFC 6749 §3.1."""
        if repeated := self.repeated:
            told = ", ".join(sorted(repeated & NAMED)) or "a parameter"
            detail = ", ".join(sorted(repeated - NAMED))
            raise InvalidRequest(Words("Sent more than once: %(names)s.", names=told), detail=detail)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may repeat."""
        return tuple(dict.fromkeys(self._values.get(name, ())))

    def all_values(self, name: str) -> tuple[str, ...]:
        """Every value of a field of our own forms, checkboxes for example."""
        return tuple(self._values.get(name, ()))

    def pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, values in self._values.items() for value in values]

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: Default) -> str | Default: ...

    def get(self, name: str, default: Any = None) -> Any:
        """The first value of a parameter; what was sent empty was not sent."""
        values = self._values.get(name)
        return values[0] if values is not None else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
