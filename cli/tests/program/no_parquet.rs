//! Built without Parquet, the program says so, and what to do.

use crate::support::{evenkeel, file, stderr, track};

#[test]
fn what_is_not_built_in_is_named() {
    let (folder, path) = file("table.data", b"PAR1\x15 and so on");
    let out = folder.path().join("out.parquet");
    let input = evenkeel(&["track", path.to_str().unwrap()]).assert().code(2);
    let output = track("a\n1\n", &["--output", out.to_str().unwrap()]).code(2);
    let (folder_of_arrow, arrow) = file("table.data", b"ARROW1\0\0");
    let profile = evenkeel(&["profile", "--format", "parquet", path.to_str().unwrap()]).assert().code(2);
    let run = |arg: &std::path::Path| evenkeel(&["track"]).arg(arg).assert().code(2);
    for run in [input, output, profile, run(&arrow), run(folder_of_arrow.path())] {
        assert!(stderr(&run).contains("build it with the feature `parquet`"), "{}", stderr(&run));
    }
    assert!(!out.exists());
}
