//! One incarnation of the consumer: what it asks of the server.
//!
//! A consumer promises every message at least once, but no order: what a process was given and did not acknowledge comes to the next
//! one when the wait for the acknowledgement is over, and behind messages that are newer. So each session begins with a new
//! incarnation of the consumer, under the same name and with the same settings, which starts behind the last message that is known.
//! As long as an incarnation delivers nothing a second time, its n-th delivery is the n-th message from there on; a session ends at
//! the first delivery that is not the next one. Where the acknowledgements go does not matter: the state knows better than the
//! consumer, of which the last changes are lost when a server is killed.

use super::address::Address;
use super::connection::{Connection, process_name};
use crate::failure::Failure;
use async_nats::jetstream::consumer::pull::{Config, Stream as Messages};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, FromConsumer, PullConsumer};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{
    ConsumerCreateStrictErrorKind as Kind, ConsumerErrorKind, RetentionPolicy, Stream,
};
use async_nats::jetstream::{ErrorCode, Message};
use futures_util::StreamExt;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// Most messages that are asked for at once.
const BATCH: usize = 500;
/// Most bytes of these: more than the largest message that a server can be set to take.
const BATCH_BYTES: usize = 1 << 27;
/// Longest silence of a server that is there.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Most messages between two saved states where nobody has set the consumer up.
const MOST_PENDING: i64 = 100_000;
/// How long a consumer that nobody has named stays without a connection.
const IDLE: Duration = Duration::from_secs(60);
/// How long a consumer may be away while another process takes it over.
const TAKE_OVER: Duration = Duration::from_millis(250);
/// Where a consumer notes which process it is of, so that no other can have made it.
const PROCESS: &str = "evenkeel-process";
/// Where a consumer notes that a state of this program goes with it: the last message that it knew when the consumer began.
const NOTE: &str = "evenkeel-knows";

/// Why a session could not begin or go on.
pub(super) enum Broken {
    /// The connection is another one, or a delivery is missing: the next session begins at once.
    Over,
    /// A new one may do better.
    Again(String),
    /// None will.
    Forever(String),
}

/// What has been delivered.
pub(super) enum Delivery {
    /// The next message: its sequence, and when the stream took it, in nanoseconds since 1970.
    Next(u64, i64, Message),
    /// A message that is known, by its sequence, and still to be acknowledged.
    Known(u64, Message),
}

/// The consumer of a stream, through all its incarnations.
pub(super) struct Sessions {
    connection: Connection,
    stream: Stream,
    address: Address,
    /// How long the server waits for an acknowledgement; nothing where none is given and the consumer has no name.
    ack_wait: Option<Duration>,
    /// The last message that is known.
    last: u64,
    /// Whether there was a state that knew one.
    is_known: bool,
    /// The last message that a saved state has.
    saved: Arc<AtomicU64>,
    /// When the present incarnation was made, in the server's words.
    created: Option<String>,
    /// The settings of the consumer, for the moment in which it is deleted and not yet there again.
    settings: Option<Config>,
    /// The name of this process.
    process: String,
    /// Most messages that the server gives out without an acknowledgement.
    pending: Arc<AtomicU64>,
}

/// A session: the messages of one incarnation.
pub(super) struct Session {
    messages: Messages,
    /// Messages that have been delivered.
    delivered: u64,
    /// How often the connection had been made.
    made: u64,
}

impl Sessions {
    /// The sessions behind the message that a state knows; `last` is none where there is no state.
    pub(super) fn new(
        connection: Connection,
        stream: Stream,
        address: Address,
        ack_wait: Option<Duration>,
        last: Option<u64>,
        saved: Arc<AtomicU64>,
        pending: Arc<AtomicU64>,
    ) -> Self {
        let (last, is_known) = (last.unwrap_or(0), last.is_some());
        Self {
            connection,
            stream,
            address,
            ack_wait,
            last,
            is_known,
            created: None,
            settings: None,
            process: process_name(),
            saved,
            pending,
        }
    }

    /// An error if the messages of the stream go away when the consumer does, as it has to at every start.
    pub(super) fn check(address: &Address, stream: &Stream, is_durable: bool) -> Result<(), Failure> {
        match stream.cached_info().config.retention {
            RetentionPolicy::Interest => Err(Failure::usage(format!(
                "{address} retains what somebody is interested in, and the consumer is made anew at each start, when nobody is: read \
                 a stream with the retention `limits` or `workqueue`, such as one that has this one as its source"
            ))),
            RetentionPolicy::WorkQueue if !is_durable => Err(Failure::usage(format!(
                "{address} is a work queue, whose messages go when they are acknowledged, and none is without --state FILE"
            ))),
            _ => Ok(()),
        }
    }

    /// Begins a session.
    pub(super) async fn begin(&mut self) -> Result<Session, Broken> {
        let made = self.connection.made();
        self.look().await?;
        let consumer = self.renew().await?;
        let limits = &consumer.cached_info().config;
        let least = |most: usize, limit: i64| {
            usize::try_from(limit).ok().filter(|limit| *limit > 0).map_or(most, |limit| limit.min(most))
        };
        let (batch, bytes) = (least(BATCH, limits.max_batch), least(BATCH_BYTES, limits.max_bytes));
        // The time of a request is as long as the consumer lets it be.
        let stream = consumer.stream().max_messages_per_batch(batch).max_bytes_per_batch(bytes).heartbeat(HEARTBEAT);
        let messages = stream.messages().await.map_err(again)?;
        Ok(Session { messages, delivered: 0, made })
    }

