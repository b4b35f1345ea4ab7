"""What an administrator says of another provider, in the console or in a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from credenza import check_web_uri, name_mistake

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def mistakes(name: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each of them, in a sentence; `name` is the one in addresses."""
    errors = {}
    if not NAME.fullmatch(name) or name == "callback":
        errors["id"] = "Lower-case letters, digits and hyphens, at most 40."
    if message := name_mistake(typed["title"], 100, missing="Give it a name: it stands on the button."):
        errors["title"] = message
    if not 1 <= len(typed["client_id"]) <= 255 or not typed["client_id"].isprintable():
        errors["client_id"] = "The provider gives you one when you register there."
    if "openid" not in typed["scope"].split() or len(typed["scope"]) > 300 or not typed["scope"].isascii():
        errors["scope"] = "Scopes in one line, openid among them."
    try:
        if len(typed["issuer"]) > 500:
            raise ValueError("The address is too long.")
        check_web_uri(typed["issuer"])
    except ValueError as error:
        errors["issuer"] = str(error)
    return errors
