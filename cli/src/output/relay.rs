//! Batches on their way out: encoded by whichever thread has time, written in order.
//!
//! Batches travel out and come back empty, so that there are never more than a few. A thread that has nothing else to do writes the
//! first of them if it is encoded, else it encodes the first that is not. Whoever sends does so too when too many are on the way,
//! instead of waiting: on two cores neither is ever idle while there is work, whether reading takes longer or encoding.
//!
//! Threads are started by the first full batch. An input that trickles never has one, nor does a machine with a single processor:
//! there whoever sends writes.

use crate::failure::Failure;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// Most batches on the way.
const BATCHES: usize = 6;
/// Least batches on the way for which a thread is woken.
const WAKING: usize = 3;
/// Most threads beside the one that sends, whose part is about a third of the work.
const MOST_THREADS: usize = 2;
/// Least bytes of a batch that another thread is given, unless others are on the way.
const SMALL: usize = 16 << 10;
/// Most bytes of a batch of which there may be several, and of the memory that an empty one has.
pub(super) const LARGE: usize = 1 << 20;

/// The work on batches.
pub(crate) trait Work: Send + Sync + 'static {
    type Batch: Default + Send;
    type Writer: Send;
    /// The bytes of a batch once it is encoded, by an estimate.
    fn size(batch: &Self::Batch) -> usize;
    /// Copies what is to be encoded into an empty batch.
    fn copy(batch: &Self::Batch, to: &mut Self::Batch);
    /// Encodes a batch: by any thread, in any order.
    fn encode(&self, batch: &mut Self::Batch);
    /// Writes a batch that has been encoded: one after the other, in the order in which they were sent.
    fn write(&self, batch: &Self::Batch, writer: &mut Self::Writer) -> Result<(), Failure>;
    /// Empties a batch; its memory stays.
    fn clear(batch: &mut Self::Batch);
}

/// Sends batches out.
pub(crate) struct Relay<W: Work> {
    shared: Arc<Shared<W>>,
    /// The threads, once they are started; none where there is one processor.
    threads: Option<Vec<JoinHandle<()>>>,
    /// Most threads that are started.
    most: usize,
}

struct Shared<W: Work> {
    work: W,
    writer: Mutex<W::Writer>,
    queue: Mutex<Queue<W::Batch>>,
    /// Signals a task, or the end, to threads that have none.
    tasks: Condvar,
    /// Signals a batch that has been written, or a failure, to whoever sends.
    written: Condvar,
}

/// The batches on the way, in order.
struct Queue<B> {
    slots: VecDeque<Slot<B>>,
    /// The number of the first slot, counted from the first batch that was sent.
    first: u64,
    /// Whether a batch is being written, which has no slot any more.
    is_writing: bool,
    /// Empty batches.
    spare: Vec<B>,
    /// The reason why nothing is written any more, until somebody takes it.
    failure: Option<Failure>,
    has_failed: bool,
    /// Whether no more batches come.
    is_closed: bool,
}

enum Slot<B> {
    Raw(B),
    /// A thread has it.
    Taken,
    Encoded(B),
}

/// The next thing to do.
enum Task<B> {
    Write(B),
    /// The number of a batch, and the batch.
    Encode(u64, B),
}

