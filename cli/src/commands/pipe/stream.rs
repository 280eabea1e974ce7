//! The parts of a process that follows a feed: what is read, followed, written, saved and counted.

use super::follow::Follow;
use super::messages::{Messages, Pause};
use super::output::{Output, Way};
use super::state::{Feed, Progress, State, StateArgs};
use super::wait::{Wait, Woken as Event};
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::{Need, Span, Woken};
use crate::text::moments::Moments;
use crate::text::time::{Unit, now};
use std::io;
use std::time::{Duration, Instant};

/// Longest wait for the next line of a record that goes on in it: quotes that are opened may be stray.
const JOINING: Duration = Duration::from_secs(1);

/// How soon to look whether a state has been saved, where messages wait for that.
const SOON: Duration = Duration::from_millis(10);

/// The format of the states that are saved.
const FORMAT: u32 = 2;

/// A process that follows a feed.
pub(super) struct Stream {
    pub(super) follow: Follow,
    pub(super) output: Output,
    pub(super) console: Console,
    pub(super) position: Position,
    pub(super) moments: Moments,
    /// Whether a record has been followed in part, which no state must have.
    pub(super) is_torn: bool,
    /// The messages, where the feed is a stream of them.
    messages: Option<Messages>,
    waiting: Waiting,
    state: Option<State>,
    /// The format and precision of the feed, as soon as they are known.
    feed: Feed,
    /// The bytes that had been read behind the last end of a line when the input was last asked for more.
    held: usize,
}

/// The progress of reading a feed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// Lines that have been dealt with.
    pub(super) lines: u64,
    /// Lines of them that have not come out.
    pub(super) dropped: u64,
    /// Records that have come out.
    pub(super) records: u64,
}

/// Waiting for input that has yet to come.
struct Waiting {
    /// None where the input is always there.
    wait: Option<Wait>,
    /// The lines that had been dealt with when a record had to be waited for, and until when it is.
    joining: Option<(u64, Instant)>,
}

impl Waiting {
    fn is_live(&self) -> bool {
        self.wait.as_ref().is_some_and(Wait::is_live)
    }

    /// Whether there is input, or its end, without waiting.
    fn has_input(&self) -> Result<bool, Failure> {
        let has_input = self.wait.as_ref().map_or(Ok(true), Wait::has_input);
        has_input.map_err(cannot_wait)
    }

    /// The time until which the next line of a record is waited for.
    fn patience(&mut self, lines: u64) -> Instant {
        let begun = self.joining.filter(|(begun, _)| *begun == lines);
        self.joining.insert(begun.unwrap_or_else(|| (lines, Instant::now() + JOINING))).1
    }
}

#[cold]
#[allow(clippy::needless_pass_by_value)] // as errors are mapped
fn cannot_wait(error: io::Error) -> Failure {
    Failure::failed(format!("cannot wait for input: {error}"))
}

impl Stream {
    /// A stream at its beginning. Without `wait`, its input is always there.
    pub(super) fn new(follow: Follow, way: Way, console: Console, wait: Option<Wait>) -> Self {
        Self {
            follow,
            output: Output::new(way),
            console,
            position: Position::default(),
            moments: Moments::default(),
            is_torn: false,
            messages: None,
            waiting: Waiting { wait, joining: None },
            state: None,
            feed: Feed::default(),
            held: 0,
        }
    }

    /// Takes the feed for one of messages.
    pub(super) fn with_messages(self, messages: Option<Messages>) -> Self {
        Self { messages, ..self }
    }

    /// Whether the feed is one of messages, or what comes out is.
    pub(super) fn has_messages(&self) -> bool {
        self.messages.is_some() || self.output.end().is_some()
    }

