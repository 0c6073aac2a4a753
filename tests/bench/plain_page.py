"""A page of NiceGUI that holds a heading and no more, which Hive's pages are measured beside: `python -m tests.bench.plain_page PORT`."""

import sys

from nicegui import ui


@ui.page("/")
def plain() -> None:
    ui.label("Hello").props("id=plain")


if __name__ == "__main__":
    ui.run(host="127.0.0.1", port=int(sys.argv[1]), show=False, reload=False, show_welcome_message=False)
