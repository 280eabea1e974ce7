//! What the program prints on standard error: bad rows, notes, progress and the summary.

use crate::failure::Failure;
use crate::patient::Patient;
use crate::samples::Refusal;
use crate::text::quote::{escaped, not_a_number};
use crate::text::time::Unit;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Most bad rows and values that are described; the others are only counted.
const MOST_DESCRIBED: u64 = 20;
/// The period after which as many are described again, on an input that may never end.
const PERIOD: Duration = Duration::from_secs(60);

/// A limit on messages about what goes on for long: one at once, and then one in a [`PERIOD`].
#[derive(Debug, Default)]
pub(crate) struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether a message is due now.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() >= PERIOD);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}

/// Notes of whoever reads the bytes of an input and has no console.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    /// Adds a note.
    pub(crate) fn add(&self, note: String) {
        self.0.borrow_mut().push(note);
    }
}

/// The place where everything that happens to an input is reported and counted.
pub(crate) struct Console {
    name: String,
    /// The name of a place in the input: a line, or a row where there are no lines.
    place: &'static str,
    is_strict: bool,
    is_quiet: bool,
    destination: Destination,
    /// Notes that wait to be printed.
    notes: Notes,
    /// Bad rows and values that have been described, since this time if there is one.
    described: u64,
    period: Option<Instant>,
    /// The columns of which a bad value has been described.
    described_columns: HashSet<String>,
    late_notes: Seldom,
    /// Late samples that have been noted.
    noted_late: u64,
    /// Whether a time has been looked at.
    has_time: bool,
    pub(crate) counts: Counts,
    /// The column with the time and how it was read, for the summary.
    time: Option<String>,
}

/// Counts of what happened to an input, in the words that all commands use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Records, bad rows included.
    pub(crate) rows: u64,
    /// Rows that cannot be read, or of which nothing is used.
    pub(crate) bad_rows: u64,
    /// Values that are no numbers, and times that are no times, in rows that are used.
    pub(crate) bad_values: u64,
    /// Samples that are older than the last one of their series.
    pub(crate) late: u64,
}

/// The destination of messages.
pub(crate) enum Destination {
    /// Standard error, around a progress bar where there is one.
    StandardError(Option<ProgressBar>),
    /// A list, for whoever asks afterwards.
    List(RefCell<Vec<String>>),
    /// Whoever has the screen, at once.
    Listener(Box<dyn Fn(String)>),
}

impl Destination {
    /// Standard error, with a progress bar if somebody looks at it and not at the output, which would be torn to pieces.
    pub(crate) fn with_progress(size: Option<u64>, is_quiet: bool, output_is_terminal: bool) -> Self {
        let is_shown = !is_quiet && !output_is_terminal && io::stderr().is_terminal();
        Self::StandardError(is_shown.then(|| progress_bar(size)))
    }
}

impl Console {
    /// A console for the input of this name, whose places are lines or rows.
    pub(crate) fn new(
        name: String,
        place: &'static str,
        is_strict: bool,
        is_quiet: bool,
        destination: Destination,
    ) -> Self {
        Self {
            name,
            place,
            is_strict,
            is_quiet,
            destination,
            notes: Notes::default(),
            described: 0,
            period: None,
            described_columns: HashSet::new(),
            late_notes: Seldom::default(),
            noted_late: 0,
            has_time: false,
            counts: Counts::default(),
            time: None,
        }
    }

    /// The console of an input that may never end: what is described, is so again and again.
    pub(crate) fn endless(self) -> Self {
        Self { period: Some(Instant::now()), ..self }
    }

    /// The console that prints these notes, too, before the input is asked for more.
    pub(crate) fn with_notes(self, notes: Notes) -> Self {
        Self { notes, ..self }
    }

    /// The messages in the list, where there is one.
    pub(crate) fn into_list(self) -> Vec<String> {
        match self.destination {
            Destination::List(messages) => messages.into_inner(),
            Destination::StandardError(_) | Destination::Listener(_) => Vec::new(),
        }
    }

