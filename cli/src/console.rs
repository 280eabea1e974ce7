//! What the program says on standard error: bad rows, notes, progress and the summary.

use crate::failure::Failure;
use crate::formats::Source;
use crate::formats::{Format, InputArgs};
use crate::samples::Refusal;
use crate::text::quote::{escaped, not_a_number};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// So many bad rows and cells are described; the others are only counted.
const DESCRIBED: u64 = 20;
/// On an input that may never end, so many in this time.
const WINDOW: Duration = Duration::from_secs(60);

/// When what goes on for long is told again: at once, and then once in a [`WINDOW`].
#[derive(Debug, Default)]
pub(crate) struct Seldom(Option<Instant>);

impl Seldom {
    /// Whether it is to be told now.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|told| told.elapsed() >= WINDOW);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}

/// Tells and counts what happens to the input.
pub(crate) struct Console {
    name: String,
    /// What the places of the input are called: a line, or a row where there are no lines.
    place: &'static str,
    is_strict: bool,
    is_quiet: bool,
    voice: Voice,
    /// How many bad rows and cells have been described, since this time if there is one.
    described: u64,
    window: Option<Instant>,
    /// Rows of data, bad ones included.
    pub(crate) rows: u64,
    pub(crate) bad_rows: u64,
    pub(crate) bad_cells: u64,
}

/// Where to everything is said.
enum Voice {
    /// To standard error, around a progress bar where there is one.
    Aloud(Option<ProgressBar>),
    /// To whoever asks afterwards.
    Kept(RefCell<Vec<String>>),
    /// To whoever has the screen, at once.
    Sent(Box<dyn Fn(String)>),
}

impl Console {
    pub(crate) fn new(args: &InputArgs, source: &Source, output_is_terminal: bool) -> Self {
        // On a terminal that also shows the output, a bar would be torn to pieces.
        let is_shown = !args.quiet && !output_is_terminal && io::stderr().is_terminal();
        Self::with(args, source, Voice::Aloud(is_shown.then(|| progress_bar(source.origin.size))))
    }

    /// A report that says nothing aloud.
    pub(crate) fn kept(args: &InputArgs, source: &Source) -> Self {
        Self::with(args, source, Voice::Kept(RefCell::default()))
    }

    /// A report that says everything to somebody else.
    pub(crate) fn sent(args: &InputArgs, source: &Source, listener: impl Fn(String) + 'static) -> Self {
        Self::with(args, source, Voice::Sent(Box::new(listener)))
    }

    /// A report on an input that may never end: what is described, is so again and again. It may be kept.
    pub(crate) fn on_stream(name: &str, is_strict: bool, is_quiet: bool, is_kept: bool) -> Self {
        let voice = if is_kept { Voice::Kept(RefCell::default()) } else { Voice::Aloud(None) };
        Self { window: Some(Instant::now()), ..Self::blank(name.to_owned(), is_strict, is_quiet, voice) }
    }

    fn with(args: &InputArgs, source: &Source, voice: Voice) -> Self {
        let place = if source.format() == Format::Parquet { "row" } else { "line" };
        Self { place, ..Self::blank(source.origin.name.clone(), args.strict, args.quiet, voice) }
    }

    fn blank(name: String, is_strict: bool, is_quiet: bool, voice: Voice) -> Self {
        Self {
            name,
            place: "line",
            is_strict,
            is_quiet,
            voice,
            described: 0,
            window: None,
            rows: 0,
            bad_rows: 0,
            bad_cells: 0,
        }
    }

    /// What has been kept.
    pub(crate) fn into_kept(self) -> Vec<String> {
        match self.voice {
            Voice::Kept(said) => said.into_inner(),
            Voice::Aloud(_) | Voice::Sent(_) => Vec::new(),
        }
    }

    /// So many bytes have been read.
    pub(crate) fn progress(&self, bytes: u64) {
        if let Voice::Aloud(Some(bar)) = &self.voice {
            bar.set_position(bytes);
        }
    }

