//! Estimates of lines `KEY TIME SAMPLE` in some files, by one or more processes, which may be killed and go on.
//!
//!     cargo run --release --example lines -- STATES RESULTS LINES_PER_EPOCH FILE... -- -w2
//!
//! Behind the second `--` are timely's options: `-w` workers in this process; `-n` processes, of which this is number `-p`, by the
//! addresses in the file `-h`. Worker `i` of all reads every file whose number is `i` modulo their number. Lines of an epoch have the
//! same numbers in each file, so that they are the same however many workers there are. The estimates of an epoch become a
//! file in RESULTS, written by worker 0, and written again where they come again. PAUSE in the environment is a number of
//! milliseconds to wait after each epoch, as a live source would.

use evenkeel::{Decay, RobustMean, Tracker};
use evenkeel_timely::{Estimate, Snapshots, track};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Probe;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::{InputHandle, ProbeHandle, StreamVec};

/// Epochs between snapshots.
const EVERY: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let cut = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let options = arguments.split_off(cut).into_iter().skip(1);
    let [place, results, lines, files @ ..] = arguments.as_slice() else {
        return Err("lines STATES RESULTS LINES_PER_EPOCH FILE... -- TIMELY'S OPTIONS".into());
    };
    let per_epoch: usize = lines.parse()?;
    let pause = std::env::var("PAUSE").ok().and_then(|pause| pause.parse().ok()).map(Duration::from_millis);
    let (place, results, files) = (place.clone(), PathBuf::from(results), files.to_vec());
    let workers = timely::execute_from_args(options, move |worker| {
        let (index, peers) = (worker.index(), worker.peers());
        let mut work = || -> Result<(), Box<dyn Error>> {
            let all = files.iter().map(std::fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
            let all: Vec<Vec<&str>> = all.iter().map(|text| text.lines().collect()).collect();
            let longest = all.iter().map(Vec::len).max().unwrap_or(0);
            // Up to a boundary, so that nothing is left out of the last snapshot.
            let epochs = u64::try_from(longest.div_ceil(per_epoch))?.next_multiple_of(EVERY);
            let tracker = Tracker::<String>::new(RobustMean::new(Decay::half_life_time(Duration::from_secs(60))?))?;
            let snapshots = snapshots(&place)?;
            std::fs::create_dir_all(&results)?;
            let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
            let results = results.clone();
            let status = worker.dataflow(|scope| {
                let (estimates, status) = track(input.to_stream(scope), tracker, Some((snapshots, &probe)))?;
                written(estimates, results).probe_with(&probe);
                Ok::<_, evenkeel_timely::Error>(status)
            })?;
            input.advance_to(status.resumed_from());
            for epoch in status.resumed_from()..epochs {
                let lines = usize::try_from(epoch)? * per_epoch;
                for own in all.iter().skip(index).step_by(peers) {
                    for line in own.iter().skip(lines).take(per_epoch) {
                        let mut words = line.split(' ');
                        let (Some(key), Some(time), Some(sample)) = (words.next(), words.next(), words.next()) else {
                            return Err(format!("{line:?} is no KEY TIME SAMPLE").into());
                        };
                        input.send((key.to_owned(), time.parse()?, sample.parse()?));
                    }
                }
                input.advance_to(epoch + 1);
                worker.step_while(|| probe.less_than(&epoch));
                pause.into_iter().for_each(std::thread::sleep);
            }
            worker.step_while(|| status.saved().is_none_or(|saved| saved + 1 < epochs) && status.failed().is_none());
            status.failed().map_or(Ok(()), |error| Err(error.into()))
        };
        work().map_err(|error| error.to_string())
    })?;
    for worker in workers.join() {
        worker??;
    }
    Ok(())
}

/// Snapshots in a folder, or with the feature `aws` at a URL as `s3://bucket/states`.
fn snapshots(place: &str) -> Result<Snapshots, evenkeel_timely::Error> {
    #[cfg(feature = "object_store")]
    if place.contains("://") {
        return Snapshots::at_url(place, EVERY);
    }
    Snapshots::new(place, EVERY)
}

/// Writes the estimates of each epoch as a file, whole and then renamed, and returns the epochs.
fn written(estimates: StreamVec<'_, u64, (String, i64, Estimate)>, folder: PathBuf) -> StreamVec<'_, u64, u64> {
    estimates.unary_frontier(Exchange::new(|_: &(String, i64, Estimate)| 0), "written", |_, _| {
        let mut waiting = BTreeMap::new();
        move |(input, frontier), output| {
            input.for_each_stamp(|stamp, batches| {
                if let Some(capability) = stamp.retain_least(output.output_index()) {
                    let (_, all) = waiting.entry(*capability.time()).or_insert_with(|| (capability, Vec::new()));
                    all.extend(batches.flat_map(|batch| batch.drain(..)));
                }
            });
            while let Some(entry) = waiting.first_entry() {
                let epoch = *entry.key();
                if frontier.frontier().first().is_some_and(|&open| epoch >= open) {
                    break;
                }
                let (capability, mut all) = entry.remove();
                // Of several workers; those of one series and time stay in their order.
                all.sort_by(|(key, time, _), (other, than, _)| (key, time).cmp(&(other, than)));
                let mut text = String::new();
                for (key, time, Estimate { location, scale, score, outlier }) in all {
                    let _ = writeln!(text, "{key} {time} {location} {scale} {score} {outlier}");
                }
                let (draft, path) = (folder.join(format!("{epoch}.part")), folder.join(format!("{epoch}.txt")));
                match std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &path)) {
                    Ok(()) => output.session(&capability).give(epoch),
                    Err(error) => eprintln!("{}: {error}", path.display()),
                }
            }
        }
    })
}
