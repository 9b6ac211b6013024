"""A window of QtWebEngine by PySide6: Chromium inside, without WebGPU, so the model runs on the CPU.

Directly, not by pywebview: its Qt part saves no downloads, hangs on the clipboard, has no context menu and puts a bridge into
the page (pywebview 6.2, Qt 6). This window has what the page needs and nothing that the page could call.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QLibraryInfo,
    QLocale,
    QObject,
    QStandardPaths,
    Qt,
    QTimer,
    QTranslator,
    QUrl,
    Signal,
)
from PySide6.QtGui import QCloseEvent, QColor, QIcon, QKeySequence, QMoveEvent, QResizeEvent, QShortcut
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEngineNewWindowRequest,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineSettings,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow

from slm_playground import paths
from slm_playground.desktop.environment import open_in_browser
from slm_playground.desktop.keep import Geometry
from slm_playground.desktop.shells.window import TITLE, Line, Wanted

ICON = paths.static_dir() / "icons" / "icon-512.png"
ZOOM_STEP, LEAST_ZOOM, MOST_ZOOM = 1.1, 0.3, 4.0
DICTIONARIES = "QTWEBENGINE_DICTIONARIES_PATH"
PAUSE_MS = 300


class _Orders(QObject):
    """Carries orders from their thread to Qt's."""

    shown = Signal(str)
    closed = Signal()

    def show(self, url: str | None) -> None:
        self.shown.emit(url or "")

    def close(self) -> None:
        self.closed.emit()


class _Page(QWebEnginePage):
    """Our page alone: what leads elsewhere opens in the user's browser."""

    def __init__(self, profile: QWebEngineProfile, home: QUrl, parent: QObject) -> None:
        super().__init__(profile, parent)
        self._home = home
        self.newWindowRequested.connect(self._new_window)
        self.permissionRequested.connect(_answer)
        # Of the context menu: a saved page runs nowhere, and its source would need another window.
        for nothing in (QWebEnginePage.WebAction.SavePage, QWebEnginePage.WebAction.ViewSource):
            self.action(nothing).setVisible(False)

    def acceptNavigationRequest(self, url: QUrl | str, kind: QWebEnginePage.NavigationType, is_main_frame: bool) -> bool:
        url = QUrl(url)
        if not is_main_frame or _same_origin(url, self._home) or url.scheme() in ("blob", "about"):
            return True
        _open_outside(url)
        return False

    def _new_window(self, request: QWebEngineNewWindowRequest) -> None:
        url = request.requestedUrl()
        if _same_origin(url, self._home):
            self.setUrl(url)
        else:
            _open_outside(url)


class _MainWindow(QMainWindow):
    def __init__(self, wanted: Wanted, line: Line) -> None:
        super().__init__()
        self._line = line
        self._profile = _profile(wanted.storage)
        self._profile.downloadRequested.connect(self._download)
        self._view = QWebEngineView(self)
        self._page = _Page(self._profile, QUrl(wanted.url), self._view)
        self._view.setPage(self._page)
        is_dark = QApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        self._page.setBackgroundColor(QColor(wanted.paper(system_is_dark=is_dark)))
        self.setCentralWidget(self._view)
        self.setWindowTitle(TITLE)
        self._page.titleChanged.connect(lambda title: self.setWindowTitle(title or TITLE))
        self._place(wanted.geometry)
        self._add_zoom()
        # Dragging an edge sends a hundred sizes: the last one counts.
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._tell)
        self._view.setUrl(QUrl(wanted.url))

    def go(self, url: str) -> None:
        if url:
            self._view.setUrl(QUrl(url))
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self._pause.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._pause.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._tell()
        super().closeEvent(event)

    def release(self) -> None:
        """Page, then profile, as Qt wants it; a profile that is gone has written down what pages stored a moment ago."""
        self._view.setPage(None)  # type: ignore[arg-type]
        self._page.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self._profile.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def _tell(self) -> None:
        if not self.isMaximized() and not self.isMinimized() and not self.isFullScreen():
            self._line.tell(Geometry(self.width(), self.height(), self.x(), self.y()))

    def _place(self, geometry: Geometry) -> None:
        screen = self.screen().availableGeometry()
        self.resize(min(geometry.width, screen.width()), min(geometry.height, screen.height()))
        if geometry.x is not None and geometry.y is not None:
            # A screen that is gone must not keep the window out of sight.
            visible = any(each.availableGeometry().contains(geometry.x + 40, geometry.y + 40) for each in QApplication.screens())
            if visible:
                self.move(geometry.x, geometry.y)

    def _add_zoom(self) -> None:
        keys: list[tuple[list[QKeySequence | str], float]] = [
            ([*QKeySequence.keyBindings(QKeySequence.StandardKey.ZoomIn), "Ctrl+="], ZOOM_STEP),
            ([*QKeySequence.keyBindings(QKeySequence.StandardKey.ZoomOut)], 1 / ZOOM_STEP),
            (["Ctrl+0"], 0.0),
        ]
        for sequences, factor in keys:
            for sequence in dict.fromkeys(QKeySequence(each).toString() for each in sequences):
                QShortcut(QKeySequence(sequence), self, lambda factor=factor: self._zoom(factor))

    def _zoom(self, factor: float) -> None:
        wanted = self._view.zoomFactor() * factor if factor else 1.0
        self._view.setZoomFactor(min(MOST_ZOOM, max(LEAST_ZOOM, wanted)))

    def _download(self, download: QWebEngineDownloadRequest) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        suggested = str(Path(folder) / download.suggestedFileName())
        chosen, _ = QFileDialog.getSaveFileName(self, "", suggested)
        if not chosen:
            download.cancel()
            return
        download.setDownloadDirectory(str(Path(chosen).parent))
        download.setDownloadFileName(Path(chosen).name)
        download.accept()