    /// A row that is skipped. An error if that is not wanted.
    pub(crate) fn bad_row(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        self.bad_rows += 1;
        self.bad(line, reason)
    }

    /// A cell that is skipped while the rest of its row is used. An error if that is not wanted.
    pub(crate) fn bad_cell(&mut self, line: u64, column: &str, cell: &[u8]) -> Result<(), Failure> {
        self.bad_value(line, not_a_number(column, cell))
    }

    /// The same for any reason.
    pub(crate) fn bad_value(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        self.bad_cells += 1;
        self.bad(line, reason)
    }

    /// What became of a row that was handed on: whether it was taken.
    #[inline]
    pub(crate) fn took_row(&mut self, line: u64, result: Result<(), Refusal>) -> Result<bool, Failure> {
        match result {
            Ok(()) => Ok(true),
            Err(Refusal::Skip(why)) => self.bad_row(line, why).map(|()| false),
            Err(Refusal::Stop(failure)) => Err(failure),
        }
    }

    /// What became of a sample that was handed on.
    #[inline]
    pub(crate) fn took_sample(&mut self, line: u64, column: &str, result: Result<(), Refusal>) -> Result<(), Failure> {
        match result {
            Ok(()) => Ok(()),
            Err(Refusal::Skip(why)) => {
                self.bad_cells += 1;
                self.bad(line, format_args!("{why} (column {column})"))
            }
            Err(Refusal::Stop(failure)) => Err(failure),
        }
    }

    fn bad(&mut self, line: u64, reason: impl Display) -> Result<(), Failure> {
        if self.is_strict {
            return Err(Failure::failed(format!("{}: {} {line}: {reason}", self.name, self.place)));
        }
        if self.described > DESCRIBED && self.window.is_some_and(|window| window.elapsed() >= WINDOW) {
            (self.described, self.window) = (0, Some(Instant::now()));
        }
        self.described += 1;
        if self.described <= DESCRIBED {
            self.say(&format_args!("{}: {} {line}: {reason}", self.name, self.place));
        } else if self.described == DESCRIBED + 1 {
            self.say(&format_args!("{}: further bad rows are only counted", self.name));
        }
        Ok(())
    }

    /// Something that is not wrong, but may not be what was meant.
    pub(crate) fn note(&self, note: impl Display) {
        if !self.is_quiet {
            self.say(&format_args!("{}: {note}", self.name));
        }
    }

    /// The end: takes the progress bar away and says what was done, given what the work itself counted.
    pub(crate) fn summary(&self, counts: &[(&'static str, u64)]) {
        self.finish();
        let skipped = [("bad rows skipped", self.bad_rows), ("bad cells skipped", self.bad_cells)];
        self.list([&[("rows", self.rows)], counts, &skipped].concat());
    }

    /// Says what was counted.
    pub(crate) fn list(&self, counts: impl IntoIterator<Item = (&'static str, u64)>) {
        if !self.is_quiet {
            let list: Vec<String> = counts.into_iter().map(|(what, count)| format!("{what} {count}")).collect();
            self.say(&list.join(", "));
        }
    }

    /// Takes the progress bar away.
    pub(crate) fn finish(&self) {
        if let Voice::Aloud(Some(bar)) = &self.voice {
            bar.finish_and_clear();
        }
    }

    fn say(&self, message: &dyn Display) {
        match &self.voice {
            Voice::Aloud(Some(bar)) => bar.suspend(|| say(message)),
            Voice::Aloud(None) => say(message),
            Voice::Kept(said) => said.borrow_mut().push(message.to_string()),
            Voice::Sent(listener) => listener(message.to_string()),
        }
    }
}

/// One line on standard error. That nobody can read it is no reason to stop.
pub(crate) fn say(message: &dyn Display) {
    let _ = writeln!(io::stderr(), "evenkeel: {}", escaped(&message.to_string()));
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
