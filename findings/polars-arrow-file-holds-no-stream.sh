#!/usr/bin/env bash
# polars 2.1.0: what stands between the marks of an Arrow file is no Arrow stream.
#
# Guess: an Arrow file (Feather of version 2) is the mark ARROW1, a stream, and a footer, as the specification draws it. So whoever
# skips eight bytes can read it as a stream: from a pipe, where there is no seeking to the footer, or with one reader for both.
# Seen: in a file of `DataFrame.write_ipc` the first message, the schema, has neither the four bytes ff nor its length before it. It
# begins at once, and a reader of streams takes the first field of the message for a length. pyarrow's files are as drawn, and
# so are polars's streams. Whoever goes by the footer does not notice, because the schema is in it once more. Cure: read files by
# their footer only, which needs one that can be seeked; from a pipe take streams (`write_ipc_stream`) and refuse files.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet polars==2.1.0 pyarrow==26.0.1
venv/bin/python -W ignore > seen <<'PY'
import io
import polars
import pyarrow as pa

table = polars.DataFrame({"a": [1.0, 2.0]})
table.write_ipc("polars.arrow", compression="uncompressed", compat_level=polars.CompatLevel.oldest())
table.write_ipc_stream("polars.arrows")
with pa.ipc.new_file("pyarrow.arrow", table.to_arrow().schema) as writer:
    writer.write_table(table.to_arrow())
for name in ["polars.arrow", "pyarrow.arrow"]:
    with open(name, "rb") as file:
        content = file.read()
    print(name, "by its footer:", pa.ipc.open_file(name).read_all().num_rows, "rows")
    print(name, "has", content[8:12].hex(), "behind its mark")
    try:
        print(name, "as a stream:", pa.ipc.open_stream(io.BytesIO(content[8:])).read_all().num_rows, "rows")
    except (pa.ArrowInvalid, OSError):
        print(name, "as a stream: invalid")
print("polars.arrows:", pa.ipc.open_stream("polars.arrows").read_all().num_rows, "rows")
PY
cat > expected <<'TEXT'
polars.arrow by its footer: 2 rows
polars.arrow has 04000000 behind its mark
polars.arrow as a stream: invalid
pyarrow.arrow by its footer: 2 rows
pyarrow.arrow has ffffffff behind its mark
pyarrow.arrow as a stream: 2 rows
polars.arrows: 2 rows
TEXT
cat seen
diff expected seen || exit 1
