#!/usr/bin/env bash
# clap_mangen 0.2.33 and 0.3.3, with roff 1.1.1: the version of a program stands where a manual page has its date.
#
# Guess: a page without a date has none, since `Man::new` sets the date to the empty string and the version to the fourth
# argument of `.TH`.
# Seen: roff puts an argument in quotes where it has a space in it, and only there. An empty one is written as nothing, the line
# is `.TH tool 1  "tool 1.2.3" `, and groff and mandoc read the version as the third argument: it stands in the middle of the
# last line of the page, where readers look for the date, and the lower left corner, where it belongs, is empty. mandoc warns
# of a date that it cannot read. Cure: `Roff::control("TH", ...)` of one's own with the argument `""`, quotes included, or
# `Man::date("\"\"")`.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust, crates.io and groff; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
cat > Cargo.toml <<'TOML'
[package]
name = "page"
version = "0.0.0"
edition = "2021"
[dependencies]
clap = { version = "=4.6.7", default-features = false, features = ["std"] }
mangen_2 = { package = "clap_mangen", version = "=0.2.33" }
mangen_3 = { package = "clap_mangen", version = "=0.3.3" }
roff = "=1.1.1"
TOML
mkdir src
cat > src/main.rs <<'RUST'
fn main() -> std::io::Result<()> {
    let tool = clap::Command::new("tool").version("1.2.3").about("Does it");
    let mut page = Vec::new();
    mangen_2::Man::new(tool.clone()).render(&mut page)?;
    std::fs::write("0.2.33.1", &page)?;
    page.clear();
    mangen_3::Man::new(tool.clone()).render(&mut page)?;
    std::fs::write("0.3.3.1", &page)?;
    page.clear();
    mangen_3::Man::new(tool).date("\"\"").render(&mut page)?;
    std::fs::write("cured.1", &page)
}
RUST
export CARGO_TARGET_DIR=$folder/target
cargo run --quiet
for page in 0.2.33 0.3.3 cured; do
    echo "$page $(grep '^\.TH' $page.1 | sed 's/ *$//')"
    groff -man -T ascii -P-c $page.1 | grep . | tail -n 1 | tr -s ' ' | sed 's/^/  last line:/'
done > seen
cat > expected <<'TEXT'
0.2.33 .TH tool 1  "tool 1.2.3"
  last line: tool 1.2.3 tool(1)
0.3.3 .TH tool 1  "tool 1.2.3"
  last line: tool 1.2.3 tool(1)
cured .TH tool 1 "" "tool 1.2.3"
  last line:tool 1.2.3 tool(1)
TEXT
cat seen
diff expected seen || exit 1
