//! [`track`]: the operator, and what can be asked of it.

use crate::{Error, Snapshots};
use evenkeel::{Counters, Scored, SnapshotKey, Timed, Tracker};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use timely::ExchangeData;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::{ProbeHandle, StreamVec};

/// A key, a time in nanoseconds since 1970 or any other moment, and a sample, of which NaN is a missing one.
pub type Sample<K> = (K, i64, f64);

/// A stream of keys, times and what a series is estimated at after the sample.
pub type Estimates<'scope, K> = StreamVec<'scope, u64, (K, i64, Estimate)>;

/// The estimates of a series after a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The robust location.
    pub location: f64,
    /// The robust scale.
    pub scale: f64,
    /// The sample's residual over the scale before it; NaN if it was missing, or one of the first, which are not judged.
    pub score: f64,
    /// Whether the sample was an outlier.
    pub outlier: bool,
}

/// What has become of a worker's part of [`track`].
#[derive(Clone, Debug)]
pub struct Status {
    resumed_from: u64,
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    counters: Counters,
    skipped: u64,
    saved: Option<u64>,
    failed: Option<String>,
    /// Whether samples have not been taken, which no snapshot must pass for known.
    has_lost: bool,
}

impl Status {
    /// The first epoch that is not in what this worker began with: 0, or the one behind the last that all workers had
    /// saved. Advance the input to it, replay the source from there, and let what was made of later epochs be replaced.
    #[must_use]
    pub fn resumed_from(&self) -> u64 {
        self.resumed_from
    }

    /// The counters of this worker's tracker; those of all workers add up to those of one tracker that sees everything once.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.borrow().counters
    }

    /// The number of samples that came with an epoch before [`resumed_from`](Self::resumed_from) and were left out, as the
    /// snapshot has them: of a source that was replayed from its beginning, or of an input that was not advanced.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.shared.borrow().skipped
    }

    /// The last epoch that this worker has saved.
    #[must_use]
    pub fn saved(&self) -> Option<u64> {
        self.shared.borrow().saved
    }

    /// The reason for which the last snapshot was not saved. The dataflow goes on, and the next snapshot is tried again;
    /// a crash until then loses nothing, but goes back further. Or that there was no memory for a new series: what came
    /// after its sample in the epoch has not been taken, and no snapshot is taken any more, so that whoever starts again
    /// takes it.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.shared.borrow().failed.clone()
    }
}

