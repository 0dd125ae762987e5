"""Nothing that a folder, a user or the system prepared runs in our servers or changes them."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.app.page import settle

pytestmark = pytest.mark.server

CONFIGURATIONS = [  # files in which Jupyter, Voilà and IPython look for Python to run
    "voila.py", "jupyter_config.py", "jupyter_server_config.py", "jupyter_notebook_config.py",
    "jupyter_lab_config.py", "ipython_config.py", "ipython_kernel_config.py",
]  # fmt: skip
MODULES = ["numpy.py", "json.py", "comm.py", "ipykernel_launcher.py", "sitecustomize.py", "tabs.py"]
OPEN = {  # no token, another address, every host, outside scripts
    "Voila": {"token": "", "base_url": "/elsewhere/", "ip": "0.0.0.0", "mathjax_url": "https://cdn.invalid/m.js"},
    "VoilaConfiguration": {"template": "planted", "file_allowlist": [".*"]},
    "ServerApp": {
        "token": "", "password": "", "base_url": "/elsewhere/", "ip": "0.0.0.0", "port": 1,
        "allow_unauthenticated_access": True, "certfile": "/dev/null", "open_browser": True,
    },
    "IdentityProvider": {"token": "", "cookie_name": "theirs"},
    "PasswordIdentityProvider": {"token": "", "hashed_password": ""},
    "LabApp": {"news_url": "https://news.invalid/", "extension_manager": "pypi"},
    "KernelSpecManager": {"allowed_kernelspecs": ["planted"]},
    "InteractiveShellApp": {"exec_lines": ["open('ran', 'w')"]},
}  # fmt: skip
PAGE = "<script src='https://cdn.invalid/x.js'></script>{{ 1 / 0 }}"


class Stranger:
    """A folder, a home and system folders full of traps; `ran()` tells which have sprung."""

    def __init__(self, base):
        self.base, self.marks = base, base / "marks"
        self.marks.mkdir()
        self.here, self.home, self.system = base / "here", base / "home", base / "system"
        for module in MODULES:
            self.trap(self.here / module)
        for folder in (self.here, self.home / ".jupyter", base / "config", self.system / "etc"):
            for name in CONFIGURATIONS:
                self.trap(folder / name)
                self.plant((folder / name).with_suffix(".json"), json.dumps(OPEN))
            self.plant(folder / "labconfig" / "page_config.json", json.dumps(
                {"fullMathjaxUrl": "https://cdn.invalid/m.js", "baseUrl": "/elsewhere/"}))  # fmt: skip
            extensions = {"ServerApp": {"jpserver_extensions": {"planted_extension": True}}}
            self.plant(folder / "jupyter_server_config.d" / "x.json", json.dumps(extensions))
        self.trap(base / "modules" / "planted_extension.py")
        for profile in (self.home / ".ipython", base / "ipython"):
            self.trap(profile / "profile_default" / "startup" / "00-planted.py")
            self.trap(profile / "profile_default" / "ipython_kernel_config.py")
        self.trap(self.system / "ipython" / "startup" / "00-planted.py")
        self.trap(self.system / "ipython" / "ipython_config.py")
        self.trap(base / "pythonstartup.py")
        for data in (self.home / ".local/share/jupyter", base / "data", self.system / "share"):
            self.share(data)

    def plant(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def trap(self, path):
        mark = self.marks / str(path.relative_to(self.base)).replace("/", "+")
        self.plant(path, f"open({str(mark)!r}, 'w').close()\n")

    def share(self, data):
        """Kernels, templates and extensions under the names that ours have."""
        mark = self.marks / f"kernel+{data.relative_to(self.base)}".replace("/", "+")
        for kernel in ("python3", "f2f"):
            argv = [sys.executable, "-c", f"open({str(mark)!r}, 'w').close()"]
            spec = {"argv": argv, "display_name": "planted", "language": "python"}
            self.plant(data / "kernels" / kernel / "kernel.json", json.dumps(spec))
        for template in ("f2f", "lab", "base", "planted"):
            for app in ("voila", "nbconvert"):
                folder = data / app / "templates" / template
                self.plant(folder / "index.html.j2", PAGE)
                self.plant(
                    folder / "conf.json", json.dumps({"traitlet_configuration": {"theme": "x"}})
                )
        for name in ("anywidget", "planted", "@jupyter-widgets/jupyterlab-manager"):
            folder = data / "labextensions" / name
            about = {
                "name": name,
                "version": "99",
                "jupyterlab": {"_build": {"load": "x.js", "extension": "./e"}},
            }
            self.plant(folder / "package.json", json.dumps(about))
            self.plant(folder / "x.js", "document.title = 'planted'")

    def variables(self):
        """Environment that names the traps."""
        base = self.base
        return {
            "HOME": str(self.home), "JUPYTER_CONFIG_DIR": str(base / "config"),
            "JUPYTER_CONFIG_PATH": str(base / "config"), "JUPYTER_PATH": str(base / "data"),
            "JUPYTER_DATA_DIR": str(base / "data"), "JUPYTER_TOKEN": "theirs",
            "JUPYTERLAB_DIR": str(base / "data"), "JUPYTERLAB_SETTINGS_DIR": str(base / "config"),
            "JUPYTER_PREFER_ENV_PATH": "0", "JUPYTER_DEFAULT_PROVISIONER_NAME": "planted",
            "IPYTHONDIR": str(base / "ipython"), "PYTHONSTARTUP": str(base / "pythonstartup.py"),
            "BOKEH_RESOURCES": "cdn", "BOKEH_MINIFIED": "no", "BOKEH_CDN_VERSION": "0.1",
            "VOILA_APP_IP": "0.0.0.0", "PYTHONPATH": str(base / "modules"),
            "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
        }  # fmt: skip

    def prelude(self):
        """Python that moves Jupyter's system folders: a test can plant nothing in the real ones."""
        return (
            "import jupyter_core.paths as paths\n"
            f"paths.SYSTEM_CONFIG_PATH[:] = [{str(self.system / 'etc')!r}]\n"
            f"paths.SYSTEM_JUPYTER_PATH[:] = [{str(self.system / 'share')!r}]\n"
        )

    def ran(self):
        return sorted(mark.name for mark in self.marks.iterdir())


