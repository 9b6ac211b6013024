"""A window of WebKitGTK by PyGObject, for Linux without a browser of Chrome's family and without Qt. It has no WebGPU.

Directly, not by pywebview: its GTK part stores what pages keep outside of our folder, has no context menu and no zoom keys, and
puts a bridge into the page. This window has what the page needs and nothing that the page could call.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gi

from slm_playground import paths
from slm_playground.desktop.environment import open_in_browser
from slm_playground.desktop.keep import Geometry
from slm_playground.desktop.shells.window import TITLE, Line, Wanted

# WebKitGTK has no SharedArrayBuffer without it, and so no threads; read when its library is loaded.
os.environ["JSC_useSharedArrayBuffer"] = "1"  # noqa: SIM112
gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")

from gi.repository import Gdk, GLib, Gtk, WebKit2  # noqa: E402  # of the versions above

ICON = paths.static_dir() / "icons" / "icon-512.png"
ZOOM_STEP, LEAST_ZOOM, MOST_ZOOM = 1.1, 0.3, 4.0
ZOOM_KEYS = {
    **dict.fromkeys((Gdk.KEY_plus, Gdk.KEY_equal, Gdk.KEY_KP_Add), ZOOM_STEP),
    **dict.fromkeys((Gdk.KEY_minus, Gdk.KEY_KP_Subtract), 1 / ZOOM_STEP),
    **dict.fromkeys((Gdk.KEY_0, Gdk.KEY_KP_0), 0.0),
}
PAUSE_MS = 300


class _Orders:
    """Carries orders from their thread to GTK's."""

    def __init__(self, window: _MainWindow) -> None:
        self._window = window

    def show(self, url: str | None) -> None:
        GLib.idle_add(self._window.go, url)

    def close(self) -> None:
        GLib.idle_add(self._window.frame.close)