impl<W: Work> Relay<W> {
    /// A relay with nothing on its way to `writer`.
    pub(crate) fn new(work: W, writer: W::Writer) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(work, writer, (processors - 1).min(MOST_THREADS))
    }

    fn with_threads(work: W, writer: W::Writer, most: usize) -> Self {
        let queue = Queue {
            slots: VecDeque::new(),
            first: 0,
            is_writing: false,
            spare: Vec::new(),
            failure: None,
            has_failed: false,
            is_closed: false,
        };
        let (writer, queue) = (Mutex::new(writer), Mutex::new(queue));
        let shared = Arc::new(Shared { work, writer, queue, tasks: Condvar::new(), written: Condvar::new() });
        Self { shared, threads: None, most }
    }

    /// The work on batches.
    pub(crate) fn work(&self) -> &W {
        &self.shared.work
    }

    /// Sends a batch, and empties it. One that is small is written by the time this returns, if nothing else is on the way; so is
    /// one that is large, behind all that are, because several of them would fill the memory.
    ///
    /// # Errors
    /// This batch, or one before it, could not be written.
    pub(crate) fn send(&mut self, batch: &mut W::Batch) -> Result<(), Failure> {
        let size = W::size(batch);
        let is_alone = size < SMALL && self.shared.queue.lock().on_the_way() == 0;
        if is_alone || size > LARGE || self.threads().is_empty() {
            self.flush()?;
            return self.write_here(batch);
        }
        let mut spare = self.spare()?;
        // Memory that another core has read is slow to write piece by piece, and fast as a whole.
        W::copy(batch, &mut spare);
        W::clear(batch);
        let mut queue = self.shared.queue.lock();
        queue.slots.push_back(Slot::Raw(spare));
        // To be woken for each batch costs a thread that is the faster one more than the batch.
        if queue.slots.len() >= WAKING {
            self.shared.tasks.notify_one();
        }
        Ok(())
    }

    /// Sees to it that what has been sent is written although nothing more may come, without waiting for that.
    pub(crate) fn hurry(&self) {
        self.shared.tasks.notify_one();
    }

    /// An empty batch. If there are too many on the way already, this thread helps until there is one.
    fn spare(&self) -> Result<W::Batch, Failure> {
        let mut queue = self.shared.queue.lock();
        loop {
            queue.check()?;
            if let Some(spare) = queue.spare.pop() {
                return Ok(spare);
            }
            if queue.on_the_way() < BATCHES {
                return Ok(W::Batch::default());
            }
            self.shared.help(&mut queue);
        }
    }

    /// Waits until everything has been written that was sent.
    ///
    /// # Errors
    /// Something could not be written.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let mut queue = self.shared.queue.lock();
        loop {
            queue.check()?;
            if queue.on_the_way() == 0 {
                return Ok(());
            }
            self.shared.help(&mut queue);
        }
    }

    /// Ends the threads when everything has been written, and returns the writer.
    ///
    /// # Errors
    /// Something could not be written.
    pub(crate) fn close(mut self) -> Result<W::Writer, Failure> {
        self.flush()?;
        let shared = Arc::clone(&self.shared);
        drop(self);
        Arc::into_inner(shared).map(|shared| shared.writer.into_inner()).ok_or_else(gone)
    }

    /// The threads, which are started if they have not been. Where the system has none to give, there are none.
    fn threads(&mut self) -> &[JoinHandle<()>] {
        self.threads.get_or_insert_with(|| {
            let start = |_| {
                let shared = Arc::clone(&self.shared);
                thread::Builder::new().name("writer".to_owned()).spawn(move || shared.work_on()).ok()
            };
            (0..self.most).map_while(start).collect()
        })
    }

    /// Encodes and writes a batch. Nothing is on the way.
    fn write_here(&self, batch: &mut W::Batch) -> Result<(), Failure> {
        let shared = &self.shared;
        shared.work.encode(batch);
        let written = shared.work.write(batch, &mut shared.writer.lock());
        W::clear(batch);
        shared.queue.lock().has_failed |= written.is_err();
        written
    }
}

