"""Shows a scene while it changes: redrawn in place on a terminal, a line every few seconds elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console
from rich.live import Live

from scenarios.ppe.live import Scene, draw, line

_REDRAWS_PER_S = 4
_LINE_EVERY_S = 5.0


@contextmanager
def showing(console: Console, scene: Scene) -> Iterator[None]:
    """Show the scene while the block runs, and how it ended.

    Drawn from a thread, so that a busy event loop does not stop the picture.
    """
    if console.is_terminal:
        with Live(
            console=console,
            refresh_per_second=_REDRAWS_PER_S,
            get_renderable=lambda: draw(scene),
        ):
            yield
        return
    with _lines(console, scene):
        yield
    console.print(line(scene))


@contextmanager
def _lines(console: Console, scene: Scene) -> Iterator[None]:
    over = Event()

    def work() -> None:
        while not over.wait(_LINE_EVERY_S):
            console.print(line(scene))

    writer = Thread(target=work, daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
