//! Formats that are known by their first bytes, and not read: what they are, and how to make of them what is.

use crate::failure::Failure;

/// What a file begins with, what it is then, and how it becomes something that is read.
const KNOWN: [(&[u8], &str, &str); 8] = [
    (
        b"FEA1",
        "a Feather file of version 1",
        "write it with version 2, such as by `python -c \"import pyarrow.feather as f; \
         f.write_feather(f.read_table('IN'), 'OUT.feather', version=2)\"`",
    ),
    (
        b"ORC",
        "an ORC file",
        "make Parquet of it, such as by `python -c \"import pyarrow.orc as o, pyarrow.parquet as p; \
         p.write_table(o.read_table('IN'), 'OUT.parquet')\"`",
    ),
    (
        b"Obj\x01",
        "an Avro file",
        "make Parquet of it, such as by `python -c \"import polars; polars.read_avro('IN').write_parquet('OUT.parquet')\"`",
    ),
    (
        b"PK\x03\x04",
        "a ZIP archive or a spreadsheet",
        "take the file out of it, `unzip -p IN | evenkeel track -`, or save the sheet as CSV, such as by \
         `libreoffice --convert-to csv IN`",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a spreadsheet or document of old",
        "save the sheet as CSV, such as by `libreoffice --convert-to csv IN`",
    ),
    (
        b"SQLite format 3\0",
        "a SQLite database",
        "write a query as CSV, such as by `sqlite3 -header -csv IN 'SELECT * FROM ...' | evenkeel track -`",
    ),
    (
        b"AAA,progname",
        "a recording of nmon, with many tables in one",
        "let one of them through, such as by `grep ^CPU_ALL, IN | evenkeel track -`",
    ),
    (
        b"\x89HDF",
        "an HDF5 file",
        "make Parquet of a table in it, such as by `python -c \"import pandas; \
         pandas.read_hdf('IN', 'KEY').to_parquet('OUT.parquet')\"`",
    ),
];

/// First bytes that are enough to know what a file is.
pub(crate) const FIRST: u64 = 16;

/// Refuses an input that begins like a format that is not read.
///
/// # Errors
/// It does; the words say what it is and what to do.
pub(crate) fn check_known(name: &str, first: &[u8]) -> Result<(), Failure> {
    match KNOWN.iter().find(|(mark, _, _)| first.starts_with(mark)) {
        Some((_, what, remedy)) => Err(Failure::usage(format!("{name} is {what}, which is not read: {remedy}"))),
        None => Ok(()),
    }
}
