//! Built without NATS, the program says so, and what to do.

use crate::support::{evenkeel, stderr};

#[test]
fn what_is_not_built_in_is_named() {
    for option in ["--from", "--to"] {
        let run = evenkeel(&["pipe", option, "nats://localhost/METRICS"]).write_stdin("cpu usage=1\n").assert().code(2);
        assert!(stderr(&run.stdout("")).contains("build it with the feature `nats`"), "{option}");
    }
}
