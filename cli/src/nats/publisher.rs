//! Messages out, each once and in order.
//!
//! Each message is published on a condition, so that one that is sent again, because its acknowledgement has not come, is refused if
//! it is there: the first of those on the way has to follow the last message of its subject (`Nats-Expected-Last-Subject-Sequence`),
//! and each of the others the one that was sent before it (`Nats-Expected-Last-Msg-Id`), whose sequence nobody knows yet. What is
//! refused or not answered is settled by a look at the last message of the subject. The duplicate window of a stream would not do: it
//! forgets after some minutes, an outage may be longer, and a window that remembers what has been purged swallows what is new.
//!
//! So is it known to the next process how far the output goes: the last message has the position of its input (`position.rs`).
//! Nothing of that ages, and a second process that publishes to the same subject is noticed.
//!
//! Where the stream takes messages of other subjects, too, these come between, and the messages go one by one.

use super::address::{Address, has_wildcard};
use super::connection::{Connection, Stop, process_name};
use super::position::{HEADER, Position};
use crate::console::{self, Seldom};
use crate::failure::Failure;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::{GetStreamByNameErrorKind, PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RetentionPolicy, Stream};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::sleep;

/// Most messages on the way.
const WINDOW: usize = 256;
/// Most bytes of these, but for the last.
const WINDOW_BYTES: usize = 1 << 26;
/// Bytes of the headers, by an estimate that is too large.
const HEADERS: usize = 1024;
/// The wait before another attempt.
const DELAY: Duration = Duration::from_millis(100);

/// The messages of a subject.
pub(crate) struct Publisher {
    connection: Connection,
    stream: Stream,
    address: Address,
    subject: String,
    stop: Stop,
    /// The input whose positions are in the headers: a stream, and when it was made.
    source: Option<String>,
    /// The beginning of the names of all messages of this process.
    process: String,
    /// Messages that have been taken.
    count: u64,
    /// Messages that have not been acknowledged, in order.
    queue: VecDeque<Item>,
    /// The acknowledgements to come, of the first of these.
    flights: VecDeque<PublishAckFuture>,
    /// The sequence of the last message of the subject; 0 where there is none.
    last: u64,
    /// Whether nobody else writes to the stream, as far as has been seen.
    is_alone: bool,
    warnings: Seldom,
}

/// A message on its way.
struct Item {
    number: u64,
    position: Option<Position>,
    bytes: Vec<u8>,
}

/// How a wait for an acknowledgement ended without one.
enum Trouble {
    /// The stream has another last message than was expected.
    Refused(PublishErrorKind),
    /// Nobody knows whether the message is there: why, if that is worth a word.
    Unknown(Option<String>),
    Stopped,
}

impl Publisher {
    /// Connects to the server, and looks the stream and its subject up.
    ///
    /// # Errors
    /// One of them is not there, or does not fit.
    pub(crate) fn open(address: &Address) -> Result<Self, Failure> {
        let connection = Connection::open(address)?;
        let stream = connection.stream(address)?;
        let config = &stream.cached_info().config;
        let subject = match (&address.subject, &*config.subjects) {
            (Some(subject), _) if has_wildcard(subject) => {
                return Err(Failure::usage(format!(
                    "nothing can be published to {subject}, which stands for several subjects"
                )));
            }
            (Some(subject), _) => subject.clone(),
            (None, [subject]) if !has_wildcard(subject) => subject.clone(),
            (None, subjects) => {
                return Err(Failure::usage(format!(
                    "{address} takes {}: say which, with ?subject=SUBJECT in the URL",
                    subjects.join(", ")
                )));
            }
        };
        if config.retention != RetentionPolicy::Limits {
            return Err(Failure::usage(format!(
                "{address} loses messages when they have been read, so that its last one does not show how far the output goes: publish \
                 to a stream with the retention `limits`, which may be the source of this one"
            )));
        }
        let mut publisher = Self {
            connection,
            address: address.clone(),
            subject,
            stop: Stop::listen()?,
            source: None,
            process: format!("{}-", process_name()),
            count: 0,
            queue: VecDeque::new(),
            flights: VecDeque::new(),
            last: 0,
            is_alone: true,
            warnings: Seldom::default(),
            stream,
        };
        let owner = publisher.connection.wait(publisher.connection.context.stream_by_subject(&publisher.subject));
        let (subject, stream) = (&publisher.subject, &publisher.address.stream);
        let owner = match owner {
            Ok(owner) => Some(owner),
            Err(error) if matches!(error.kind(), GetStreamByNameErrorKind::NotFound) => None,
            Err(error) => {
                let why = format!("cannot look up the stream that takes {subject}: {error}");
                return Err(Failure::usage(format!("{why}; is the user of the URL allowed to?")));
            }
        };
        if owner.as_ref() != Some(stream) {
            return Err(Failure::usage(format!("the stream {stream} does not take the subject {subject}")));
        }
        publisher.last = publisher.newest()?.map_or(0, |message| message.sequence);
        Ok(publisher)
    }

