"""JupyterLab on the notebooks: Jupyter's own server, closed where it would open outwards."""

import os
import secrets
from importlib.resources import files
from pathlib import Path

import f2f_viz.app
from f2f_viz.app.scratch import own_folder
from f2f_viz.app.servers.ending import end_on_signals
from f2f_viz.app.servers.isolation import isolate
from f2f_viz.app.servers.listening import LOOPBACK, MAX_MESSAGE, listen
from f2f_viz.errors import F2FError
from f2f_viz.files.atomic import write_atomically

__all__ = ["copy_notebooks", "serve_lab"]


def serve_lab(port: int | None = None, browser: bool = True) -> None:
    """Open JupyterLab on the notebooks, until interrupted.

    They are the checkout's; of an installed package, copies in ``f2f-notebooks`` here.

    Parameters
    ----------
    port : int, optional
        Port on 127.0.0.1; any free one by default.
    browser : bool
        Open the page in the user's browser.

    Raises
    ------
    F2FError
        If the port cannot be taken, or no folder written to.
    """
    notebooks = Path(f2f_viz.app.__file__).parents[2] / "notebooks"
    if not notebooks.is_dir():
        notebooks = Path("f2f-notebooks").absolute()
        copy_notebooks(notebooks)
    sockets = listen(port)
    free = sockets[0].getsockname()[1]
    for socket in sockets:
        socket.close()
    folder = own_folder()
    isolate(folder)
    from jupyterlab.labapp import LabApp
    from tornado.ioloop import IOLoop

    from f2f_viz.app.servers.kernels import pids

    token = secrets.token_hex(16)
    app = LabApp.initialize_server(
        argv=[
            f"--ServerApp.ip={LOOPBACK}",
            f"--ServerApp.port={free}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={notebooks}",
            f"--ServerApp.open_browser={browser}",
            f"--ServerApp.tornado_settings={{'websocket_max_message_size': {MAX_MESSAGE}}}",
            "--ServerApp.allow_root=True",
            # nothing asks an outside host
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.news_url=None",
            "--LabApp.extension_manager=readonly",
            "--Application.log_level=ERROR",
            # what JupyterLab itself brings, since no configuration names it
            "--ServerApp.jpserver_extensions=jupyter_lsp=True",
            "--ServerApp.jpserver_extensions=jupyter_server_terminals=True",
        ]
    )
    end_on_signals(lambda: pids(app.kernel_manager), folder)
    app.io_loop = IOLoop.current()
    app.io_loop.add_callback(print, f"http://{LOOPBACK}:{free}/lab?token={token}", flush=True)
    app.start()


def copy_notebooks(folder: Path) -> None:
    """Copy the notebooks to a folder of the user's; those that are there stay as they are.

    Parameters
    ----------
    folder : Path
        Made if it is not there.

    Raises
    ------
    F2FError
        If it cannot be written to.
    """
    try:
        folder.mkdir(exist_ok=True)
        for source in (files("f2f_viz.app") / "notebooks").iterdir():
            target = folder / source.name
            # a link that leads nowhere is the user's, too
            if source.name.endswith(".ipynb") and not os.path.lexists(target):
                write_atomically(target, source.read_bytes())
    except (OSError, F2FError) as error:
        raise F2FError(
            "notebooks not copied",
            expected=f"a folder {folder} that can be written to",
            got=str(error),
            hint="go to a folder of your own and run f2f-viz lab there",
        ) from error
