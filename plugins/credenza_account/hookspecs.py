"""The account pages' own hook. A plugin marks it `@hookimpl(optionalhook=True)`, so that it needs no account pages."""

from __future__ import annotations

from collections.abc import Sequence

from credenza import AccountSection, Settings, hookspec


@hookspec
def account_sections(settings: Settings) -> AccountSection | Sequence[AccountSection]:
    """Parts of the Security tab, with their routes. Called once, at the start; the account pages guard every route."""
    raise NotImplementedError
