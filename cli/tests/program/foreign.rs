//! Formats that are not read are refused by name, with a way to make of them what is.

use crate::support::{evenkeel, file, stderr, track};

#[test]
fn formats_that_are_not_read_are_named() {
    for (beginning, what, remedy) in [
        (&b"FEA1\0\0\0\0"[..], "a Feather file of version 1", "version=2"),
        (b"ORC\x0a", "an ORC file", "pyarrow.orc"),
        (b"Obj\x01\x04", "an Avro file", "read_avro"),
        (b"PK\x03\x04\x14\0", "a ZIP archive or a spreadsheet", "CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet", "CSV"),
        (b"SQLite format 3\0", "a SQLite database", "sqlite3 -header -csv"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "read_hdf"),
        (b"AAA,progname,nmon\n", "a recording of nmon", "grep ^CPU_ALL,"),
    ] {
        let content = [beginning, b"\0 and, so\n1,2\n"].concat();
        // Whatever it is called, in a pipe, and in a folder.
        let (folder, path) = file("data.csv", &content);
        let named = [path.as_path(), folder.path()];
        let named = if cfg!(feature = "parquet") { &named[..] } else { &named[..1] };
        let runs = named.iter().map(|path| evenkeel(&["profile"]).arg(path).assert());
        for run in runs.chain([track(content.clone(), &[])]) {
            let said = stderr(&run.code(2));
            assert!(said.contains(what) && said.contains("not read") && said.contains(remedy), "{said}");
        }
        // Who says what it is, is believed.
        let run = evenkeel(&["track", "--format", "csv"]).arg(&path).assert();
        assert!(!stderr(&run).contains(what), "{}", stderr(&run));
    }
}
