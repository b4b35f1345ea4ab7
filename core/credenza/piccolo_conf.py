"""The module Piccolo's migrations ask for their engine and apps by name; it answers inside `answering()`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from piccolo.conf.apps import AppConfig, AppRegistry
from piccolo.engine.base import Engine

_answers: ContextVar[dict[str, Any]] = ContextVar("piccolo_conf")


@contextmanager
def answering(engine: Engine[Any], app_configs: Sequence[AppConfig]) -> Iterator[None]:
    """Answer Piccolo's questions inside the block, for this task alone."""
    registry = AppRegistry()
    # Piccolo imports the apps again by the names of their modules.
    ours = {id(app_config) for app_config in app_configs}
    registry.apps = [n for n, module in list(sys.modules.items()) if id(vars(module).get("APP_CONFIG")) in ours]
    registry.app_configs = {app_config.app_name: app_config for app_config in app_configs}
    token = _answers.set({"DB": engine, "APP_REGISTRY": registry})
    try:
        yield
    finally:
        _answers.reset(token)


def __getattr__(name: str) -> Any:
    try:
        return _answers.get()[name]
    except LookupError:
        raise AttributeError(name) from None