impl<W: Work> Drop for Relay<W> {
    /// Ends the threads, which have the writer, too: a file that is not finished goes with it.
    fn drop(&mut self) {
        self.shared.queue.lock().is_closed = true;
        self.shared.tasks.notify_all();
        for thread in self.threads.take().unwrap_or_default() {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

impl<W: Work> Shared<W> {
    /// Does what there is to do, until no more comes.
    fn work_on(&self) {
        let _watch = Watch(self);
        let mut queue = self.queue.lock();
        loop {
            match queue.next_task() {
                Some(task) => self.run(&mut queue, task),
                None if queue.is_closed || queue.has_failed => return,
                None => self.tasks.wait(&mut queue),
            }
        }
    }

    /// Does the next thing, or waits until one has been done.
    fn help(&self, queue: &mut MutexGuard<'_, Queue<W::Batch>>) {
        match queue.next_task() {
            Some(task) => self.run(queue, task),
            None => self.written.wait(queue),
        }
    }

    /// Does a thing, while others have the queue.
    fn run(&self, queue: &mut MutexGuard<'_, Queue<W::Batch>>, task: Task<W::Batch>) {
        match task {
            Task::Encode(number, mut batch) => {
                MutexGuard::unlocked(queue, || self.work.encode(&mut batch));
                queue.put_encoded(number, batch);
            }
            Task::Write(mut batch) => {
                let written = MutexGuard::unlocked(queue, || {
                    let written = self.work.write(&batch, &mut self.writer.lock());
                    W::clear(&mut batch);
                    written
                });
                queue.is_writing = false;
                queue.spare.push(batch);
                if let Err(failure) = written {
                    queue.fail(failure);
                    self.tasks.notify_all();
                }
                self.written.notify_one();
            }
        }
        // What can be done now need not be done by this thread.
        self.tasks.notify_one();
    }
}

impl<B> Queue<B> {
    /// The number of batches that have not been written.
    fn on_the_way(&self) -> usize {
        self.slots.len() + usize::from(self.is_writing)
    }

    /// An error if nothing is written any more: the reason, to the first who asks.
    fn check(&mut self) -> Result<(), Failure> {
        if self.has_failed { Err(self.failure.take().unwrap_or_else(gone)) } else { Ok(()) }
    }

    /// Takes what is to be done next, if there is something that nobody does.
    fn next_task(&mut self) -> Option<Task<B>> {
        let is_ready = !self.is_writing && matches!(self.slots.front(), Some(Slot::Encoded(_)));
        if is_ready && let Some(Slot::Encoded(batch)) = self.slots.pop_front() {
            (self.is_writing, self.first) = (true, self.first + 1);
            return Some(Task::Write(batch));
        }
        let raw = self.slots.iter_mut().zip(self.first..).find(|(slot, _)| matches!(slot, Slot::Raw(_)));
        let (slot, number) = raw?;
        match std::mem::replace(slot, Slot::Taken) {
            Slot::Raw(batch) => Some(Task::Encode(number, batch)),
            Slot::Taken | Slot::Encoded(_) => None,
        }
    }

    /// Puts a batch back into its slot, unless nothing is written any more.
    fn put_encoded(&mut self, number: u64, batch: B) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) {
            *slot = Slot::Encoded(batch);
        }
    }

    /// Gives up: nothing is written any more.
    fn fail(&mut self, failure: Failure) {
        self.has_failed = true;
        self.failure = Some(failure);
        self.slots.clear();
    }
}

/// Notices a thread that ends by a panic: nobody must wait for it.
struct Watch<'a, W: Work>(&'a Shared<W>);

impl<W: Work> Drop for Watch<'_, W> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.queue.lock().fail(gone());
            self.0.written.notify_one();
        }
    }
}