    /// The stream and the subject.
    pub(crate) fn place(&self) -> (&str, &str) {
        (&self.address.stream, &self.subject)
    }

    /// The sequence of the last message of the subject; 0 where there is none.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The last message that the stream has had, of any subject.
    pub(crate) fn stream_end(&self) -> u64 {
        self.stream.cached_info().state.last_sequence
    }

    /// Most bytes of a message.
    pub(crate) fn most_bytes(&self) -> usize {
        let of_stream =
            usize::try_from(self.stream.cached_info().config.max_message_size).ok().filter(|most| *most > 0);
        let of_server = self.connection.client.server_info().max_payload;
        of_stream.unwrap_or(usize::MAX).min(of_server).saturating_sub(HEADERS)
    }

    /// Publishes what is made of an input from now on. Returns how far an earlier process has come, by the last message of the
    /// subject: the sequence and the lines of the message. `after` is the last message that the state knows to be of this input, if
    /// any.
    ///
    /// # Errors
    /// Something else has published behind that message.
    pub(crate) fn resume(&mut self, source: String, after: Option<u64>) -> Result<Option<(u64, u64)>, Failure> {
        let newest = self.newest()?;
        let position = newest.as_ref().and_then(|message| Position::parse(message.headers.get(HEADER)?.as_str()));
        let is_ours = position.as_ref().is_some_and(|position| position.source == source);
        if !is_ours && newest.as_ref().is_some_and(|message| after.is_some_and(|after| message.sequence > after)) {
            return Err(self.not_alone());
        }
        self.source = Some(source);
        // A process that has just been killed may have published since this one looked first.
        self.last = newest.map_or(0, |message| message.sequence);
        Ok(position.filter(|_| is_ours).map(|position| (position.sequence, position.lines)))
    }

    /// Sends a message, behind those that have been sent. `at` is the position in the input that the output comes to: the sequence and
    /// the lines of a message, where there is one.
    ///
    /// # Errors
    /// A message cannot be published, or a signal has ended the attempts.
    pub(crate) fn publish(&mut self, at: Option<(u64, u64)>, bytes: Vec<u8>) -> Result<(), Failure> {
        let most = self.most_bytes();
        if bytes.len() > most {
            return Err(Failure::failed(format!(
                "a message of {} bytes is more than {} takes, which is {most}: raise max_payload of the server, or the limit of the stream",
                bytes.len(),
                self.address
            )));
        }
        self.count += 1;
        let position = self.source.clone().zip(at);
        let position = position.map(|(source, (sequence, lines))| Position { source, sequence, lines });
        self.queue.push_back(Item { number: self.count, position, bytes });
        self.advance(WINDOW)
    }

