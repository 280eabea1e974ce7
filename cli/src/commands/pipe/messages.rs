//! Messages in: which lines are of which message, and when it has been dealt with.
//!
//! The lines of a message are read as those of any feed, but no record goes on in the next message. When the last of them has been
//! dealt with, what has been made of the message comes out, as a message again where the output is a stream. The state is saved
//! between two messages only, and what is in a saved state is acknowledged.
//!
//! A process that goes on from a state may come through messages whose output an earlier one has published after that state was
//! saved: they are followed again, to the same bits, and not published again.

use super::output::Output;
use super::place::{End, Origin, Place};
use crate::console::Console;
use crate::failure::Failure;
use crate::nats::{Address, Intake, Message, Receipt};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, PipeReader, Read};
use std::rc::Rc;
use std::time::Duration;

/// The wait for an acknowledgement, but for the time between two saves.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// The messages of a feed.
pub(super) struct Messages {
    queue: Rc<RefCell<Queue>>,
    /// The lines before the message that is being dealt with.
    begun: u64,
    /// The last message that has been dealt with, by this process or by those before.
    sequence: u64,
    /// The position up to which an earlier process has published: a message, and lines of it.
    published: Option<(u64, u64)>,
    /// Messages that have been dealt with and not acknowledged.
    settled: VecDeque<Settled>,
    count: u64,
    /// Whether anything is acknowledged.
    is_durable: bool,
}

/// Messages that have been handed out as bytes.
struct Queue {
    intake: Intake,
    /// Those that have not been dealt with.
    handed: VecDeque<Handed>,
    /// The bytes of the last, of which so many have been read.
    bytes: Vec<u8>,
    read: usize,
    /// All lines.
    lines: u64,
}

struct Handed {
    sequence: u64,
    published: i64,
    /// The lines at its end.
    end: u64,
    /// Whether its last line had an end.
    has_end: bool,
    receipt: Receipt,
}

struct Settled {
    sequence: u64,
    /// The lines at its end.
    end: u64,
    receipt: Receipt,
}

/// The place in the messages at which more bytes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// Within one: the rest of it is here.
    Within,
    /// Between two.
    Between,
}

impl Messages {
    /// Connects to the server, and looks the stream up.
    pub(super) fn open(address: &Address) -> Result<Self, Failure> {
        let (handed, bytes) = (VecDeque::new(), Vec::new());
        let queue = Queue { intake: Intake::open(address)?, handed, bytes, read: 0, lines: 0 };
        let (begun, sequence, published, settled) = (0, 0, None, VecDeque::new());
        let queue = Rc::new(RefCell::new(queue));
        Ok(Self { queue, begun, sequence, published, settled, count: 0, is_durable: false })
    }

    /// The bytes of all messages, each with an end of its last line.
    pub(super) fn reader(&self) -> Box<dyn Read> {
        Box::new(Reader(Rc::clone(&self.queue)))
    }

    /// A file that can be read when there is a message.
    pub(super) fn bell(&self) -> io::Result<PipeReader> {
        self.queue.borrow().intake.bell()
    }

    /// The stream.
    pub(super) fn origin(&self) -> Origin {
        let intake = &self.queue.borrow().intake;
        Origin { stream: intake.stream().to_owned(), created: intake.created() }
    }

    /// Begins to read behind what a state knows. `save_every` is none where there is no state.
    pub(super) fn start(
        &mut self,
        place: Option<&Place>,
        save_every: Option<Duration>,
        output: &mut Output,
        console: &Console,
    ) -> Result<(), Failure> {
        let origin = self.origin();
        self.sequence = place.map_or(0, |place| place.sequence);
        self.is_durable = save_every.is_some();
        let (first, last) = self.queue.borrow().intake.range();
        if self.sequence > last {
            return Err(Failure::usage(format!(
                "the state knows messages up to {}, and the last of the stream {} is {last}: give the state that goes with it, or \
                 another file",
                self.sequence, origin.stream
            )));
        }
        if first > self.sequence + 1 && self.sequence > 0 {
            console.note(format_args!(
                "the stream {} begins with message {first}, and the state knows those up to {}: what was between is gone",
                origin.stream, self.sequence
            ));
        }
        // What is made of other subjects of the stream is another source, of which nothing may be taken for published.
        let source = format!("{}@{}/{}", origin.stream, origin.created, self.queue.borrow().intake.filter());
        self.published = output.resume(source, place.and_then(|place| place.to.as_ref()), console)?;
        let ack_wait = save_every.map(|every| ACK_WAIT + 3 * every);
        self.queue.borrow_mut().intake.start(place.map(|place| place.sequence), ack_wait)
    }