def run_qt(wanted: Wanted, line: Line) -> int:
    """Until the window is closed."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium refuses to start its sandbox as root; nobody but tests should do that.
        os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")
    app = QApplication([sys.argv[0]])
    app.setApplicationName("slm-playground")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("slm-playground")
    _speak(app)
    if ICON.is_file():
        app.setWindowIcon(QIcon(str(ICON)))
    orders = _Orders()
    window = _MainWindow(wanted, line)
    orders.shown.connect(window.go)
    orders.closed.connect(window.close)
    line.obey(orders)
    window.show()
    code = app.exec()
    window.release()
    return code


def _speak(app: QApplication) -> None:
    """Menus and dialogs in the system's language, as far as Qt's translations are there; without one they are English."""
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name in ("qtbase", "qtwebengine"):
        translator = QTranslator(app)
        if translator.load(QLocale.system(), name, "_", folder):
            app.installTranslator(translator)


def _profile(storage: Path) -> QWebEngineProfile:
    profile = QWebEngineProfile("slm-playground")
    profile.setPersistentStoragePath(str(storage))
    profile.setCachePath(str(storage / "cache"))
    profile.setPersistentPermissionsPolicy(QWebEngineProfile.PersistentPermissionsPolicy.AskEveryTime)
    settings = profile.settings()
    settings.setAttribute(QWebEngineSettings.WebAttribute.JavascriptCanAccessClipboard, True)
    settings.setAttribute(QWebEngineSettings.WebAttribute.PdfViewerEnabled, False)
    # Qt brings no dictionaries; where the system has some (in Qt's own format), they are used.
    folder = os.environ.get(DICTIONARIES)
    found = {path.stem for path in Path(folder).glob("*.bdic")} if folder else set()
    wanted = [name for name in dict.fromkeys([QLocale.system().name(), "en_US", "en-US"]) if name in found]
    profile.setSpellCheckLanguages(wanted)
    profile.setSpellCheckEnabled(bool(wanted))
    return profile


def _answer(permission: QWebEnginePermission) -> None:
    # The page copies texts when a button is pressed; it needs nothing else.
    if permission.permissionType() == QWebEnginePermission.PermissionType.ClipboardReadWrite:
        permission.grant()
    else:
        permission.deny()


def _same_origin(url: QUrl, home: QUrl) -> bool:
    return (url.scheme(), url.host(), url.port()) == (home.scheme(), home.host(), home.port())


def _open_outside(url: QUrl) -> None:
    if url.scheme() in ("http", "https", "mailto"):
        # Some browsers' start-up commands block until they are closed.
        threading.Thread(target=open_in_browser, args=(url.toString(),), daemon=True).start()
