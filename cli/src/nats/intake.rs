//! Messages in, each once and in order, from a thread of its own.

use super::address::Address;
use super::connection::Connection;
use super::session::{Broken, Delivery, Sessions};
use crate::console::{self, Seldom};
use crate::failure::Failure;
use async_nats::Subject;
use async_nats::jetstream::stream::Stream;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

/// Most messages that wait for whoever reads them.
const WAITING: usize = 512;
/// Most bytes of these; a message that has more waits alone.
const ROOM: u32 = 1 << 26;
/// The wait from which on it is worth a word that there is one.
const LONG: Duration = Duration::from_millis(400);
/// The waits before sessions that could not begin.
const DELAYS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

/// A message of a stream.
pub(crate) struct Message {
    /// Its place in the stream.
    pub(crate) sequence: u64,
    /// When the stream took it, in nanoseconds since 1970.
    pub(crate) published: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) receipt: Receipt,
}

/// The room that a message takes among those that wait.
fn room(message: &Message) -> u32 {
    u32::try_from(message.payload.len()).unwrap_or(ROOM).min(ROOM)
}

/// The place where a message is acknowledged.
pub(crate) struct Receipt(Option<Subject>);

/// The messages of a stream.
pub(crate) struct Intake {
    connection: Connection,
    stream: Stream,
    address: Address,
    /// A byte for each message that is there.
    bell: PipeReader,
    messages: Receiver<Result<Message, String>>,
    /// Room for the bytes of messages that wait.
    room: Arc<Semaphore>,
    /// Further deliveries of messages that no saved state had: which, and where to acknowledge them.
    repeated: Receiver<(u64, Subject)>,
    repeats: Vec<(u64, Subject)>,
    /// The other ends, until the thread takes them.
    ends: Option<Ends>,
    acknowledgements: UnboundedSender<Vec<Subject>>,
    /// The last message that a saved state has.
    saved: Arc<AtomicU64>,
    pending: Arc<AtomicU64>,
}

/// What the thread has of the intake.
struct Ends {
    ringer: PipeWriter,
    messages: SyncSender<Result<Message, String>>,
    room: Arc<Semaphore>,
    repeated: Sender<(u64, Subject)>,
    acknowledgements: UnboundedSender<Vec<Subject>>,
    saved: Arc<AtomicU64>,
}

impl Intake {
    /// Connects to the server, and looks the stream up.
    ///
    /// # Errors
    /// One of them is not there.
    pub(crate) fn open(address: &Address) -> Result<Self, Failure> {
        let connection = Connection::open(address)?;
        let stream = connection.stream(address)?;
        let (bell, ringer) = io::pipe().map_err(|error| Failure::failed(format!("cannot make a pipe: {error}")))?;
        let (sender, messages) = sync_channel(WAITING);
        let (again, repeated) = channel();
        let (acknowledgements, mut receipts) = unbounded_channel::<Vec<Subject>>();
        let client = connection.client.clone();
        connection.spawn(async move {
            while let Some(receipts) = receipts.recv().await {
                for receipt in receipts {
                    // What is lost comes again, and is acknowledged then.
                    let _ = client.publish(receipt, "+ACK".into()).await;
                }
            }
        });
        let saved = Arc::new(AtomicU64::new(0));
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let ends = Ends {
            ringer,
            messages: sender,
            room: Arc::clone(&room),
            repeated: again,
            acknowledgements: acknowledgements.clone(),
            saved: Arc::clone(&saved),
        };
        Ok(Self {
            connection,
            stream,
            address: address.clone(),
            bell,
            messages,
            room,
            repeated,
            repeats: Vec::new(),
            ends: Some(ends),
            acknowledgements,
            saved,
            pending: Arc::new(AtomicU64::new(u64::MAX)),
        })
    }

    /// When the stream was made, in nanoseconds since 1970: another stream of the same name was made at another time.
    pub(crate) fn created(&self) -> String {
        self.stream.cached_info().created.unix_timestamp_nanos().to_string()
    }

    /// The name of the stream.
    pub(crate) fn stream(&self) -> &str {
        &self.address.stream
    }

    /// The subjects that are read.
    pub(crate) fn filter(&self) -> &str {
        self.address.filter()
    }

    /// The first message that the stream still has, and the last that it has had.
    pub(crate) fn range(&self) -> (u64, u64) {
        let state = &self.stream.cached_info().state;
        (state.first_sequence, state.last_sequence)
    }

    /// A file that can be read when there is a message.
    pub(crate) fn bell(&self) -> io::Result<PipeReader> {
        self.bell.try_clone()
    }

