"""How a browser is sent on after a form. RFC 9700 §4.12."""

from __future__ import annotations

from credenza.testing import Callback, RelyingParty, UserAgent


def test_a_form_with_a_password_is_not_posted_on(user_agent: UserAgent, client: RelyingParty) -> None:
    """ "Authorization servers that redirect a request that potentially contains the user's credentials therefore MUST
    NOT use the HTTP 307 status code for redirection", and SHOULD use 303. RFC 9700 §4.12.
    """
    user_agent.get(client.authorization_url())
    user_agent.sign_in()
    callback = user_agent.decide()
    assert isinstance(callback, Callback)
    posted = [answer for answer in user_agent.history if answer.request.method == "POST"]
    assert [answer.status_code for answer in posted] == [303, 303]
