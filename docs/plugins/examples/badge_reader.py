"""Ways to sign in, and a grant type with its client type: the badge, the code at the door, the ticket for one shift."""

from credenza import (
    AccountSection,
    Authentication,
    Authenticator,
    ClientType,
    GrantType,
    HeldFactor,
    SecondFactor,
    SecondFactorPage,
    errors,
    hookimpl,
    users,
)

BADGES = {"0451": "ada"}
DOOR_CODES = {"grace": ["1815", "1906"]}  # each one works once
TICKETS = {"harbour-night-7"}  # in memory: good for one process and for a tutorial


class BadgeReader(Authenticator):
    name, title, icon = "badge", "Use your badge", "id-card"
    amr = ("hwk",)

    async def authenticate(self, server, form, address):
        user = await users.find_user_by_identifier(BADGES.get(form.get("identifier", ""), ""))
        if user is None or user.suspended:
            return "This badge opens nothing."
        return Authentication(user, self.amr)


class DoorCode(SecondFactor):
    name, title, icon = "door-code", "Use a door code", "building"
    amr = ("pin",)

    async def held(self, user):
        left = len(DOOR_CODES.get(user.username, []))
        return [HeldFactor("Door codes", f"{left} left")] if left else []

    async def page(self, waiting, user):
        return SecondFactorPage(title="Door code", action="", csrf_token="", heading="Enter a door code")

    async def check(self, waiting, user, form):
        if form.get("code") not in DOOR_CODES[user.username]:
            return "This code opens no door."
        DOOR_CODES[user.username].remove(form["code"])
        return ""

    async def reset(self, user):
        return len(DOOR_CODES.pop(user.username, []))


async def door_codes_left(visit):
    left = len(DOOR_CODES.get(visit.user.username, []))
    return f"{left} codes left" if left else None  # no line for who has none


@hookimpl
def register_second_factors():
    return DoorCode()


@hookimpl(optionalhook=True)
def account_sections():
    return AccountSection("Door codes", "/account/security", door_codes_left, icon="building")


class ShiftTicket(GrantType):
    """Client credentials, but only with a ticket that nobody has used. Stricter is allowed; laxer is not."""

    name = "urn:harbour:grant-type:shift-ticket"

    async def token_response(self, server, request):
        if request.parameters.get("ticket") not in TICKETS:
            raise errors.InvalidGrant("This ticket is unknown, or was used.")
        TICKETS.remove(request.parameters["ticket"])
        return await server.grant_types["client_credentials"].token_response(server, request)


@hookimpl
def register_authenticators():
    return BadgeReader()


@hookimpl
def register_grant_types():
    return ShiftTicket()


@hookimpl
def register_client_types():
    return ClientType(
        name="shift_job",
        title="Shift job",
        description="A service that may call our APIs for one shift.",
        grant_types=(ShiftTicket.name,),
        third_party=False,
    )
