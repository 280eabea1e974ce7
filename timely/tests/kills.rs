//! The example `lines`, run by several processes that are killed again and again and go on with other numbers of workers,
//! writes what one run without a crash does, and counts every sample once.

use evenkeel::{Decay, RobustMean, SnapshotInfo, Tracker, merge_snapshots};
use evenkeel_timely::Snapshots;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: usize = 20;
const LINES: usize = 6000;
const PER_EPOCH: usize = 30;

/// The example, which Cargo builds beside the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/lines")
}

/// Where a run has its snapshots: in a folder, or in the object store whose URL `EVENKEEL_TEST_STORE` is.
fn states(folder: &Path, name: &str) -> String {
    let folder = std::env::var("EVENKEEL_TEST_STORE").unwrap_or(folder.display().to_string());
    format!("{folder}/{name}-states")
}

fn snapshots(states: &str) -> Snapshots {
    #[cfg(feature = "object_store")]
    if states.contains("://") {
        return Snapshots::at_url(states, 10).unwrap();
    }
    Snapshots::new(states, 10).unwrap()
}

fn start(states: &str, results: &Path, files: &[PathBuf], pause: &str, options: &[String]) -> Child {
    let mut command = Command::new(program());
    command.arg(states).arg(results);
    command.arg(PER_EPOCH.to_string()).args(files).arg("--").args(options);
    command.env("PAUSE", pause).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// One process with `workers`, or two that share them, over loopback.
fn fleet(states: &str, folder: &Path, files: &[PathBuf], workers: usize, processes: usize) -> Vec<Child> {
    let mut hosts = String::new();
    // Held until all are chosen, so that they differ.
    let ports: Vec<_> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for port in &ports {
        writeln!(hosts, "{}", port.local_addr().unwrap()).unwrap();
    }
    drop(ports);
    let list = folder.join("hosts");
    std::fs::write(&list, hosts).unwrap();
    let option = |process: usize| {
        let mut options = vec![format!("-w{workers}"), format!("-n{processes}"), format!("-p{process}")];
        options.extend(["-h".to_owned(), list.to_str().unwrap().to_owned()]);
        options
    };
    (0..processes).map(|process| start(states, &folder.join("killed-results"), files, "4", &option(process))).collect()
}

fn results(folder: &Path) -> BTreeMap<u64, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of_epoch = |path: PathBuf| {
        let epoch = path.file_name()?.to_str()?.strip_suffix(".txt")?.parse().ok()?;
        Some((epoch, std::fs::read_to_string(path).unwrap()))
    };
    files.filter_map(of_epoch).collect()
}

/// The names and bytes of all snapshots.
fn parts(states: &str) -> Vec<(String, Vec<u8>)> {
    #[cfg(feature = "object_store")]
    if states.contains("://") {
        use object_store::ObjectStoreExt;
        let options = std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("AZURE_"));
        let (store, prefix) = object_store::parse_url_opts(&url::Url::parse(states).unwrap(), options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(async {
            let mut parts = Vec::new();
            for object in store.list_with_delimiter(Some(&prefix)).await.unwrap().objects {
                let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
                parts.push((object.location.filename().unwrap().to_owned(), bytes.into()));
            }
            parts
        });
    }
    let files = std::fs::read_dir(states).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())).collect()
}

/// The tracker that all workers' last complete snapshots make together.
fn state(states: &str) -> Tracker<String, RobustMean> {
    let mut all = parts(states);
    all.sort();
    let last = all.last().unwrap().0.split('.').next().unwrap().to_owned();
    let parts: Vec<Vec<u8>> =
        all.into_iter().filter(|(name, _)| name.starts_with(&last)).map(|(_, part)| part).collect();
    assert!(parts.iter().all(|part| SnapshotInfo::of(part).unwrap().note == b"epoch 199"));
    let decay = Decay::half_life_time(Duration::from_secs(60)).unwrap();
    let mut tracker = Tracker::new(RobustMean::new(decay)).unwrap();
    tracker.read_snapshot(&merge_snapshots(&parts, b"").unwrap()).unwrap();
    tracker
}

#[test]
fn kills_lose_nothing_and_count_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut random = fastrand::Rng::with_seed(7);
    let files: Vec<PathBuf> = (0..3)
        .map(|file| {
            let mut text = String::new();
            for line in (0_i64..).take(LINES) {
                let sample = 10.0 + random.f64() + if random.u8(0..50) == 0 { 1e6 } else { 0.0 };
                let late = if random.u8(0..100) == 0 { 300 } else { 0 };
                writeln!(text, "host{} {} {sample}", random.u8(0..40), (line - late) * 1_000_000_000).unwrap();
            }
            let path = folder.join(format!("{file}.lines"));
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let (whole, results_of_whole) = (states(folder, "whole"), folder.join("whole-results"));
    assert!(start(&whole, &results_of_whole, &files, "0", &["-w1".to_owned()]).wait().unwrap().success());
    let expected = results(&results_of_whole);
    assert_eq!(expected.len(), LINES / PER_EPOCH);

    let (mut kills, mut went_on) = (0, 0);
    let mut killed = states(folder, "killed0");
    let written = folder.join("killed-results");
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < Duration::from_secs(300), "{kills} kills, and it has not ended");
        let (workers, processes) = [(1, 1), (2, 1), (3, 1), (1, 2)][random.usize(0..4)];
        let before = snapshots(&killed).latest().unwrap();
        let mut fleet = fleet(&killed, folder, &files, workers, processes);
        if kills == KILLS {
            assert!(fleet.iter_mut().all(|process| process.wait().unwrap().success()));
            break;
        }
        // After some progress, however slow the machine is; between two epochs or within one.
        let (count, started) = (|| std::fs::read_dir(&written).map_or(0, Iterator::count), Instant::now());
        let until = count() + random.usize(1..40);
        while count() < until && started.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(random.u64(0..12)));
        let victim = random.usize(0..fleet.len());
        // One dies at once, the others by its silence or a moment later.
        let is_over = fleet.iter_mut().all(|process| process.try_wait().unwrap().is_some());
        fleet[victim].kill().unwrap();
        std::thread::sleep(Duration::from_millis(random.u64(0..20)));
        for mut process in fleet {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        kills += 1;
        went_on += usize::from(before.is_some());
        if is_over {
            // It came to its end between kills: so that each of them hits something, all begins anew, and must end alike.
            assert!(results(&written) == expected);
            std::fs::remove_dir_all(&written).unwrap();
            killed = states(folder, &format!("killed{kills}"));
        }
    }
    // Some had gone on from a snapshot before they were killed.
    assert!(went_on >= 4, "only {went_on} of {KILLS}");
    let seen = results(&written);
    for (epoch, expected) in &expected {
        assert_eq!(seen.get(epoch), Some(expected), "epoch {epoch}");
    }
    let (whole, killed) = (state(&whole), state(&killed));
    assert_eq!(killed.counters(), whole.counters());
    assert_eq!(killed.counters().samples + killed.counters().late, 3 * LINES as u64);
    assert_eq!(killed.len(), whole.len());
    for (key, series) in whole.iter() {
        let other = killed.get(key.as_str()).unwrap();
        assert_eq!((series.location.to_bits(), series.samples), (other.location.to_bits(), other.samples), "{key}");
    }
}