    /// Moves the progress bar to these bytes, and prints the notes that wait.
    pub(crate) fn progress(&self, bytes: u64) {
        for note in self.notes.0.take() {
            self.note(note);
        }
        if let Destination::StandardError(Some(bar)) = &self.destination {
            bar.set_position(bytes);
        }
    }

    /// Reports and counts a row that is skipped. An error with `--strict`.
    pub(crate) fn bad_row(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        self.counts.bad_rows += 1;
        self.bad(line, reason)
    }

    /// Counts a value that is no number, in a row that is used, and reports the first of its column. An error with `--strict`.
    pub(crate) fn bad_number(&mut self, line: u64, column: &str, cell: &[u8]) -> Result<(), Failure> {
        self.renew();
        if !self.is_strict && self.described_columns.contains(column) {
            self.counts.bad_values += 1;
            return Ok(());
        }
        // Of more columns than these, none is described any more.
        if self.described <= MOST_DESCRIBED {
            self.described_columns.insert(column.to_owned());
        }
        self.bad_value(line, not_a_number(column, cell))
    }

    /// Reports and counts a bad value, in a row that is used. An error with `--strict`.
    pub(crate) fn bad_value(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        self.counts.bad_values += 1;
        self.bad(line, reason)
    }

    /// Reports and counts a sample that is late. An error with `--strict`. On an endless input, many a one is: they are reported
    /// together.
    #[cold]
    pub(crate) fn late(&mut self, line: u64, column: &str, series: &str, reason: impl Display) -> Result<(), Failure> {
        self.counts.late += 1;
        if self.is_strict || self.period.is_none() {
            return self.bad(line, format_args!("{reason} (column {column})"));
        }
        if self.late_notes.is_due() {
            let count = self.counts.late - self.noted_late;
            self.noted_late = self.counts.late;
            self.note(format_args!(
                "samples that came late, older than the last one of their series, and do not count: {count}, the last one of \
                 {series:?}; after a dozen in a row of one series it is the clock that has been set back, and the next one counts"
            ));
        }
        Ok(())
    }

    /// Reports a row that a sink has refused. Returns whether it was taken.
    #[inline]
    pub(crate) fn took_row(&mut self, line: u64, result: Result<(), Refusal>) -> Result<bool, Failure> {
        match result {
            Ok(()) => Ok(true),
            Err(refusal) => self.refused_row(line, refusal),
        }
    }

    #[cold]
    fn refused_row(&mut self, line: u64, refusal: Refusal) -> Result<bool, Failure> {
        match refusal {
            Refusal::Bad(why) | Refusal::Late(why) => self.bad_row(line, why).map(|()| false),
            Refusal::Stop(failure) => Err(failure),
        }
    }

    /// Reports a sample that a sink has refused.
    #[cold]
    pub(crate) fn refused_sample(&mut self, line: u64, column: &str, refusal: Refusal) -> Result<(), Failure> {
        match refusal {
            Refusal::Bad(why) => self.bad_value(line, format_args!("{why} (column {column})")),
            Refusal::Late(why) => self.late(line, column, column, why),
            Refusal::Stop(failure) => Err(failure),
        }
    }

    fn bad(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        if self.is_strict {
            return Err(Failure::failed(format!("{}: {} {line}: {reason}", self.name, self.place)));
        }
        self.renew();
        self.described += 1;
        if self.described <= MOST_DESCRIBED {
            self.print(&format_args!("{}: {} {line}: {reason}", self.name, self.place));
        } else if self.described == MOST_DESCRIBED + 1 {
            self.print(&format_args!("{}: further bad rows are only counted", self.name));
        }
        Ok(())
    }

    /// Forgets what has been described, where that was long ago and the input is an endless one.
    fn renew(&mut self) {
        if self.period.is_some_and(|period| period.elapsed() >= PERIOD) {
            (self.described, self.period) = (0, Some(Instant::now()));
            self.described_columns.clear();
        }
    }

