//! What a record goes through, whatever its format: it is read, followed, written and counted.

use super::Format;
use super::follow::{Follow, Sample};
use super::state::{State, StateArgs};
use super::wait::{Wait, Woken};
use crate::failure::Failure;
use crate::input::Lines;
use crate::number;
use crate::output::Page;
use crate::report::Report;
use crate::time::Moments;
use std::fmt::Display;
use std::time::{Instant, SystemTime};

/// So much is written at once.
const CHUNK: usize = 128 << 10;

/// Where the records go.
pub(super) type Output = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;

/// What every record goes through.
pub(super) struct Stream {
    pub(super) follow: Follow,
    page: Page,
    output: Output,
    report: Report,
    wait: Option<Wait>,
    state: Option<State>,
    moments: Moments,
    /// Lines of the input that have been dealt with.
    lines: u64,
    /// Those of them that have not come out.
    dropped: u64,
    /// Numbers that are not followed because their names are taken.
    pub(super) left_alone: u64,
    /// A signal has ended the input.
    has_stopped: bool,
    /// Something could not be written.
    has_lost: bool,
}

impl Stream {
    /// A stream at its beginning. Without `wait`, its input is always there.
    pub(super) fn new(follow: Follow, output: Output, report: Report, wait: Option<Wait>) -> Self {
        Self {
            follow,
            page: Page::new(2 * CHUNK),
            output,
            report,
            wait,
            state: None,
            moments: Moments::default(),
            lines: 0,
            dropped: 0,
            left_alone: 0,
            has_stopped: false,
            has_lost: false,
        }
    }

    /// Goes on from the state in a file, and keeps it there; tells what format the feed has had so far.
    pub(super) fn keep_state(&mut self, args: &StateArgs, format: Option<Format>) -> Result<Option<Format>, Failure> {
        let Some(path) = &args.state else { return Ok(format) };
        let state = State::open(path, args.save_every, format, &mut self.follow)?;
        if let Some(lines) = state.resumed() {
            let (path, series) = (path.display(), self.follow.resumed());
            self.report.note(format_args!("resumed {series} series from {path}, after {lines} lines"));
        }
        Ok(self.state.insert(state).format)
    }

    /// The feed has shown what it is in.
    pub(super) fn set_format(&mut self, format: Format) {
        if let Some(state) = &mut self.state {
            state.format = Some(format);
        }
    }

    /// The input has to be asked for more: first, what is known goes out, and to the disk if it is time.
    pub(super) fn before_read(&mut self) -> Result<(), Failure> {
        loop {
            let due = self.state.as_ref().and_then(|state| state.due(self.lines));
            let is_due = due.is_some_and(|due| due <= Instant::now());
            // No state knows of a line that may not have come out.
            if is_due || self.wait.as_ref().is_some_and(Wait::is_live) {
                self.write()?;
            }
            if is_due && let Some(state) = &mut self.state {
                state.save(self.lines, &self.follow);
                continue;
            }
            let Some(wait) = &self.wait else { return Ok(()) };
            match wait.for_input(due).map_err(|error| Failure::failed(format!("cannot wait for input: {error}")))? {
                Woken::Input => return Ok(()),
                Woken::Time => {}
                Woken::Signal => {
                    self.has_stopped = true;
                    return Err(Failure::failed("stopped by a signal"));
                }
            }
        }
    }

    /// Whether a signal has ended the input.
    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// The next sample of a series, and what is to be added; nothing where it is not taken.
    #[inline]
    pub(super) fn update(&mut self, name: &str, sample: Sample) -> Result<Option<[f64; 3]>, Failure> {
        self.follow.update(name, sample)
    }

    /// A piece of a record.
    #[inline]
    pub(super) fn put(&mut self, piece: &[u8]) {
        self.page.put(piece);
    }

    /// A finite number, as a piece.
    #[inline]
    pub(super) fn put_number(&mut self, number: f64) {
        self.page.put(number::csv(number, &mut zmij::Buffer::new()).as_bytes());
    }

    /// All pieces of the current lines have been put.
    #[inline]
    pub(super) fn end(&mut self, lines: &Lines) -> Result<(), Failure> {
        self.lines += lines.count();
        if self.page.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    /// The current lines do not come out.
    pub(super) fn drop(&mut self, lines: &Lines, reason: impl Display) -> Result<(), Failure> {
        self.report.bad_row(lines.number(), reason)?;
        self.lines += lines.count();
        self.dropped += lines.count();
        Ok(())
    }

    /// The current lines are dealt with without being a record.
    pub(super) fn count(&mut self, lines: &Lines) {
        self.lines += lines.count();
    }

    /// A cell that is no number, in a record that comes out.
    pub(super) fn bad_cell(&mut self, line: u64, column: &str, cell: &[u8]) -> Result<(), Failure> {
        self.report.bad_cell(line, column, cell)
    }

    /// Whether samples need their times.
    pub(super) fn is_in_time(&self) -> bool {
        self.follow.is_in_time()
    }

    /// The time that a cell says, if anybody needs it. One that cannot be read is told and counted, and its record comes out
    /// alone.
    pub(super) fn moment(&mut self, line: u64, cell: &[u8]) -> Result<Option<i64>, Failure> {
        if !self.is_in_time() {
            return Ok(None);
        }
        match self.moments.read(cell) {
            Ok(time) => Ok(Some(time)),
            Err(error) => self.report.bad_value(line, error).map(|()| None),
        }
    }

    /// The time of a record that has none, if anybody needs it: that of its arrival, as `InfluxDB` has it.
    pub(super) fn arrival(&self) -> Option<i64> {
        if !self.is_in_time() {
            return None;
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).ok()
    }

    /// What is said on the way.
    pub(super) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Something that is not wrong, but may not be what was meant.
    pub(super) fn note(&self, note: impl Display) {
        self.report.note(note);
    }

    /// Sends on what has been put.
    pub(super) fn write(&mut self) -> Result<(), Failure> {
        if self.page.len() > 0 {
            let written = (self.output)(self.page.as_bytes());
            self.page.clear();
            // What is lost must not be known to any state.
            self.has_lost |= written.is_err();
            written?;
        }
        Ok(())
    }

    /// The end: sends on the rest, and saves the state for the next process.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.write()?;
        match self.state.take() {
            Some(state) if !self.has_lost => state.finish(self.lines, &self.follow),
            _ => Ok(()),
        }
    }

    /// What has been said, where it was kept.
    pub(super) fn into_said(self) -> Vec<String> {
        self.report.into_kept()
    }

    /// Says what has been done.
    pub(super) fn summary(&self) {
        if self.lines > 0 && self.dropped == self.lines {
            self.report.note("no line could be read: is this the --format?");
        }
        let lines = [("lines", self.lines), ("bad lines", self.dropped)];
        let values = [("bad values", self.report.bad_cells), ("names taken", self.left_alone)];
        self.report.list(lines.into_iter().chain(values).chain(self.follow.counts()));
    }
}
