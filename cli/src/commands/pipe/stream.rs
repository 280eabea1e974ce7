//! What a record goes through, whatever its format: it is read, followed, written and counted.

use super::follow::{Follow, Sample};
use super::state::{Feed, Progress, State, StateArgs};
use super::wait::{Wait, Woken};
use crate::console::{Console, Seldom};
use crate::failure::Failure;
use crate::formats::{Lines, Need};
use crate::output::LineBuffer;
use crate::text::number;
use crate::text::quote::shown;
use crate::text::time::Moments;
use std::fmt::Display;
use std::time::{Duration, Instant, SystemTime};

/// So much is written at once.
const CHUNK: usize = 128 << 10;

/// A record that goes on in the next line is waited for no longer than this: quotes that are opened may be stray.
const JOINING: Duration = Duration::from_secs(1);

/// The format of the states that are saved.
const FORMAT: u32 = 2;

/// Where the records go.
pub(super) type Output = Box<dyn FnMut(&[u8]) -> Result<(), Failure>>;

/// What every record goes through.
pub(super) struct Stream {
    pub(super) follow: Follow,
    page: LineBuffer,
    output: Output,
    report: Console,
    wait: Option<Wait>,
    state: Option<State>,
    /// What the feed is in, as soon as that is known.
    feed: Feed,
    moments: Moments,
    /// Lines of the input that have been dealt with.
    lines: u64,
    /// Those of them that have not come out.
    dropped: u64,
    /// Numbers that are not followed because their names are taken.
    pub(super) left_alone: u64,
    /// Records that have come out.
    records: u64,
    /// How many lines had been dealt with when a record had to be waited for, and until when it is.
    joining: Option<(u64, Instant)>,
    has_given_up: bool,
    /// Late samples that have been told.
    told_late: u64,
    late_notes: Seldom,
    /// A signal has ended the input.
    has_stopped: bool,
    /// Something could not be written.
    has_lost: bool,
}

impl Stream {
    /// A stream at its beginning. Without `wait`, its input is always there.
    pub(super) fn new(follow: Follow, output: Output, report: Console, wait: Option<Wait>) -> Self {
        Self {
            follow,
            page: LineBuffer::new(2 * CHUNK),
            output,
            report,
            wait,
            state: None,
            feed: Feed::default(),
            moments: Moments::default(),
            lines: 0,
            dropped: 0,
            left_alone: 0,
            records: 0,
            joining: None,
            has_given_up: false,
            told_late: 0,
            late_notes: Seldom::default(),
            has_stopped: false,
            has_lost: false,
        }
    }

    /// Goes on from the state in a file, and keeps it there; tells what is known of the feed, which is asked to be so.
    pub(super) fn keep_state(&mut self, args: &StateArgs, asked: Feed) -> Result<Feed, Failure> {
        let Some(path) = &args.state else { return Ok(asked) };
        let state = State::open(path, args.save_every, asked, &mut self.follow)?;
        if let Some(resumed) = state.resumed() {
            let (path, series, all, lines) = (path.display(), self.follow.resumed(), resumed.series, resumed.lines());
            let (of, why) = if series < all { (format!(" of {all}"), " (--max-series)") } else { (String::new(), "") };
            let preset = self.follow.inherited().map_or_else(String::new, |preset| format!(" with --preset {preset}"));
            self.report.note(format_args!("resumed {series}{of} series from {path}{preset}, after {lines} lines{why}"));
            let format = resumed.format;
            if format < FORMAT {
                self.report.note(format_args!(
                    "{path} has format {format}, of an earlier version: each series goes on from its location, scale and age, by \
                     the present rule of its preset; what is saved from now on has format {FORMAT}, which that version does not read"
                ));
            }
        }
        Ok(asked.or(self.state.insert(state).feed()))
    }

    /// The feed has shown what it is in.
    pub(super) fn set_feed(&mut self, feed: Feed) {
        self.feed = feed;
    }

    /// How far it has come. A feed that has shown no record yet may still be in anything.
    fn progress(&self) -> Progress {
        Progress { feed: if self.has_record() { self.feed } else { Feed::default() }, lines: self.lines }
    }