/// Judges and averages every sample of a stream by its key, and returns the stream of estimates and what can be asked of
/// them. A sample goes to the worker whose number is the stable hash of its key modulo their number
/// ([`evenkeel::key_part`]), in whose `tracker` its series is: one without series, of the same rule and limits everywhere.
///
/// Timestamps are **epochs**, whole numbers that the inputs count up. Timely promises no order within one, so an epoch
/// waits until no input can add to it. Then its samples are taken in the order of their times, of one time the smaller
/// sample first, and come out in this order. A sample that the tracker refuses, because it is older than the last of its
/// series or the series would be one too many, gives no estimate and is counted.
///
/// **With snapshots**, the worker goes on from the last epoch that all workers have saved, whatever their number was. It takes
/// a snapshot at the end of every so many epochs, and saves it when the probe has passed the epoch: put the probe behind
/// whatever writes the estimates, so that none is lost of an epoch that will not come again. Where the source gives each epoch
/// the same samples again, estimates have the bits of one [`Tracker`] that took the samples of one epoch after the other in
/// the same order, through any number of crashes, and samples are counted once. Estimates since the last snapshot come out
/// again: write them by epoch, and replace what is there. Both holds where the tracker has neither
/// [`max_idle`](Tracker::max_idle) nor [`max_series`](Tracker::max_series), which count by the clock and the series of one
/// worker.
///
/// Of boundaries that an input jumps over at once, only the last eight are saved at. What comes after the last boundary is in
/// no snapshot. At the end, advance the inputs to a boundary and step until [`Status::saved`] has it, or [`Status::failed`] the
/// reason why it will not, before they are closed.
///
/// # Errors
/// The snapshots cannot be read, or one is damaged, or of another rule.
pub fn track<'scope, K, R>(
    samples: StreamVec<'scope, u64, Sample<K>>,
    mut tracker: Tracker<K, R>,
    snapshots: Option<(Snapshots, &ProbeHandle<u64>)>,
) -> Result<(Estimates<'scope, K>, Status), Error>
where
    K: SnapshotKey + ExchangeData + Clone,
    R: Scored + Timed + 'static,
{
    let scope = samples.scope();
    let (worker, workers) = (scope.index(), scope.peers());
    let resumed_from = match &snapshots {
        Some((snapshots, _)) => resume(&mut tracker, snapshots, worker, workers)?,
        None => 0,
    };
    let shared = Rc::new(RefCell::new(Shared { counters: tracker.counters(), ..Shared::default() }));
    let status = Status { resumed_from, shared: Rc::clone(&shared) };
    let mut saver = snapshots.map(|(snapshots, done)| Saver {
        next: snapshots.boundary(resumed_from),
        snapshots,
        done: done.clone(),
        taken: VecDeque::new(),
        worker,
        workers,
    });
    let by_key = Exchange::new(|(key, ..): &Sample<K>| key.stable_hash());
    let estimates = samples.unary_frontier(by_key, "evenkeel", |_, info| {
        let activator = scope.activator_for(info.address);
        let mut waiting = BTreeMap::<u64, (Capability<u64>, Vec<Sample<K>>)>::new();
        let mut estimates = Vec::new();
        move |(input, frontier), output| {
            input.for_each_stamp(|stamp, batches| {
                if let Some(capability) = stamp.retain_least(output.output_index()) {
                    let (_, samples) = waiting.entry(*capability.time()).or_insert_with(|| (capability, Vec::new()));
                    samples.extend(batches.flat_map(|batch| batch.drain(..)));
                }
            });
            // Epochs before this one are complete. With every input closed, all are.
            let open = frontier.frontier().first().copied();
            while let Some(entry) = waiting.first_entry() {
                let epoch = *entry.key();
                if open.is_some_and(|open| epoch >= open) {
                    break;
                }
                if let Some(saver) = &mut saver {
                    saver.take(epoch, &tracker, &shared);
                }
                let (capability, mut samples) = entry.remove();
                if epoch < resumed_from {
                    shared.borrow_mut().skipped += samples.len() as u64;
                    continue;
                }
                samples.sort_unstable_by(|(_, time, sample), (_, other, than)| {
                    time.cmp(other).then_with(|| sample.total_cmp(than))
                });
                estimates.clear();
                let batch = samples.iter().map(|(key, time, sample)| (key, *time, *sample));
                let taken = tracker.update_batch_at_with(batch, |_, _, update| estimates.push(update.ok()));
                if let Err(error) = taken {
                    let mut shared = shared.borrow_mut();
                    (shared.failed, shared.has_lost) = (Some(error.to_string()), true);
                }
                let mut session = output.session(&capability);
                for ((key, time, _), update) in samples.into_iter().zip(&estimates) {
                    if let &Some(evenkeel::Update { location, scale, score, outlier, .. }) = update {
                        session.give((key, time, Estimate { location, scale, score, outlier }));
                    }
                }
                shared.borrow_mut().counters = tracker.counters();
            }
            if let Some(saver) = &mut saver {
                saver.take(open.unwrap_or(0), &tracker, &shared);
                saver.save(&shared);
                if !saver.taken.is_empty() {
                    // Nothing else need wake this operator when what comes after it is done.
                    activator.activate_after(LOOK_AGAIN);
                }
            }
        }
    });
    Ok((estimates, status))
}

/// Reads what this worker goes on with, and returns the epoch from which it does.
fn resume<K: SnapshotKey, R: Scored>(
    tracker: &mut Tracker<K, R>,
    snapshots: &Snapshots,
    worker: usize,
    workers: usize,
) -> Result<u64, Error> {
    let Some(complete) = snapshots.complete()? else { return Ok(0) };
    let bytes = snapshots.read(&complete, worker, workers)?;
    let unfit = |error| Error::Snapshot { path: snapshots.path(complete.epoch, worker, workers), error };
    tracker.read_snapshot(&bytes).map_err(unfit)?;
    Ok(complete.epoch + 1)
}

/// Most boundaries at which one step saves, the last ones: an input may jump from 0 to the second that it is now.
const MOST_AT_ONCE: u64 = 8;

/// How soon to look again whether what comes after the operator is done.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The snapshots of one worker.
struct Saver {
    snapshots: Snapshots,
    /// The next epoch at whose end there is a snapshot.
    next: u64,
    /// What has passed an epoch when its estimates need not come again.
    done: ProbeHandle<u64>,
    /// Snapshots with their epochs, of which the estimates may not be done yet.
    taken: VecDeque<(u64, Vec<u8>)>,
    worker: usize,
    workers: usize,
}

impl Saver {
    /// Takes snapshots at the boundaries before `epoch`, of which nothing has been taken yet.
    fn take<K: SnapshotKey, R: Scored>(&mut self, epoch: u64, tracker: &Tracker<K, R>, shared: &RefCell<Shared>) {
        if shared.borrow().has_lost {
            return;
        }
        self.next = self.next.max(self.snapshots.boundary_before(epoch, MOST_AT_ONCE));
        while self.next < epoch {
            let mut bytes = Vec::new();
            match tracker.write_snapshot(&mut bytes, format!("epoch {}", self.next).as_bytes()) {
                Ok(()) => self.taken.push_back((self.next, bytes)),
                Err(error) => shared.borrow_mut().failed = Some(error.to_string()),
            }
            self.next = self.snapshots.boundary(self.next.saturating_add(1));
        }
    }

    /// Saves the snapshots whose estimates are done.
    fn save(&mut self, shared: &RefCell<Shared>) {
        while self.taken.front().is_some_and(|(epoch, _)| !self.done.less_equal(epoch)) {
            let Some((epoch, bytes)) = self.taken.pop_front() else { return };
            let mut shared = shared.borrow_mut();
            match self.snapshots.write(epoch, self.worker, self.workers, &bytes) {
                Ok(()) if shared.has_lost => shared.saved = Some(epoch),
                Ok(()) => (shared.saved, shared.failed) = (Some(epoch), None),
                Err(error) => shared.failed = Some(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel::{Decay, RobustMean};

    #[test]
    fn what_has_lost_samples_is_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life(9.0).unwrap())).unwrap();
        let (snapshots, done) = (Snapshots::new(folder.path(), 5).unwrap(), ProbeHandle::new());
        let mut saver = Saver { snapshots, done, next: 4, taken: VecDeque::new(), worker: 0, workers: 1 };
        let shared = RefCell::new(Shared::default());
        saver.take(7, &tracker, &shared);
        assert_eq!(saver.taken.len(), 1);
        // The one that was taken before is saved, and does not hide that the next one is not.
        *shared.borrow_mut() = Shared { failed: Some("no memory".to_owned()), has_lost: true, ..Shared::default() };
        saver.take(12, &tracker, &shared);
        saver.save(&shared);
        let shared = shared.borrow();
        assert_eq!((shared.saved, shared.failed.as_deref()), (Some(4), Some("no memory")));
        assert_eq!(saver.snapshots.latest().unwrap(), Some(4));
    }
}
