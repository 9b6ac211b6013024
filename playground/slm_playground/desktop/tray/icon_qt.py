"""The icon by Qt, on Linux: as a StatusNotifierItem over D-Bus (KDE, Xfce, GNOME with its extension), else into X's old tray.

Qt is there for the window already. pystray, used elsewhere, has no menu on Linux without the system's GTK.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from slm_playground.desktop.tray.process import PICTURE, TITLE, Line

# Panels come and go (at login ours may be first), and Qt has no signal for it.
LOOK_MS = 3000
CLICKS = (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick)


def show(words: dict[str, str], line: Line) -> None:
    """Until the line ends."""
    app = QApplication([sys.argv[0]])
    app.setApplicationName("slm-playground")
    app.setApplicationDisplayName(TITLE)
    app.setDesktopFileName("slm-playground")
    app.setQuitOnLastWindowClosed(False)
    icon = QSystemTrayIcon(QIcon(str(PICTURE)))
    icon.setToolTip(TITLE)
    menu = QMenu()
    for what, word in words.items():
        if what == "quit":
            menu.addSeparator()
        menu.addAction(word).triggered.connect(lambda _checked, what=what: line.tell(do=what))
    icon.setContextMenu(menu)
    icon.activated.connect(lambda reason: line.tell(do="open") if reason in CLICKS else None)
    icon.show()
    state = ""

    def look() -> None:
        nonlocal state
        now = "shown" if QSystemTrayIcon.isSystemTrayAvailable() else "no-tray"
        if now != state:
            state = now
            line.tell(tray=now)

    timer = QTimer(interval=LOOK_MS, timerType=Qt.TimerType.VeryCoarseTimer)
    timer.timeout.connect(look)
    timer.start()
    look()
    line.when_left(app.quit)
    app.exec()
    icon.hide()