    /// Loads the state file if there is one, and saves to it from now on. Returns the feed's format and precision: as asked for,
    /// else as recorded in the state.
    pub(super) fn open_state(&mut self, args: &StateArgs, asked: Feed) -> Result<Feed, Failure> {
        let Some(path) = &args.state else {
            if let Some(messages) = &mut self.messages {
                messages.start(None, None, &mut self.output, &self.console)?;
            }
            return Ok(asked);
        };
        let origin = self.messages.as_ref().map(Messages::origin);
        let state = State::open(path, args, asked, origin.as_ref(), &mut self.follow)?;
        if let Some(mismatch) = state.mismatch() {
            self.console.note(mismatch);
        }
        if let Some(resumed) = state.resumed() {
            let (path, series, all, lines) = (path.display(), self.follow.resumed(), resumed.series, resumed.lines());
            let (of, why) = if series < all { (format!(" of {all}"), " (--max-series)") } else { (String::new(), "") };
            let preset = self.follow.inherited().map_or_else(String::new, |preset| format!(" with --preset {preset}"));
            self.console
                .note(format_args!("resumed {series}{of} series from {path}{preset}, after {lines} lines{why}"));
            let format = resumed.format;
            if format < FORMAT {
                self.console.note(format_args!(
                    "{path} has format {format}, of an earlier version: each series goes on from its location, scale and age, by \
                     the present rule of its preset; what is saved from now on has format {FORMAT}, which that version does not read"
                ));
            }
        }
        if let Some(messages) = &mut self.messages {
            messages.start(state.place(), Some(args.save_every), &mut self.output, &self.console)?;
        }
        Ok(asked.or(self.state.insert(state).feed()))
    }

    /// Records what the feed is in.
    pub(super) fn set_feed(&mut self, feed: Feed) {
        self.feed = feed;
    }

    /// The unit of the feed's timestamps.
    pub(super) fn precision(&self) -> Unit {
        self.feed.precision.unwrap_or(Unit::Nanosecond)
    }

    /// The progress that a state records. A feed that has shown no record yet may still be in any format.
    fn progress(&self) -> Progress {
        let feed = if self.position.records > 0 { self.feed } else { Feed::default() };
        let place = self.messages.as_ref().map(|messages| messages.place(self.output.end()));
        Progress { feed, lines: self.position.lines, place }
    }

    /// Sends on what is known, and saves the state if it is time, before the input is asked for more; then waits for it. What has
    /// been sent on is written by then, unless there is input that need not be waited for.
    pub(super) fn before_read(&mut self, need: Need) -> Result<Woken, Failure> {
        self.held = need.held;
        let lines = self.position.lines;
        match self.messages.as_ref().map(Messages::pause) {
            Some(Pause::Within) => return Ok(Woken::Input),
            // No record goes on in the next message.
            Some(Pause::Between) if need.is_joining => return Ok(Woken::GiveUp),
            Some(Pause::Between) | None => {}
        }
        let patience = need.is_joining.then(|| self.waiting.patience(lines));
        loop {
            let soon = self.acknowledge();
            let due = self.state.as_ref().and_then(|state| state.due(lines));
            let is_due = due.is_some_and(|due| due <= Instant::now());
            if is_due {
                // No state knows of a line that may not have come out.
                self.output.flush()?;
            } else if self.waiting.is_live() {
                self.output.send()?;
                if !self.waiting.has_input()? {
                    self.output.flush()?;
                }
            }
            let progress = self.progress();
            if is_due && let Some(state) = &mut self.state {
                state.save(progress, &self.follow);
                continue;
            }
            let Some(wait) = &self.waiting.wait else { return Ok(Woken::Input) };
            let until = due.into_iter().chain(patience).chain(soon).min();
            match wait.for_input(until).map_err(cannot_wait)? {
                Event::Input => return Ok(Woken::Input),
                Event::Time if patience.is_none_or(|patience| Instant::now() < patience) => {}
                // The lines behind it are here, and may be good. A signal comes again.
                _ if patience.is_some() => return Ok(Woken::GiveUp),
                _ => {
                    if need.held > 0 {
                        let bytes = need.held;
                        self.console.note(format_args!("the line that was not complete has been left: {bytes} bytes"));
                    }
                    self.held = 0;
                    return Ok(Woken::Stop);
                }
            }
        }
    }