    /// Begins to read behind the message that a state knows: `last`, none where there is no state yet. `ack_wait` is how long a
    /// message may wait for its acknowledgement; none where nothing outlives the process, and nothing is acknowledged.
    ///
    /// # Errors
    /// The stream is of a kind that cannot be read so.
    pub(crate) fn start(&mut self, last: Option<u64>, ack_wait: Option<Duration>) -> Result<(), Failure> {
        let Some(ends) = self.ends.take() else { return Ok(()) };
        self.saved.store(last.unwrap_or(0), Ordering::Relaxed);
        Sessions::check(&self.address, &self.stream, ack_wait.is_some())?;
        let (connection, stream, address) = (self.connection.clone(), self.stream.clone(), self.address.clone());
        let sessions = Sessions::new(
            connection.clone(),
            stream,
            address,
            ack_wait,
            last,
            Arc::clone(&self.saved),
            Arc::clone(&self.pending),
        );
        let work = move || connection.wait(read(sessions, ends));
        let thread = thread::Builder::new().name("messages".to_owned()).spawn(work);
        thread.map_err(|error| Failure::failed(format!("cannot start a thread: {error}"))).map(drop)
    }

    /// Most messages that the server gives out without an acknowledgement.
    pub(crate) fn most_pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Waits for the next message. None where no more come.
    pub(crate) fn next(&mut self) -> io::Result<Option<Message>> {
        if self.bell.read(&mut [0])? == 0 {
            return Ok(None);
        }
        match self.messages.recv() {
            Ok(Ok(message)) => {
                self.room.add_permits(room(&message) as usize);
                Ok(Some(message))
            }
            Ok(Err(why)) => Err(io::Error::other(why)),
            Err(_) => Ok(None),
        }
    }

    /// Acknowledges messages, which are in a saved state like all up to `saved`, and what has been delivered again of these.
    pub(crate) fn acknowledge(&mut self, saved: u64, receipts: impl Iterator<Item = Receipt>) {
        self.saved.store(saved, Ordering::Relaxed);
        self.repeats.extend(self.repeated.try_iter());
        let repeats = self.repeats.extract_if(.., |(sequence, _)| *sequence <= saved).map(|(_, subject)| subject);
        let subjects: Vec<Subject> = receipts.filter_map(|receipt| receipt.0).chain(repeats).collect();
        if !subjects.is_empty() {
            let _ = self.acknowledgements.send(subjects);
        }
    }

    /// Waits a short while until what has been acknowledged is on its way.
    pub(crate) fn close(&self) {
        let flushed = async {
            sleep(Duration::from_millis(20)).await;
            self.connection.client.flush().await
        };
        // What is lost comes again, and is acknowledged then.
        let _ = self.connection.wait(async { timeout(Duration::from_secs(2), flushed).await });
    }
}

/// Reads sessions until nobody takes the messages.
async fn read(mut sessions: Sessions, mut ends: Ends) {
    let mut warnings = Seldom::default();
    let [mut delay, most] = DELAYS;
    loop {
        match ends.read(&mut sessions, &mut delay).await {
            Ok(()) => return,
            Err(Broken::Over) => {}
            Err(Broken::Again(why)) => {
                // The first attempts fail whenever a server starts again.
                if delay >= LONG && warnings.is_due() {
                    console::print(&format_args!("cannot read messages: {why}; trying again"));
                }
                sleep(delay).await;
                delay = (2 * delay).min(most);
            }
            Err(Broken::Forever(why)) => {
                ends.pass(Err(why)).await;
                return;
            }
        }
    }
}

impl Ends {
    /// Reads a session until nobody takes the messages.
    async fn read(&mut self, sessions: &mut Sessions, delay: &mut Duration) -> Result<(), Broken> {
        let mut session = sessions.begin().await?;
        loop {
            let delivery = sessions.next(&mut session).await?;
            [*delay, _] = DELAYS;
            let is_taken = match delivery {
                Delivery::Next(sequence, published, message) => {
                    let receipt = Receipt(message.message.reply);
                    let payload = message.message.payload.into();
                    self.pass(Ok(Message { sequence, published, payload, receipt })).await
                }
                Delivery::Known(sequence, message) => self.repeat(sequence, message.message.reply),
            };
            if !is_taken {
                return Ok(());
            }
        }
    }

    /// Passes a message on, or the reason why none comes. Returns whether there is anybody to take it.
    async fn pass(&mut self, message: Result<Message, String>) -> bool {
        if let Ok(message) = &message {
            // Given back when the message is taken.
            if let Ok(taken) = self.room.acquire_many(room(message)).await {
                taken.forget();
            }
        }
        self.messages.send(message).is_ok() && self.ringer.write_all(&[0]).is_ok()
    }

    /// Acknowledges a message that is known, or passes that on where no saved state has it yet.
    fn repeat(&self, sequence: u64, reply: Option<Subject>) -> bool {
        let Some(reply) = reply else { return true };
        if sequence <= self.saved.load(Ordering::Relaxed) {
            self.acknowledgements.send(vec![reply]).is_ok()
        } else {
            self.repeated.send((sequence, reply)).is_ok()
        }
    }
}
