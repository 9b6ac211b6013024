"""The icon in the system's tray and the shortcut for all programs: a process of its own, only while one of the two is wanted."""
