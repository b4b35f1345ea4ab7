"""A way to sign in, and a grant type with its client type: the badge at the door, and the ticket for one shift."""

from credenza import Authentication, Authenticator, ClientType, GrantType, errors, hookimpl, users

BADGES = {"0451": "ada"}
TICKETS = {"harbour-night-7"}  # in memory: good for one process and for a tutorial


class BadgeReader(Authenticator):
    name, title, icon = "badge", "Use your badge", "id-card"
    amr = ("hwk",)

    async def authenticate(self, server, form, address):
        user = await users.find_user_by_identifier(BADGES.get(form.get("identifier", ""), ""))
        if user is None or user.suspended:
            return "This badge opens nothing."
        return Authentication(user, self.amr)


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
