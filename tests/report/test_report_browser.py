"""The page in a browser: it asks nobody for anything, and nothing of it lies beside a narrow screen."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from PIL import Image
from sample_record import PAYLOADS, poisoned, record

from wellfit.report.page import render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine: apt-get install chromium")

SECONDS = 90  # a browser starts in two; a loaded machine takes longer


def _browse(folder: Path, *words: str) -> str:
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", *words,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _pictured(folder: Path, page: Path, *words: str, width: int = 900) -> Image.Image:
    shot = folder / "page.png"
    _browse(folder, f"--window-size={width},900", f"--screenshot={shot}", *words, page.as_uri())
    with Image.open(shot) as image:
        return image.convert("RGB")


def test_no_request_but_the_page_itself(tmp_path):
    page = render(poisoned(record(), PAYLOADS[1])).encode()
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_words) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = _browse(tmp_path, "--dump-dom", f"http://127.0.0.1:{server.server_port}/report.html")
        server.shutdown()
    assert "What earned its place" in seen
    assert [path for path in asked if path != "/favicon.ico"] == ["/report.html"]  # a browser asks for the latter alone


def test_nothing_lies_beside_a_narrow_screen(tmp_path):
    """A frame of 320 px around the page; a script of the frame's document measures what the page may not run."""
    long = poisoned(record(), "x" * 60)
    source = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", render(long))
    (tmp_path / "page.html").write_text(source, "utf-8")
    script = (
        "const f=document.querySelector('iframe');f.onload=()=>{const d=f.contentDocument.documentElement;"
        "document.title=`${d.scrollWidth} ${d.clientWidth}`}"
    )
    frame = f"<iframe src=page.html style='width:320px;height:600px;border:0'></iframe><script>{script}</script>"
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><title>-</title>{frame}", "utf-8")
    seen = _browse(
        tmp_path, "--allow-file-access-from-files", "--virtual-time-budget=3000", "--dump-dom",
        (tmp_path / "frame.html").as_uri(),
    )  # fmt: skip
    whole, visible = map(int, re.search(r"<title>(\d+) (\d+)</title>", seen).groups())
    assert visible == 320
    assert whole <= visible


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_both_color_schemes(tmp_path, light):
    page = tmp_path / "page.html"
    page.write_text(render(record()), "utf-8")
    image = _pictured(tmp_path, page, f"--blink-settings=preferredColorScheme={int(light)}")
    corner = image.getpixel((3, 3))
    assert (min(corner) > 240) if light else (max(corner) < 40)
    assert len(image.getcolors(1 << 24)) > 50  # words and drawings on it, not a blank page
