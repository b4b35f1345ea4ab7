"""The objects that plugins register: what each one promises, with defaults for what most need not say."""

from .clients import ClientSource
from .grants import GrantType, TokenRequest
from .mails import Mail, Mailer
from .operation import Command, StateSection
from .prompts import Prompt, Waiting
from .scopes import Choices, Question, ScopeProvider, Subject
from .sign_in import Authentication, Authenticator, HeldFactor, SecondFactor, SignInLink, SignInWishes, Way
from .themes import Theme

__all__ = [
    "Authentication",
    "Authenticator",
    "Choices",
    "ClientSource",
    "Command",
    "GrantType",
    "HeldFactor",
    "Mail",
    "Mailer",
    "Prompt",
    "Question",
    "ScopeProvider",
    "SecondFactor",
    "SignInLink",
    "SignInWishes",
    "StateSection",
    "Subject",
    "Theme",
    "TokenRequest",
    "Waiting",
    "Way",
]
