//! Any number of workers, restarted with any other, gives the bits and the counters of one tracker.

use evenkeel::{Counters, Decay, RobustMean, Tracker};
use evenkeel_timely::{Estimate, Sample, Snapshots, track};
use std::collections::BTreeMap;
use std::time::Duration;
use timely::Config;
use timely::dataflow::operators::capture::Extract;
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{Capture, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};

const EPOCHS: u64 = 60;
const EVERY: u64 = 5;

fn tracker() -> Tracker<String, RobustMean> {
    let decay = Decay::half_life_time(Duration::from_secs(20)).unwrap();
    Tracker::new(RobustMean::new(decay)).unwrap()
}

/// The samples that come in an epoch: unordered, with equal times, late and missing ones.
fn samples(epoch: u64) -> Vec<Sample<String>> {
    let mut random = fastrand::Rng::with_seed(epoch);
    (0..random.usize(0..40))
        .map(|_| {
            let key = format!("host{}", random.u8(0..23));
            let second = i64::try_from(10 * epoch).unwrap() + random.i64(-12..10);
            let sample = if random.u8(0..20) == 0 { f64::NAN } else { 10.0 + random.f64() };
            (key, second * 1_000_000_000, if random.u8(0..20) == 0 { 1e6 } else { sample })
        })
        .collect()
}

type Bits = (String, i64, [u64; 3], bool);

fn bits((key, time, estimate): (String, i64, Estimate)) -> Bits {
    let Estimate { location, scale, score, outlier } = estimate;
    (key, time, [location, scale, score].map(f64::to_bits), outlier)
}

/// What one tracker makes of it all, by epoch, and its counters.
fn expected(epochs: u64) -> (BTreeMap<u64, Vec<Bits>>, Counters) {
    let mut tracker = tracker();
    let mut all = BTreeMap::new();
    for epoch in 0..epochs {
        let mut samples = samples(epoch);
        samples.sort_by(|a, b| a.1.cmp(&b.1).then(a.2.total_cmp(&b.2)));
        let estimates: Vec<Bits> = samples
            .into_iter()
            .filter_map(|(key, time, sample)| {
                let update = tracker.update_at(key.as_str(), time, sample).ok()?;
                let evenkeel::Update { location, scale, score, outlier, .. } = update;
                Some(bits((key, time, Estimate { location, scale, score, outlier })))
            })
            .collect();
        all.insert(epoch, estimates);
    }
    (all, tracker.counters())
}

/// Runs `workers` workers up to an epoch, and returns where they went on, their estimates by epoch and the counters of each.
fn run(snapshots: &Snapshots, workers: usize, until: u64) -> (u64, BTreeMap<u64, Vec<Bits>>, Vec<Counters>) {
    let snapshots = snapshots.clone();
    let guards = timely::execute(Config::process(workers), move |worker| {
        let snapshots = snapshots.clone();
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        let (status, estimates) = worker.dataflow(|scope| {
            let (estimates, status) = track(input.to_stream(scope), tracker(), Some((snapshots, &probe))).unwrap();
            (status, estimates.map(bits).probe_with(&probe).capture())
        });
        let (index, peers) = (worker.index(), worker.peers());
        input.advance_to(status.resumed_from());
        for epoch in status.resumed_from()..until {
            // Each worker has some of the samples, whoever's series they are.
            for sample in samples(epoch).into_iter().skip(index).step_by(peers) {
                input.send(sample);
            }
            input.advance_to(epoch + 1);
            worker.step();
        }
        worker.step_while(|| probe.less_than(&until) || status.saved() < Some(until / EVERY * EVERY - 1));
        assert_eq!((status.failed(), status.skipped()), (None, 0));
        assert_eq!(status.saved(), Some(until / EVERY * EVERY - 1));
        let counters = status.counters();
        drop(input);
        (status.resumed_from(), estimates, counters)
    });
    let (mut all, mut from, mut counters) = (BTreeMap::<u64, Vec<Bits>>::new(), 0, Vec::new());
    for result in guards.unwrap().join() {
        let (resumed_from, estimates, counted) = result.unwrap();
        from = resumed_from;
        counters.push(counted);
        for (epoch, estimates) in estimates.extract() {
            all.entry(epoch).or_default().extend(estimates);
        }
    }
    (from, all, counters)
}

/// Estimates in one order: captured, they have lost their own. Each shows by its bits what came before it.
fn sorted(mut estimates: Vec<Bits>) -> Vec<Bits> {
    estimates.sort();
    estimates
}

