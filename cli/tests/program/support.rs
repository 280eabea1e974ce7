//! Running the program, and reading what it prints.

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use std::path::PathBuf;
use tempfile::TempDir;

/// The header of every CSV that `track` prints.
pub(crate) const HEADER: &str = "time,series,value,location,scale,score,outlier";

/// The program with these arguments.
pub(crate) fn evenkeel(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args);
    command
}

/// `evenkeel track` with this on its standard input.
pub(crate) fn track(input: impl Into<Vec<u8>>, args: &[&str]) -> Assert {
    evenkeel(&["track"]).args(args).write_stdin(input).assert()
}

/// `evenkeel pipe` with this on its standard input.
pub(crate) fn pipe(input: impl Into<Vec<u8>>, args: &[&str]) -> Assert {
    evenkeel(&["pipe"]).args(args).write_stdin(input).assert()
}

/// What the summary says has been counted under this name.
pub(crate) fn count(assert: &Assert, what: &str) -> u64 {
    let said = stderr(assert);
    let summary = said.lines().last().unwrap_or_default().trim_start_matches("evenkeel: ").to_owned();
    let count = summary.split(", ").find_map(|item| item.strip_prefix(what)?.strip_prefix(' ')?.parse().ok());
    count.unwrap_or_else(|| panic!("no {what:?} in {said:?}"))
}

/// What was printed.
pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

/// What was said.
pub(crate) fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// One row of `track`'s CSV.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) time: String,
    pub(crate) series: String,
    /// NaN where the cell is empty.
    pub(crate) value: f64,
    pub(crate) location: f64,
    pub(crate) scale: f64,
    pub(crate) score: f64,
    pub(crate) outlier: bool,
}

/// The rows of `track`'s CSV, read by the `csv` crate.
pub(crate) fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), HEADER);
    let number = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().unwrap() };
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            Row {
                time: record[0].to_owned(),
                series: record[1].to_owned(),
                value: number(&record[2]),
                location: number(&record[3]),
                scale: number(&record[4]),
                score: number(&record[5]),
                outlier: ["0", "1"].iter().position(|flag| *flag == &record[6]).unwrap() == 1,
            }
        })
        .collect()
}

/// Time, series and value of every row; an empty value is `-`.
pub(crate) fn samples(assert: &Assert) -> Vec<String> {
    let value = |value: f64| if value.is_nan() { "-".to_owned() } else { value.to_string() };
    rows(&stdout(assert)).iter().map(|row| format!("{} {} {}", row.time, row.series, value(row.value))).collect()
}

/// A directory with one file in it.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    (directory, path)
}

/// One line for each.
pub(crate) fn lines<T>(items: impl IntoIterator<Item = T>, mut line: impl FnMut(T) -> String) -> String {
    items.into_iter().fold(String::new(), |text, item| text + &line(item) + "\n")
}

/// Noise that is the same everywhere: an additive mix of a linear congruential generator, about Gaussian, mean 0, variance 1.
pub(crate) fn noise(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    std::iter::repeat_with(move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0)
}
