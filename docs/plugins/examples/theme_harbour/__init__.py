from pathlib import Path

from credenza import Theme, hookimpl


@hookimpl
def register_themes():
    return Theme("harbour", "Harbour", ("harbour.css",), Path(__file__).parent / "static")