    /// Where the bytes that have been read end.
    pub(super) fn pause(&self) -> Pause {
        let queue = self.queue.borrow();
        if queue.read < queue.bytes.len() { Pause::Within } else { Pause::Between }
    }

    /// Whether a message has been dealt with in part, which no state must have.
    pub(super) fn is_torn(&self, lines: u64) -> bool {
        lines > self.begun
    }

    /// When the stream took the message that is being dealt with.
    pub(super) fn published(&self) -> Option<i64> {
        self.queue.borrow().handed.front().map(|message| message.published)
    }

    /// The messages that have been dealt with.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Sends on what has been made of the message, when so many lines have been dealt with in all.
    pub(super) fn settle(&mut self, lines: u64, output: &mut Output) -> Result<(), Failure> {
        let mut queue = self.queue.borrow_mut();
        let Some(message) = queue.handed.front() else { return output.end_record() };
        let is_over = lines >= message.end;
        let at = (message.sequence, lines - self.begun);
        if self.published.is_some_and(|published| at <= published) {
            output.forget();
        } else {
            output.end_part(at, is_over, message.has_end)?;
        }
        if is_over && let Some(message) = queue.handed.pop_front() {
            (self.begun, self.sequence) = (message.end, message.sequence);
            self.count += 1;
            if self.is_durable {
                let Handed { sequence, end, receipt, .. } = message;
                self.settled.push_back(Settled { sequence, end, receipt });
            }
        }
        Ok(())
    }

    /// The place up to which a state that is saved now knows the stream.
    pub(super) fn place(&self, to: Option<End>) -> Place {
        Place { origin: self.origin(), sequence: self.sequence, to }
    }

    /// Acknowledges the messages that are in a state of so many lines.
    pub(super) fn acknowledge(&mut self, lines: u64) {
        let count = self.settled.partition_point(|message| message.end <= lines);
        let Some(last) = count.checked_sub(1).and_then(|last| self.settled.get(last)) else { return };
        let (saved, settled) = (last.sequence, self.settled.drain(..count));
        self.queue.borrow_mut().intake.acknowledge(saved, settled.map(|message| message.receipt));
    }

    /// Whether so many messages are not acknowledged that the server will soon give out no more.
    pub(super) fn is_full(&self) -> bool {
        self.settled.len() as u64 >= (self.queue.borrow().intake.most_pending() / 2).max(1)
    }

    /// Sees to it that what has been acknowledged is on its way.
    pub(super) fn close(&self) {
        self.queue.borrow().intake.close();
    }
}

/// The bytes of messages, a message at a time.
struct Reader(Rc<RefCell<Queue>>);

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(out)
    }
}

impl Queue {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.bytes.len() {
            let Some(message) = self.intake.next()? else { return Ok(0) };
            self.take(message);
        }
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        let size = rest.len().min(out.len());
        out[..size].copy_from_slice(&rest[..size]);
        self.read += size;
        Ok(size)
    }

    fn take(&mut self, message: Message) {
        let Message { sequence, published, payload, receipt } = message;
        (self.bytes, self.read) = (payload, 0);
        let has_end = self.bytes.ends_with(b"\n");
        if !has_end {
            self.bytes.push(b'\n');
        }
        self.lines += memchr::memchr_iter(b'\n', &self.bytes).count() as u64;
        self.handed.push_back(Handed { sequence, published, end: self.lines, has_end, receipt });
    }
}
