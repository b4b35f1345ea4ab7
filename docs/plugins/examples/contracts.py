"""A scope source that asks a service: which contracts a person works on."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from credenza import Permission, Refused, Scope, ScopeProvider, fetch, hookimpl, parse_json, place_of

CONTRACTS = Scope(Permission("contracts", "", "contracts"), "Your contracts", group="Contracts", claims=("contracts",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractsSettings:
    address: str = ""
    key: str = field(default="", repr=False)


own_settings = ContractsSettings


class Contracts(ScopeProvider):
    name, title = "contracts", "Contracts"

    def __init__(self, own):
        self.own = own

    async def catalogue(self):
        return [CONTRACTS]

    async def held(self, subject, permissions, choices):
        return dict.fromkeys(permissions, "the contracts service") if await self.contracts(subject) else {}

    async def claims(self, subject, permissions, choices):
        return {"contracts": await self.contracts(subject)}

    async def contracts(self, subject):
        if subject.user is None:
            return []
        if "contracts" not in subject.memory:
            address = f"{self.own.address}?{urlencode({'user': subject.user.username})}"
            status, _, body = await fetch(self.server.settings, address, authorization=f"Bearer {self.own.key}")
            if status != 200:
                raise Refused(f"{place_of(address)} answered {status}")
            subject.memory["contracts"] = parse_json(body)
        return subject.memory["contracts"]


@hookimpl
def register_scopes(settings):
    own = settings.of(ContractsSettings)
    return Contracts(own) if own.address else None