    /// The next delivery, or the reason why a new session is to begin.
    pub(super) async fn next(&mut self, session: &mut Session) -> Result<Delivery, Broken> {
        let message = tokio::select! {
            biased;
            message = session.messages.next() => message.ok_or(Broken::Over)?.map_err(again)?,
            () = self.connection.made_again(session.made) => return Err(Broken::Over),
        };
        let info = message.info().map_err(again)?;
        let (number, sequence) = (info.consumer_sequence, info.stream_sequence);
        if number != session.delivered + 1 || info.delivered > 1 {
            return Err(Broken::Over);
        }
        session.delivered = number;
        if sequence <= self.last {
            return Ok(Delivery::Known(sequence, message));
        }
        let published = i64::try_from(info.published.unix_timestamp_nanos()).unwrap_or(i64::MAX);
        self.last = sequence;
        Ok(Delivery::Next(sequence, published, message))
    }

    /// An error if the stream is not the one that was read, or has lost messages that are known: others have their numbers now.
    async fn look(&self) -> Result<(), Broken> {
        let name = &self.address.stream;
        let stream = self.connection.context.get_stream(name).await.map_err(|error| match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => self.gone(),
            _ => again(error),
        })?;
        let (now, before) = (stream.cached_info(), self.stream.cached_info());
        if now.created != before.created {
            return Err(Broken::Forever(format!(
                "the stream {name} has been deleted and made anew: begin with it as with any other, with another --state FILE or \
                 --state-mismatch restart"
            )));
        }
        let end = now.state.last_sequence;
        if end < self.last {
            return Err(Broken::Forever(format!(
                "the stream {name} ends with message {end}, and {} was there: the server has lost what was between, which is \
                 counted already, and gives its numbers to what comes now: begin with another --state FILE and another consumer",
                self.last
            )));
        }
        Ok(())
    }

    /// Makes the consumer anew.
    async fn renew(&mut self) -> Result<PullConsumer, Broken> {
        if self.ack_wait.is_none() {
            let config = Config { ack_policy: AckPolicy::None, inactive_threshold: IDLE, ..Config::default() };
            return self.create(config).await;
        }
        let name = self.address.consumer().to_owned();
        let mut found = self.stream.consumer_info(&name).await;
        let is_gone = found.as_ref().is_err_and(|error| matches!(error.kind(), ConsumerInfoErrorKind::NotFound));
        if is_gone && self.created.is_some() {
            // Another process may be about to make it anew.
            sleep(TAKE_OVER).await;
            found = self.stream.consumer_info(&name).await;
        }
        let config = match found {
            Ok(found) => {
                let created = found.created.to_string();
                if self.created.as_ref().is_some_and(|ours| *ours != created) {
                    return Err(Broken::Forever(format!(
                        "another process has taken over the consumer {name}: give each its own, with ?consumer=NAME in the URL"
                    )));
                }
                let noted = found.config.metadata.get(NOTE).is_some_and(|known| known != "0");
                if self.created.is_none() && !self.is_known && (noted || found.ack_floor.consumer_sequence > 0) {
                    return Err(Broken::Forever(format!(
                        "the consumer {name} has acknowledged messages up to {}, and there is no state that knows them: put the state \
                         back, or name another consumer, with ?consumer=NAME in the URL, to begin with the first message",
                        found.ack_floor.stream_sequence
                    )));
                }
                let config = Config::try_from_consumer_config(found.config).map_err(|_| {
                    Broken::Forever(format!(
                        "{name} is a consumer that pushes: name another, with ?consumer=NAME in the URL"
                    ))
                })?;
                self.settings = Some(config.clone());
                // It may have gone by itself meanwhile.
                let deleted = self.stream.delete_consumer(&name).await;
                if let Err(error) = deleted
                    && !matches!(error.kind(), ConsumerErrorKind::JetStream(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
                {
                    return Err(again(error));
                }
                config
            }
            Err(error) if matches!(error.kind(), ConsumerInfoErrorKind::NotFound) => {
                self.settings.clone().unwrap_or_else(|| Config {
                    durable_name: Some(name),
                    ack_wait: self.ack_wait.unwrap_or_default(),
                    max_ack_pending: MOST_PENDING,
                    description: Some("evenkeel pipe".to_owned()),
                    ..Config::default()
                })
            }
            Err(error) if matches!(error.kind(), ConsumerInfoErrorKind::StreamNotFound) => return Err(self.gone()),
            Err(error) => return Err(again(error)),
        };
        let consumer = self.create(config).await?;
        self.created = Some(consumer.cached_info().created.to_string());
        Ok(consumer)
    }

    /// Creates the consumer, to begin behind the last message that is known.
    async fn create(&self, mut config: Config) -> Result<PullConsumer, Broken> {
        if let Some(subject) = &self.address.subject {
            (config.filter_subject, config.filter_subjects) = (subject.clone(), Vec::new());
        }
        let is_queue = self.stream.cached_info().config.retention == RetentionPolicy::WorkQueue;
        if self.last > 0 && !is_queue {
            config.deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: self.last + 1 };
        }
        if self.ack_wait.is_some() {
            config.metadata.insert(NOTE.to_owned(), self.saved.load(Ordering::Relaxed).to_string());
            config.metadata.insert(PROCESS.to_owned(), self.process.clone());
        }
        if let Ok(most) = u64::try_from(config.max_ack_pending) {
            self.pending.store(most, Ordering::Relaxed);
        }
        self.stream.create_consumer_strict(config).await.map_err(|error| match error.kind() {
            Kind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => self.gone(),
            // What the server refuses at the first attempt, it refuses at all.
            Kind::JetStream(error) if self.created.is_none() && error.code() < 500 => {
                Broken::Forever(format!("the server refuses the consumer: {error}"))
            }
            _ => again(error),
        })
    }

    fn gone(&self) -> Broken {
        Broken::Forever(format!("the stream {} is gone", self.address.stream))
    }
}

fn again(error: impl Display) -> Broken {
    Broken::Again(error.to_string())
}
