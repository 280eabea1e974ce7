//! What `watch` says where it cannot watch. What it does on a terminal, `.ci/terminal` sees.

use crate::support::evenkeel;
use predicates::prelude::*;

#[test]
fn it_draws_on_nothing_but_a_terminal() {
    for args in [&["watch"][..], &["watch", "-"], &["watch", "no such file"]] {
        let said = predicate::str::contains("watch draws on a terminal").and(predicate::str::contains("\u{1b}").not());
        evenkeel(args).write_stdin("a\n1\n").assert().code(2).stdout("").stderr(said);
    }
}

#[test]
fn intervals_are_checked_first() {
    let every = |args: &[&str]| evenkeel(&["watch"]).args(args).write_stdin("").assert().code(2);
    every(&["--every", "1ms"]).stderr(predicate::str::contains("at least 250ms"));
    every(&["--every", "soon"]).stderr(predicate::str::contains("such as 500ms"));
    every(&["--every", "1s", "in.csv"]).stderr(predicate::str::contains("cannot be used with"));
    every(&["--every", "1s"]).stderr(predicate::str::contains("--every is of this machine's metrics"));
    every(&["--preset", "ema"]).stderr(predicate::str::contains("invalid value"));
}
