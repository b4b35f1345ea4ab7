"""A consent page in two steps, for applications that ask to change something. It uses the same ConsentPage.

It shapes how the question is asked. What may be granted is decided by the server as ever: to refuse, write a prompt.
"""

from pathlib import Path

from credenza import hookimpl

templates = Path(__file__).parent / "templates"  # reached by the plugin's name


@hookimpl
def render_consent(page):
    asks_to_change = any(line.key.endswith(":write") for group in page.groups for line in group.lines)
    return "careful-consent:two_steps.html" if asks_to_change else None
