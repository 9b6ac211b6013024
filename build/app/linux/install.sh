#!/bin/sh
# Puts SLM Playground into the menu of this user: slm:// addresses and model folders open in it. Needs no rights.
# `./install.sh --remove` takes it out again. The program stays where it is; run this again after moving the folder.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$data/applications/slm-playground.desktop
icon=$data/icons/hicolor/512x512/apps/slm-playground.png
if [ "${1:-}" = --remove ]; then
  rm -f "$entry" "$icon"
  echo "SLM Playground is no longer in the menu. Models and chats are still in $data/slm-playground."
  exit 0
fi
mkdir -p "$(dirname "$entry")" "$(dirname "$icon")"
# In Exec a path is quoted, and its percent signs are doubled.
program=$(printf '%s' "$here/slm-playground" | sed 's/%/%%/g; s/[\\"`$]/\\\\&/g')
awk -v program="$program" '/^Exec=/ { sub(/^Exec=slm-playground/, ""); print "Exec=\"" program "\"" $0; next } { print }' "$here/slm-playground.desktop" > "$entry"
cp "$here/slm-playground.png" "$icon"
if command -v update-desktop-database > /dev/null; then update-desktop-database "$data/applications"; fi
if command -v xdg-mime > /dev/null; then xdg-mime default slm-playground.desktop x-scheme-handler/slm; fi
echo "SLM Playground is in the menu."