    /// The input has to be asked for more: first, what is known goes out, and to the disk if it is time. An error, too, where
    /// a record need not be waited for any longer: see [`gives_up`](Self::gives_up).
    pub(super) fn before_read(&mut self, need: Need) -> Result<(), Failure> {
        let patience = need.is_joining.then(|| self.patience());
        loop {
            let due = self.state.as_ref().and_then(|state| state.due(self.lines));
            let is_due = due.is_some_and(|due| due <= Instant::now());
            // No state knows of a line that may not have come out.
            if is_due || self.wait.as_ref().is_some_and(Wait::is_live) {
                self.write()?;
            }
            let progress = self.progress();
            if is_due && let Some(state) = &mut self.state {
                state.save(progress, &self.follow);
                continue;
            }
            let Some(wait) = &self.wait else { return Ok(()) };
            let until = due.into_iter().chain(patience).min();
            let woken = wait.for_input(until);
            match woken.map_err(|error| Failure::failed(format!("cannot wait for input: {error}")))? {
                Woken::Input => return Ok(()),
                Woken::Time if patience.is_none_or(|patience| Instant::now() < patience) => {}
                // The lines behind it are here, and may be good. A signal is heard again.
                _ if patience.is_some() => {
                    self.has_given_up = true;
                    return Err(Failure::failed("a record goes on and is not waited for"));
                }
                _ => {
                    self.has_stopped = true;
                    if need.held > 0 {
                        let bytes = need.held;
                        self.report.note(format_args!("the line that was not complete has been left: {bytes} bytes"));
                    }
                    return Err(Failure::failed("stopped by a signal"));
                }
            }
        }
    }

    /// Until when the next line of a record may come.
    fn patience(&mut self) -> Instant {
        let begun = self.joining.filter(|(lines, _)| *lines == self.lines);
        self.joining.insert(begun.unwrap_or_else(|| (self.lines, Instant::now() + JOINING))).1
    }

    /// Whether the last error is only that the next line of a record is not waited for. It is told once.
    pub(super) fn gives_up(&mut self) -> bool {
        std::mem::take(&mut self.has_given_up)
    }

    /// Whether a record has come out.
    pub(super) fn has_record(&self) -> bool {
        self.records > 0
    }

    /// Whether a signal has ended the input.
    pub(super) fn has_stopped(&self) -> bool {
        self.has_stopped
    }

    /// The next sample of a series, and what is to be added; nothing where it is not taken.
    #[inline]
    pub(super) fn update(&mut self, name: &str, sample: Sample) -> Result<Option<[f64; 3]>, Failure> {
        let seen = self.follow.update(name, sample)?;
        if seen.is_none() {
            self.tell_late();
        }
        Ok(seen)
    }

    /// Says now and then that samples come late: a single one from the future has all after it do so.
    #[cold]
    fn tell_late(&mut self) {
        let (late, name) = self.follow.late();
        if late > self.told_late && self.late_notes.is_due() {
            let (count, of) = (late - self.told_late, shown(name.as_bytes()));
            self.told_late = late;
            self.report.note(format_args!(
                "samples that came late, older than the last one of their series, and do not count: {count}, the last one of \
                 {of}; where that last one is far ahead, --max-idle ends such a series"
            ));
        }
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
        self.records += 1;
        self.sent(lines)
    }

    /// The current lines are no record, and come out as they are.
    pub(super) fn pass(&mut self, lines: &Lines) -> Result<(), Failure> {
        self.put(lines.raw());
        self.sent(lines)
    }

    /// The current lines have been put, and are written when they are enough.
    #[inline]
    fn sent(&mut self, lines: &Lines) -> Result<(), Failure> {
        self.count(lines);
        if self.page.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    /// The current lines do not come out.
    pub(super) fn drop(&mut self, lines: &Lines, reason: impl Display) -> Result<(), Failure> {
        self.report.bad_row(lines.number(), reason)?;
        self.lines += lines.count();
        self.dropped += lines.count();
        Ok(())
    }

    /// The current lines are dealt with.
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
    pub(super) fn report(&mut self) -> &mut Console {
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

    /// The end: sends on the rest, and saves the state for the next process, if there is to be one.
    pub(super) fn finish(&mut self, is_saved: bool) -> Result<(), Failure> {
        self.write()?;
        match self.state.take() {
            Some(state) if is_saved && !self.has_lost => state.finish(self.progress(), &self.follow),
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
            self.report.note("no line could be read: is this the --format? A CSV needs --format csv");
        }
        let lines = [("lines", self.lines), ("bad lines", self.dropped)];
        let values = [("bad values", self.report.bad_cells), ("names taken", self.left_alone)];
        self.report.list(lines.into_iter().chain(values).chain(self.follow.counts()));
    }
}
