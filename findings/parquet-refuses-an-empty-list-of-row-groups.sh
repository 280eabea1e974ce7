#!/usr/bin/env bash
# parquet 60.1.0 of Rust, and fastparquet 2026.9.0: a table without rows as fastparquet writes it cannot be opened.
#
# Guess: a Parquet file without rows opens in parquet-rs as it does in pyarrow, whoever wrote it. parquet-rs even says so where
# it reads the head of a list: "some parquet writers will have an element_type of 0 for an empty list. account for that and
# return a bogus but valid element_type".
# Seen: fastparquet writes the list of row groups, which is empty, with a head of 0. The bogus type is Byte, a check that came to
# stand behind it asks for Struct, and the file is refused with "Expected list element type of Struct but got Byte", where pyarrow
# and DuckDB read its schema and no rows. Cure: the fault is in one byte of the footer. In a footer that is refused, replace
# the only `16 00 19 00` (field 3, no rows; field 4, a list of nothing) by `16 00 19 0c` (a list of no structs), and hand it to
# `ParquetMetaDataReader::decode_metadata`; `ParquetRecordBatchReaderBuilder::new_with_metadata` takes it from there.
#
# Exits 0 while this holds and 1 if it has changed. Needs a stable Rust, crates.io, Python and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet fastparquet==2026.9.0 pandas==3.1.1 pyarrow==26.0.1
venv/bin/python -W ignore - <<'PY'
import fastparquet, pandas, pyarrow.parquet
table = pandas.DataFrame({"a": [1.0, 2.0]})
fastparquet.write("rows.parquet", table)
fastparquet.write("none.parquet", table.iloc[:0])
print("pyarrow reads", pyarrow.parquet.read_table("none.parquet").num_rows, "rows")
PY
cat > Cargo.toml <<'TOML'
[package]
name = "open"
version = "0.0.0"
edition = "2021"
[dependencies]
parquet = { version = "=60.1.0", default-features = false, features = ["snap"] }
TOML
mkdir src
cat > src/main.rs <<'RUST'
use parquet::file::metadata::ParquetMetaDataReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in ["rows", "none"] {
        let file = std::fs::File::open(format!("{name}.parquet"))?;
        match ParquetMetaDataReader::new().parse_and_finish(&file) {
            Ok(metadata) => println!("{name}: {} row groups", metadata.num_row_groups()),
            Err(error) => println!("{name}: {error}"),
        }
    }
    let bytes = std::fs::read("none.parquet")?;
    let end = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[end..end + 4].try_into()?) as usize;
    let mut footer = bytes[end - length..end].to_vec();
    let at = footer.windows(4).position(|window| window == [0x16, 0, 0x19, 0]).ok_or("no such list")?;
    footer[at + 3] = 0x0c;
    let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
    println!("cured: {} row groups, {} rows", metadata.num_row_groups(), metadata.file_metadata().num_rows());
    Ok(())
}
RUST
export CARGO_TARGET_DIR=$folder/target
cargo run --quiet > seen
cat > expected <<'TEXT'
rows: 1 row groups
none: Parquet error: Expected list element type of Struct but got Byte
cured: 0 row groups, 0 rows
TEXT
cat seen
diff expected seen || exit 1