#[test]
fn bits_and_counters_are_those_of_one_tracker() {
    let folder = tempfile::tempdir().unwrap();
    bits_and_counters(|run| Snapshots::new(folder.path().join(run.to_string()), EVERY).unwrap());
}

#[cfg(feature = "object_store")]
#[test]
fn bits_and_counters_are_those_of_one_tracker_by_an_object_store() {
    let store = std::sync::Arc::new(object_store::memory::InMemory::new());
    bits_and_counters(|run| Snapshots::in_store(store.clone(), format!("run{run}"), EVERY).unwrap());
}

/// Runs that are cut in three, of other numbers of workers, each with its own snapshots.
fn bits_and_counters(snapshots: impl Fn(usize) -> Snapshots) {
    let (expected, counters) = expected(EPOCHS);
    assert!(counters.late > 20 && counters.missing > 20 && counters.outliers > 20, "{counters:?}");
    let all = [[1, 1, 1], [2, 2, 2], [3, 3, 3], [1, 3, 2], [3, 1, 2], [2, 3, 1]];
    for (number, numbers) in all.into_iter().enumerate() {
        let snapshots = snapshots(number);
        let mut seen = BTreeMap::new();
        let mut last = Vec::new();
        // Each goes on behind the last boundary: three epochs again after 23, one after 41.
        for (workers, (begin, until)) in numbers.into_iter().zip([(0, 23), (20, 41), (40, EPOCHS)]) {
            let (from, estimates, counted) = run(&snapshots, workers, until);
            assert_eq!(from, begin);
            seen.extend(estimates);
            last = counted;
        }
        for (epoch, expected) in &expected {
            let seen = seen.remove(epoch).unwrap_or_default();
            assert_eq!(sorted(seen), sorted(expected.clone()), "epoch {epoch} of {numbers:?}");
        }
        let sum = |of: fn(&Counters) -> u64| last.iter().map(of).sum::<u64>();
        assert_eq!(sum(|of| of.samples), counters.samples, "{numbers:?}");
        assert_eq!(sum(|of| of.missing), counters.missing, "{numbers:?}");
        assert_eq!(sum(|of| of.late), counters.late, "{numbers:?}");
        assert_eq!(sum(|of| of.outliers), counters.outliers, "{numbers:?}");
        assert_eq!(sum(|of| of.created), counters.created, "{numbers:?}");
    }
}

#[test]
fn what_a_snapshot_has_is_skipped() {
    let folder = tempfile::tempdir().unwrap();
    run(&Snapshots::new(folder.path(), EVERY).unwrap(), 1, 5);
    let folder = folder.path().to_owned();
    timely::execute_directly(move |worker| {
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        let snapshots = Snapshots::new(folder, EVERY).unwrap();
        let status = worker.dataflow(|scope| {
            let (estimates, status) = track(input.to_stream(scope), tracker(), Some((snapshots, &probe))).unwrap();
            estimates.probe_with(&probe);
            status
        });
        // From the beginning, although the snapshot has all of it but the last epoch.
        for epoch in 0..6 {
            input.send_batch(&mut samples(epoch));
            input.advance_to(epoch + 1);
        }
        worker.step_while(|| probe.less_than(&6));
        assert_eq!(status.skipped(), (0..5).map(|epoch| samples(epoch).len() as u64).sum::<u64>());
        let (_, counters) = expected(6);
        assert_eq!(status.counters(), counters);
    });
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    run(&Snapshots::new(folder.path(), EVERY).unwrap(), 1, 5);
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let folder = folder.path().to_owned();
    timely::execute_directly(move |worker| {
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        worker.dataflow(|scope| {
            let snapshots = Snapshots::new(folder, EVERY).unwrap();
            let error = track(input.to_stream(scope), tracker(), Some((snapshots, &probe)));
            let error = error.err().unwrap().to_string();
            assert!(error.contains(&name) && error.contains("go on from the one before"), "{error}");
        });
    });
}

#[test]
fn an_input_that_jumps_saves_a_few_times() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    timely::execute_directly(move |worker| {
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        let snapshots = Snapshots::new(path, EVERY).unwrap();
        let status = worker.dataflow(|scope| {
            let (estimates, status) = track(input.to_stream(scope), tracker(), Some((snapshots, &probe))).unwrap();
            estimates.probe_with(&probe);
            status
        });
        input.advance_to(1_700_000_000);
        input.send(("cpu".to_owned(), 0, 1.0));
        input.advance_to(1_700_000_001);
        worker.step_while(|| status.saved() < Some(1_699_999_999));
        assert_eq!(status.saved(), Some(1_699_999_999));
        assert_eq!(status.counters().samples, 1);
    });
}