    /// Checks that not every row has been bad.
    pub(crate) fn check_rows(&self) -> Result<(), Failure> {
        let (Counts { rows, bad_rows, .. }, name) = (self.counts, &self.name);
        if rows > 0 && bad_rows == rows {
            return Err(Failure::usage(format!(
                "{name}: every row is bad: is this the --format, and are these the columns?"
            )));
        }
        Ok(())
    }

    /// Records which column has the time, and how it was read, for the summary.
    pub(crate) fn time_is(&mut self, name: &str, reading: &str) {
        self.time = Some(format!("time: `{name}`, {reading}"));
    }

    /// Records where times come from in a format that has no columns.
    pub(crate) fn time_comes(&mut self, words: &str) {
        self.time = Some(format!("time: {words}"));
    }

    /// Whether it has been recorded where times come from.
    pub(crate) fn knows_time(&self) -> bool {
        self.time.is_some()
    }

    /// Records that no column has the time.
    pub(crate) fn time_is_nowhere(&mut self) {
        self.time = Some("time: none, rows are numbered".to_owned());
    }

    /// Prints that a part of the input was left out, `--quiet` or not: nobody would know otherwise.
    pub(crate) fn dropped(&self, what: impl Display) {
        self.print(&format_args!("{}: {what}", self.name));
    }

    /// Checks, where no sample has been seen, that there was no row that should have had one.
    pub(crate) fn check_samples(&self) -> Result<(), Failure> {
        let (Counts { rows, bad_values, .. }, name) = (self.counts, &self.name);
        if rows == 0 {
            return Ok(());
        }
        let why = if bad_values == 0 { "every value is missing" } else { "every value is missing, or no number" };
        Err(Failure::usage(format!("{name}: not one sample in {rows} rows: {why}")))
    }

    /// The name of the input.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Prints something that is not wrong, but may not be what was meant.
    pub(crate) fn note(&self, note: impl Display) {
        if !self.is_quiet {
            self.print(&format_args!("{}: {note}", self.name));
        }
    }

    /// Prints the summary: what was counted here, around what the command counted. Takes the progress bar away.
    pub(crate) fn summary(&self, counts: &[(&'static str, u64)]) {
        self.finish();
        if let Some(time) = &self.time {
            self.note(time);
        }
        let Counts { rows, bad_rows, bad_values, .. } = self.counts;
        self.list([&[("rows", rows)], counts, &[("bad rows", bad_rows), ("bad values", bad_values)]].concat());
    }

    /// Prints counts on one line, unless `--quiet`.
    pub(crate) fn list(&self, counts: impl IntoIterator<Item = (&'static str, u64)>) {
        if !self.is_quiet {
            let list: Vec<String> = counts.into_iter().map(|(what, count)| format!("{what} {count}")).collect();
            self.print(&list.join(", "));
        }
    }

    /// Notes, once, that the first time of the input is near the present in another unit than the one in which it was read.
    pub(crate) fn check_unit(&mut self, nanoseconds: i64, unit: Unit, option: &str) {
        if mem::replace(&mut self.has_time, true) {
            return;
        }
        if let Some(likely) = unit.likely_instead(nanoseconds) {
            let (unit, likely) = (unit.name(), likely.name());
            self.note(format_args!(
                "the first time is far from the present in {unit}, and near it in {likely}: {option} {likely} reads it so"
            ));
        }
    }

    /// Takes the progress bar away.
    pub(crate) fn finish(&self) {
        if let Destination::StandardError(Some(bar)) = &self.destination {
            bar.finish_and_clear();
        }
    }

    fn print(&self, message: &dyn Display) {
        match &self.destination {
            Destination::StandardError(Some(bar)) => bar.suspend(|| print(message)),
            Destination::StandardError(None) => print(message),
            Destination::List(messages) => messages.borrow_mut().push(message.to_string()),
            Destination::Listener(listener) => listener(message.to_string()),
        }
    }
}

/// Prints one line on standard error. That nobody can read it is no reason to stop.
pub(crate) fn print(message: &dyn Display) {
    let _ = writeln!(Patient(io::stderr()), "evenkeel: {}", escaped(&message.to_string()));
}

fn progress_bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{wide_bar} {bytes}/{total_bytes} {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} read, {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