/// The failure of a thread that is gone without a reason, and of whoever asks again for one.
fn gone() -> Failure {
    Failure::failed("the output could not be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::ThreadId;
    use std::time::Duration;

    /// Batches of text, to which encoding adds the thread that did it. Writing fails, and encoding panics, at some text.
    #[derive(Default)]
    struct Texts {
        fails_at: Option<String>,
        panics_at: Option<String>,
        encoded: AtomicUsize,
    }

    #[derive(Default)]
    struct Text {
        words: String,
        size: usize,
        by: Option<ThreadId>,
    }

    type Written = Vec<(String, ThreadId)>;

    impl Work for Texts {
        type Batch = Text;
        type Writer = Written;

        fn size(batch: &Text) -> usize {
            batch.size
        }

        fn copy(batch: &Text, to: &mut Text) {
            assert!(to.words.is_empty() && to.by.is_none());
            (to.words, to.size) = (batch.words.clone(), batch.size);
        }

        fn encode(&self, batch: &mut Text) {
            assert_ne!(Some(&batch.words), self.panics_at.as_ref());
            // Some take longer than those behind them.
            let count = self.encoded.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_micros([300, 0, 0, 900, 50][count % 5]));
            batch.by = Some(thread::current().id());
        }

        fn write(&self, batch: &Text, writer: &mut Written) -> Result<(), Failure> {
            if self.fails_at.as_ref() == Some(&batch.words) {
                return Err(Failure::failed("the disk is full"));
            }
            writer.push((batch.words.clone(), batch.by.expect("encoded before it is written")));
            Ok(())
        }

        fn clear(batch: &mut Text) {
            *batch = Text::default();
        }
    }

    /// Sends the numbers up to `count` as batches of a size, until that fails.
    fn send(relay: &mut Relay<Texts>, count: usize, size: usize) -> Result<(), Failure> {
        let mut batch = Text::default();
        for number in 0..count {
            (batch.words, batch.size) = (number.to_string(), size);
            relay.send(&mut batch)?;
            assert!(batch.words.is_empty(), "a batch comes back empty");
        }
        Ok(())
    }

    fn texts(written: &Written) -> Vec<&str> {
        written.iter().map(|(text, _)| text.as_str()).collect()
    }

    #[test]
    fn batches_come_out_in_order_whoever_encodes_them() {
        let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        for threads in 0..4 {
            let mut relay = Relay::with_threads(Texts::default(), Written::new(), threads);
            send(&mut relay, 200, SMALL).unwrap();
            let written = relay.close().unwrap();
            assert_eq!(texts(&written), expected, "{threads} threads");
            let own = written.iter().filter(|(_, by)| *by == thread::current().id()).count();
            // Whoever sends helps, and does not do everything if there are others.
            assert!(own > 0 && (own < 200) == (threads > 0), "{own} of 200 with {threads} threads");
        }
    }

    #[test]
    fn what_is_flushed_has_been_written() {
        for threads in 0..3 {
            let mut relay = Relay::with_threads(Texts::default(), Written::new(), threads);
            for round in 1..20 {
                send(&mut relay, 3, SMALL).unwrap();
                relay.flush().unwrap();
                assert_eq!(relay.shared.writer.lock().len(), 3 * round);
            }
        }
    }

    #[test]
    fn a_thread_that_is_hurried_writes_without_more() {
        let mut relay = Relay::with_threads(Texts::default(), Written::new(), 1);
        send(&mut relay, 1, SMALL).unwrap();
        relay.hurry();
        for _ in 0..2000 {
            if relay.shared.writer.lock().len() == 1 {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("nothing came out");
    }

    #[test]
    fn small_batches_need_no_thread_and_large_ones_wait_for_those_before() {
        let mut relay = Relay::with_threads(Texts::default(), Written::new(), 2);
        for number in 1..50 {
            send(&mut relay, 1, SMALL - 1).unwrap();
            assert_eq!(relay.shared.writer.lock().len(), number);
        }
        assert!(relay.threads.is_none());
        send(&mut relay, 5, SMALL).unwrap();
        send(&mut relay, 1, LARGE + 1).unwrap();
        assert_eq!(texts(&relay.shared.writer.lock())[49..], ["0", "1", "2", "3", "4", "0"]);
        assert!(relay.threads.is_some());
    }

    #[test]
    fn a_failure_is_returned_and_nothing_is_written_after_it() {
        for (threads, size) in [(0, SMALL), (1, SMALL), (2, SMALL), (2, 1), (2, LARGE + 1)] {
            let work = Texts { fails_at: Some("20".to_owned()), ..Texts::default() };
            let mut relay = Relay::with_threads(work, Written::new(), threads);
            let failure = send(&mut relay, 1000, size).unwrap_err();
            assert_eq!(failure.message().unwrap(), "the disk is full", "{threads} threads, {size} bytes");
            assert!(send(&mut relay, 1, size).is_err() && relay.flush().is_err());
            assert_eq!(texts(&relay.shared.writer.lock()).last(), Some(&"19"));
            assert!(relay.close().is_err());
        }
        // One that nobody has been told of is an error of the end.
        let work = Texts { fails_at: Some("2".to_owned()), ..Texts::default() };
        let mut relay = Relay::with_threads(work, Written::new(), 1);
        send(&mut relay, 3, SMALL).unwrap();
        assert_eq!(relay.close().unwrap_err().message().unwrap(), "the disk is full");
    }

    #[test]
    fn a_thread_that_panics_is_not_waited_for() {
        let work = Texts { panics_at: Some("0".to_owned()), ..Texts::default() };
        let mut relay = Relay::with_threads(work, Written::new(), 1);
        send(&mut relay, 1, SMALL).unwrap();
        relay.hurry();
        // The other thread has it before this one looks for something to do.
        while matches!(relay.shared.queue.lock().slots.front(), Some(Slot::Raw(_))) {
            thread::yield_now();
        }
        assert_eq!(relay.flush().unwrap_err().message().unwrap(), "the output could not be written");
    }
}
