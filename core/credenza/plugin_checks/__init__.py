"""What every plugin promises, as tests: `pytest --credenza-plugin NAME` runs them on each object that it registers.

Each file is collected by pytest, which finds the plugin in `conftest.py`. docs/how-to/write-a-plugin.md.
"""
