#!/usr/bin/env bash
# Opens the page that `bin/kmem bench --html DIR` wrote in a real browser without a window, says whether
# every plot has its data and no text is cut off or overlaps, and saves pictures of it.
#
#   perf/look-at-page.sh PAGE.html [PICTURE]
#
# PICTURE-light.png, PICTURE-dark.png and PICTURE-narrow.png are written, usually beside the page. It needs
# Chromium or Google Chrome: in PATH, or named by the variable BROWSER. Exit status: 0 if all is there, 1 if
# something is not, 2 if it could not look.
set -euo pipefail

usage="usage: perf/look-at-page.sh PAGE.html [PICTURE]"
if (($# < 1 || $# > 2)); then
  echo "$usage" >&2
  exit 2
fi
page=$1
if [[ ! -r $page || -d $page ]]; then
  echo "look-at-page: '$page' is no file that can be read. $usage" >&2
  exit 2
fi
picture=${2:-${page%.html}}
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)

browser=${BROWSER:-}
for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
  [[ -n $browser ]] || browser=$(command -v "$name" || true)
done
if [[ -z $browser ]] || ! command -v "$browser" >/dev/null; then
  echo "look-at-page: no browser was found${BROWSER:+ at $BROWSER}; install chromium, or let BROWSER name one" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A copy of the page with something put before its end: the page itself has no script.
copy_with() {
  awk -v addition="$1" '
    { at = index($0, "</body>") }
    at {
      printf "%s", substr($0, 1, at - 1)
      while ((getline line < addition) > 0) print line
      $0 = substr($0, at)
    }
    { print }' "$page" >"$2"
}

browse() {
  local -a options=(--headless --disable-gpu --hide-scrollbars --no-first-run "--user-data-dir=$folder/profile")
  [[ $(id -u) != 0 ]] || options+=(--no-sandbox) # Chromium has no sandbox for root.
  "$browser" "${options[@]}" "$@" 2>"$folder/log"
}

{
  echo "<script>"
  cat "$home/look-at-page.js"
  echo "</script>"
} >"$folder/look.html"
copy_with "$folder/look.html" "$folder/looked.html"

# look WIDTH: what the script found in a window of that width.
look() {
  if ! browse "--window-size=$1,1000" --virtual-time-budget=10000 --dump-dom "file://$folder/looked.html" \
    >"$folder/dom" || ! grep -q '<pre id="looked">' "$folder/dom"; then
    echo "look-at-page: $browser did not show the page:" >&2
    tail -n 5 "$folder/log" >&2
    exit 2
  fi
  sed -n '/<pre id="looked">/,/<\/pre>/p' "$folder/dom" |
    sed -e 's/.*<pre id="looked">//' -e '/<\/pre>/d' -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&amp;/\&/g'
}

# take NAME WIDTH HEIGHT PAGE
take() {
  browse "--window-size=$2,$3" "--screenshot=$folder/$1.png" "file://$4" >/dev/null
  mv "$folder/$1.png" "$picture-$1.png"
}

status=0
for width in 1400 420; do
  look "$width" >"$folder/found-$width"
  sed "s/^/$width px wide: /" "$folder/found-$width" | grep -v 'height:'
  grep -q '^faults: 0$' "$folder/found-$width" || status=1
done
height() {
  local pixels
  pixels=$(sed -n 's/^height: //p' "$folder/found-$1")
  echo $((pixels < 16000 ? pixels : 16000)) # Chromium takes no higher pictures.
}
sed 's/(prefers-color-scheme: dark)/all/' "$page" >"$folder/dark.html"
absolute=$(cd "$(dirname "$page")" && pwd -P)/$(basename "$page")
take light 1400 "$(height 1400)" "$absolute"
take dark 1400 "$(height 1400)" "$folder/dark.html"
take narrow 420 "$(height 420)" "$absolute"
echo "pictures: $picture-light.png, $picture-dark.png, $picture-narrow.png"
exit "$status"