    /// Acknowledges the messages that are in the state on the disk. Returns when to look again, where they wait for that.
    fn acknowledge(&mut self) -> Option<Instant> {
        let (messages, state) = (self.messages.as_mut()?, self.state.as_mut()?);
        if let Some(saved) = state.saved() {
            messages.acknowledge(saved);
        }
        if messages.is_full() {
            state.hurry();
        }
        state.is_saving().then(|| Instant::now() + SOON)
    }

    /// The moment at which a sample without a time came, in nanoseconds since 1970: that at which a stream took its message, so that
    /// it is the same whenever the message is read.
    pub(super) fn arrival(&self) -> Option<i64> {
        match &self.messages {
            Some(messages) => messages.published(),
            None => now(),
        }
    }

    /// Ends a record: counts its lines, and sends on what there is if it is enough.
    #[inline]
    pub(super) fn end_record(&mut self, lines: Span<'_>) -> Result<(), Failure> {
        self.count(lines);
        if self.messages.is_some() { self.settle() } else { self.output.end_record() }
    }

    /// Sends on what has been made of messages.
    #[cold]
    fn settle(&mut self) -> Result<(), Failure> {
        self.messages.as_mut().map_or(Ok(()), |messages| messages.settle(self.position.lines, &mut self.output))
    }

    /// Whether samples need their times.
    pub(super) fn is_in_time(&self) -> bool {
        self.follow.is_in_time()
    }

    /// Counts lines that have been dealt with.
    #[inline]
    pub(super) fn count(&mut self, lines: Span<'_>) {
        self.position.lines += lines.count;
    }

    /// Passes on lines that are no record.
    pub(super) fn pass(&mut self, lines: Span<'_>) -> Result<(), Failure> {
        self.output.draft.put(lines.raw);
        self.end_record(lines)
    }

    /// Reports and counts a last line that has been left because it has no end, unless it is nothing but this mark.
    pub(super) fn report_cut(&mut self, mark: &[u8]) -> Result<(), Failure> {
        if self.held == 0 || self.position.lines == 0 && self.held == mark.len() {
            return Ok(());
        }
        self.console.counts.rows += 1;
        self.console.bad_row(
            self.position.lines + 1,
            "the line has no end, and may have been cut off: it is left out, and not counted among the lines",
        )
    }

    /// Drops lines that are no record and should be one.
    pub(super) fn drop(&mut self, lines: Span<'_>, why: &str) -> Result<(), Failure> {
        if lines.raw.last().is_some_and(|last| *last != b'\n') {
            // The last line: the rest of it may come when the feed is read again.
            return self
                .console
                .bad_row(lines.line, format_args!("{why}; it has no end, and is not counted among the lines"));
        }
        self.console.bad_row(lines.line, why)?;
        self.position.dropped += lines.count;
        self.count(lines);
        self.settle()
    }

    /// The end: sends on the rest, and saves the state for the next process, if there is to be one.
    pub(super) fn finish(&mut self, is_saved: bool) -> Result<(), Failure> {
        self.output.flush()?;
        let lines = self.position.lines;
        let is_torn = self.is_torn || self.messages.as_ref().is_some_and(|messages| messages.is_torn(lines));
        match self.state.take() {
            Some(state) if is_saved && !is_torn && !self.output.has_lost() => {
                state.finish(self.progress(), &self.follow)?;
                if let Some(messages) = &mut self.messages {
                    messages.acknowledge(lines);
                    messages.close();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The messages in the list, where there is one.
    pub(super) fn into_list(self) -> Vec<String> {
        self.console.into_list()
    }

    /// Prints what has been done. `names_taken` numbers were not followed because of their names.
    pub(super) fn summary(&self, names_taken: u64) {
        let (lines, counts) = (self.position.lines, self.console.counts);
        if lines > 0 && self.position.dropped == lines {
            self.console.note("no line could be read: is this the --format? A CSV needs --format csv");
        }
        let messages = self.messages.as_ref().map(|messages| ("messages", messages.count()));
        let before = [("lines", lines), ("rows", counts.rows), ("bad rows", counts.bad_rows)];
        let values = [("bad values", counts.bad_values), ("names taken", names_taken)];
        self.console.list(messages.into_iter().chain(before).chain(values).chain(self.follow.counts()));
    }
}