class _MainWindow:
    def __init__(self, wanted: Wanted, line: Line) -> None:
        self._line = line
        self._home = wanted.url
        self._pause = 0
        self.frame = Gtk.Window(title=TITLE)
        if ICON.is_file():
            self.frame.set_icon_from_file(str(ICON))
        self._view = WebKit2.WebView.new_with_context(self._context(wanted.storage))
        self._view.get_settings().set_javascript_can_access_clipboard(True)
        self._colour(wanted.paper(system_is_dark=_is_dark(Gtk.Settings.get_default())))
        self._view.connect("decide-policy", self._decide)
        self._view.connect("notify::title", lambda view, _: self.frame.set_title(view.get_title() or TITLE))
        self.frame.add(self._view)
        self.frame.connect("key-press-event", self._key)
        self._view.connect("scroll-event", self._wheel)
        self.frame.connect("configure-event", self._moved)
        self.frame.connect("delete-event", self._closing)
        self._place(wanted.geometry)
        self._view.load_uri(wanted.url)
        self.frame.show_all()

    def go(self, url: str | None) -> None:
        if url:
            self._view.load_uri(url)
        self.frame.deiconify()
        self.frame.present()

    def _context(self, storage: Path) -> Any:
        manager = WebKit2.WebsiteDataManager(base_data_directory=str(storage), base_cache_directory=str(storage / "cache"))
        context = WebKit2.WebContext.new_with_website_data_manager(manager)
        context.connect("download-started", lambda _, download: download.connect("decide-destination", self._ask_place))
        # With the dictionaries that the system has for its own languages, and in English, which small models speak.
        context.set_spell_checking_languages([*(name for name in GLib.get_language_names() if len(name) == 5), "en_US"])
        context.set_spell_checking_enabled(True)
        return context

    def _colour(self, paper: str) -> None:
        """What lies behind the page, and the frame behind that, which is seen first."""
        colour = Gdk.RGBA()
        colour.parse(paper)
        self._view.set_background_color(colour)
        style = Gtk.CssProvider()
        style.load_from_data(f"window {{ background: {paper} }}".encode())
        self.frame.get_style_context().add_provider(style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)

    def _decide(self, view: Any, decision: Any, kind: Any) -> bool:
        """Our page alone: what leads elsewhere opens in the user's browser. True where this decided."""
        if kind == WebKit2.PolicyDecisionType.RESPONSE:
            if decision.is_mime_type_supported():
                return False
            decision.download()
            return True
        url = decision.get_navigation_action().get_request().get_uri()
        is_ours = _origin(url) == _origin(self._home)
        is_new = kind == WebKit2.PolicyDecisionType.NEW_WINDOW_ACTION
        if not is_new and (is_ours or url.startswith(("blob:", "about:"))):
            return False
        decision.ignore()
        if is_ours:
            view.load_uri(url)
        elif url.startswith(("http:", "https:", "mailto:")):
            # Some browsers' start-up commands block until they are closed.
            threading.Thread(target=open_in_browser, args=(url,), daemon=True).start()
        return True

    def _ask_place(self, download: Any, suggested: str) -> bool:
        dialog = Gtk.FileChooserNative.new(None, self.frame, Gtk.FileChooserAction.SAVE, None, None)
        dialog.set_do_overwrite_confirmation(True)
        dialog.set_current_folder(_downloads())
        dialog.set_current_name(suggested)
        if dialog.run() == Gtk.ResponseType.ACCEPT:
            download.set_allow_overwrite(True)  # the dialog asked
            download.set_destination(dialog.get_uri())
        else:
            download.cancel()
        dialog.destroy()
        return True

    def _key(self, _: Any, event: Any) -> bool:
        factor = ZOOM_KEYS.get(event.keyval)
        held = event.state & Gtk.accelerator_get_default_mod_mask() & ~Gdk.ModifierType.SHIFT_MASK
        if factor is None or held != Gdk.ModifierType.CONTROL_MASK:
            return False
        self._zoom(factor)
        return True

    def _wheel(self, _: Any, event: Any) -> bool:
        if not event.state & Gdk.ModifierType.CONTROL_MASK:
            return False
        is_smooth, _, down = event.get_scroll_deltas()
        steps = {Gdk.ScrollDirection.UP: 1.0, Gdk.ScrollDirection.DOWN: -1.0}
        self._zoom(ZOOM_STEP ** (-down if is_smooth else steps.get(event.direction, 0.0)))
        return True

    def _zoom(self, factor: float) -> None:
        wanted = self._view.get_zoom_level() * factor if factor else 1.0
        self._view.set_zoom_level(min(MOST_ZOOM, max(LEAST_ZOOM, wanted)))

    def _moved(self, *_: Any) -> bool:
        # Dragging an edge sends a hundred sizes: the last one counts.
        if self._pause:
            GLib.source_remove(self._pause)
        self._pause = GLib.timeout_add(PAUSE_MS, self._tell)
        return False

    def _closing(self, *_: Any) -> bool:
        if self._pause:
            GLib.source_remove(self._pause)
        self._tell()
        Gtk.main_quit()
        return False

    def _tell(self) -> bool:
        self._pause = 0
        frame = self.frame.get_window()
        hidden = Gdk.WindowState.ICONIFIED | Gdk.WindowState.FULLSCREEN | Gdk.WindowState.MAXIMIZED
        if frame and not frame.get_state() & hidden:
            self._line.tell(Geometry(*self.frame.get_size(), *self.frame.get_position()))
        return False

    def _place(self, geometry: Geometry) -> None:
        display = Gdk.Display.get_default()
        screens = [display.get_monitor(number).get_workarea() for number in range(display.get_n_monitors())]
        most = display.get_primary_monitor() or display.get_monitor(0)
        room = most.get_workarea()
        self.frame.set_default_size(min(geometry.width, room.width), min(geometry.height, room.height))
        if geometry.x is not None and geometry.y is not None:
            # A screen that is gone must not keep the window out of sight.
            x, y = geometry.x + 40, geometry.y + 40
            if any(each.x <= x < each.x + each.width and each.y <= y < each.y + each.height for each in screens):
                self.frame.move(geometry.x, geometry.y)


def run_gtk(wanted: Wanted, line: Line) -> int:
    """Until the window is closed."""
    GLib.set_prgname("slm-playground")
    GLib.set_application_name(TITLE)
    Gdk.set_program_class("slm-playground")
    wanted.storage.mkdir(parents=True, exist_ok=True)
    window = _MainWindow(wanted, line)
    line.obey(_Orders(window))
    Gtk.main()
    return 0


def _downloads() -> str:
    usual = Path.home() / "Downloads"
    return GLib.get_user_special_dir(GLib.UserDirectory.DIRECTORY_DOWNLOAD) or str(usual if usual.is_dir() else usual.parent)


def _is_dark(settings: Any) -> bool:
    """As WebKitGTK itself tells pages."""
    theme = settings.get_property("gtk-theme-name") or ""
    return bool(settings.get_property("gtk-application-prefer-dark-theme")) or theme.endswith(("-dark", "-Dark", ":dark"))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