@pytest.fixture
def stranger(tmp_path):
    return Stranger(tmp_path)


def listening(process):
    """Addresses on which a process listens."""
    inodes = set()
    for fd in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(fd.readlink().name)
    rows = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
    rows += Path(f"/proc/{process.pid}/net/tcp6").read_text().splitlines()[1:]
    fields = [row.split() for row in rows]
    return {f[1].split(":")[0] for f in fields if f[3] == "0A" and f"socket:[{f[9]}]" in inodes}


LOOPBACK = {"0100007F"}


@pytest.mark.browser
def test_the_app_obeys_no_foreign_configuration(start_server, open_page, stranger):
    server = start_server(
        "app", env=stranger.variables(), cwd=stranger.here, prelude=stranger.prelude()
    )
    page = open_page(server.url)  # asks no outside host
    settle(page)
    for tab in ("Planes", "Decoder"):
        page.get_by_role("tab", name=tab).click()
    expect(page.locator(".f2f-stage svg")).to_be_visible()
    assert page.title() == "f2f-viz"
    assert stranger.ran() == []
    assert server.ask("/")[0] == 403
    assert server.ask("/?token=theirs")[0] == 403
    assert server.ask("/?template=planted", Cookie=server.cookie())[2].count("invalid") == 0
    assert listening(server.process) <= LOOPBACK
    for file in ("analyzer.ipynb", "voila/files/analyzer.ipynb", "voila/render/x.ipynb"):
        assert server.ask(f"/{file}", Cookie=server.cookie())[0] == 404


def test_the_lab_obeys_no_foreign_configuration(start_server, stranger):
    server = start_server(
        "lab", env=stranger.variables(), cwd=stranger.here, prelude=stranger.prelude()
    )
    token = server.url.partition("?token=")[2]
    status, _, text = server.ask("/lab?token=" + token)
    assert status == 200
    assert ".invalid" not in text
    assert "elsewhere" not in text
    assert server.ask("/api/kernels")[0] == 403
    assert server.ask("/api/kernels?token=theirs")[0] == 403
    assert server.ask("/api/kernels", Authorization=f"token {token}")[0] == 200
    assert listening(server.process) <= LOOPBACK
    specs = json.loads(server.ask("/api/kernelspecs", Authorization=f"token {token}")[2])
    python = specs["kernelspecs"]["python3"]["spec"]
    assert "planted" not in python["display_name"]
    news = server.ask("/lab/api/news", Authorization=f"token {token}")
    assert json.loads(news[2])["news"] == []
    assert stranger.ran() == []


def test_the_kernel_runs_nothing_of_the_system(stranger):
    code = f"""
import IPython.core.application as application, IPython.core.shellapp as shellapp, os
for module in (application, shellapp):
    for name in ("SYSTEM_CONFIG_DIRS", "ENV_CONFIG_DIRS"):
        getattr(module, name)[:] = [{str(stranger.system / "ipython")!r}]
from {{kernel}} as Kernel
kernel = Kernel.instance()
kernel.initialize(["-f", {str(stranger.base / "connection.json")!r}])
os._exit(0)
"""

    def run(kernel):
        subprocess.run([sys.executable, "-P", "-c", code.format(kernel=kernel)], check=True, timeout=60)  # fmt: skip

    run("f2f_viz.app.servers.kernel import PageKernel")
    assert stranger.ran() == []
    run("ipykernel.kernelapp import IPKernelApp")  # and the traps are traps
    assert stranger.ran() == [
        "system+ipython+ipython_config.py", "system+ipython+startup+00-planted.py"
    ]  # fmt: skip


@pytest.mark.browser
def test_an_unwritable_home_does_not_matter(start_server, open_page):
    nowhere = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/dev/null/nowhere")
    server = start_server("app", env=nowhere)
    settle(open_page(server.url))
    assert server.stop() == (0, "")


def test_an_unwritable_home_does_not_matter_to_the_lab(start_server):
    nowhere = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/dev/null/nowhere")
    server = start_server("lab", env=nowhere)
    assert server.ask("/lab?" + server.url.partition("?")[2])[0] == 200
    code, words = server.stop()
    assert code == 0
    assert "Traceback" not in words