    /// Waits until everything has been acknowledged that was sent.
    ///
    /// # Errors
    /// A message cannot be published, or a signal has ended the attempts.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.advance(0)
    }

    /// Goes on until no more messages than `most` are not acknowledged, and all have been sent.
    fn advance(&mut self, most: usize) -> Result<(), Failure> {
        loop {
            let window = if self.is_alone { WINDOW } else { 1 };
            while self.flights.len() < self.queue.len().min(window) {
                match self.send(self.flights.len()) {
                    Ok(flight) => self.flights.push_back(flight),
                    Err(trouble) => self.recover(trouble)?,
                }
            }
            let bytes: usize = self.queue.iter().map(|item| item.bytes.len()).sum();
            let is_little = self.queue.len() <= most.min(window) && bytes <= WINDOW_BYTES;
            if is_little && self.flights.len() == self.queue.len() {
                return Ok(());
            }
            let Some(flight) = self.flights.pop_front() else { return Ok(()) };
            match self.landed(flight) {
                Ok(acknowledgement) => {
                    self.queue.pop_front();
                    self.last = acknowledgement.sequence;
                }
                Err(trouble) => self.recover(trouble)?,
            }
        }
    }

    /// Sends a message of the queue, on the condition that the one before it is the last.
    fn send(&mut self, index: usize) -> Result<PublishAckFuture, Trouble> {
        let Some(item) = self.queue.get(index) else { return Err(Trouble::Unknown(None)) };
        let mut message = PublishMessage::build()
            .payload(item.bytes.clone().into())
            .expected_stream(&self.address.stream)
            .message_id(self.name(item));
        if let Some(position) = &item.position {
            message = message.header(HEADER, &*position.to_string());
        }
        let before = index.checked_sub(1).and_then(|before| self.queue.get(before));
        message = match before {
            Some(before) => message.expected_last_message_id(self.name(before)),
            None => message.expected_last_subject_sequence(self.last),
        };
        let Self { connection, stop, subject, .. } = self;
        let sent = connection.wait(async {
            tokio::select! {
                biased;
                sent = connection.context.send_publish(subject.clone(), message) => sent.map_err(Some),
                () = stop.stopped() => Err(None),
            }
        });
        sent.map_err(|error| error.map_or(Trouble::Stopped, |error| Trouble::Unknown(Some(error.to_string()))))
    }

    /// The name of a message.
    fn name(&self, item: &Item) -> String {
        format!("{}{}", self.process, item.number)
    }

    /// Waits for an acknowledgement.
    fn landed(&self, flight: PublishAckFuture) -> Result<PublishAck, Trouble> {
        let made = self.connection.made();
        self.connection.wait(async {
            tokio::select! {
                biased;
                acknowledgement = flight => acknowledgement.map_err(|error| match error.kind() {
                    kind @ (PublishErrorKind::WrongLastMessageId | PublishErrorKind::WrongLastSequence) => Trouble::Refused(kind),
                    // While a server starts, its streams are not there.
                    PublishErrorKind::StreamNotFound | PublishErrorKind::BrokenPipe => Trouble::Unknown(None),
                    _ => Trouble::Unknown(Some(error.to_string())),
                }),
                () = self.connection.made_again(made) => Err(Trouble::Unknown(None)),
                () = self.stop.stopped() => Err(Trouble::Stopped),
            }
        })
    }

    /// Finds out which messages are there, so that the others can be sent again.
    fn recover(&mut self, trouble: Trouble) -> Result<(), Failure> {
        self.flights.clear();
        match trouble {
            Trouble::Stopped => return Err(self.stopped()),
            Trouble::Refused(PublishErrorKind::WrongLastMessageId) => self.is_alone = false,
            Trouble::Refused(_) => {}
            Trouble::Unknown(why) => {
                if let Some(why) = why {
                    self.warn(&why);
                }
                self.pause()?;
            }
        }
        let newest = self.newest()?;
        let end = newest.as_ref().map_or(0, |message| message.sequence);
        if end < self.last {
            console::print(&format_args!(
                "{} of {} ends with message {end}, and {} was there: what was between has been removed, or the server has lost it",
                self.subject, self.address, self.last
            ));
        }
        let Some(newest) = newest else {
            self.last = 0;
            return Ok(());
        };
        let name = newest.headers.get(NATS_MESSAGE_ID).map_or("", async_nats::HeaderValue::as_str);
        match name.strip_prefix(&self.process).and_then(|number| number.parse::<u64>().ok()) {
            Some(number) => self.queue.retain(|item| item.number > number),
            None if newest.sequence > self.last => return Err(self.not_alone()),
            None => {}
        }
        self.last = newest.sequence;
        Ok(())
    }

    /// The last message of the subject, as soon as the server says so.
    fn newest(&mut self) -> Result<Option<StreamMessage>, Failure> {
        loop {
            let Self { connection, stop, stream, subject, .. } = &*self;
            let found = connection.wait(async {
                tokio::select! {
                    biased;
                    found = stream.get_last_raw_message_by_subject(subject) => Some(found),
                    () = stop.stopped() => None,
                }
            });
            match found {
                Some(Ok(message)) => return Ok(Some(message)),
                Some(Err(error)) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => return Ok(None),
                Some(Err(error)) => {
                    if matches!(error.kind(), LastRawMessageErrorKind::JetStream(_)) {
                        self.warn(&error.to_string());
                    }
                    self.pause()?;
                }
                None => return Err(self.stopped()),
            }
        }
    }

    /// Waits before another attempt.
    fn pause(&self) -> Result<(), Failure> {
        let is_stopped = self.connection.wait(async {
            tokio::select! {
                () = sleep(DELAY) => false,
                () = self.stop.stopped() => true,
            }
        });
        if is_stopped { Err(self.stopped()) } else { Ok(()) }
    }

    /// Reports, once in a while, why publishing goes on without success.
    fn warn(&mut self, why: &str) {
        if self.warnings.is_due() {
            console::print(&format_args!("cannot publish to {}: {why}; trying again", self.address));
        }
    }

    fn stopped(&self) -> Failure {
        Failure::failed(format!(
            "{} messages were not published to {} when a signal ended the attempts; no state knows of them, so that they come again",
            self.queue.len(),
            self.address
        ))
    }

    fn not_alone(&self) -> Failure {
        Failure::usage(format!(
            "something else publishes to {} of {}, which makes it unknown what has come out: give each pipe a subject of its own",
            self.subject, self.address
        ))
    }
}
