//! Times in `pipe` and `track`: clocks that were wrong, silences, and timestamps in another unit.

use crate::pipe_state::{place, with_state};
use crate::support::{count, evenkeel, lines, pipe, stderr, stdout, track};

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;
/// A moment in 2023, in seconds.
const NOW: i64 = 1_700_000_000;

/// A point of each host at this second.
fn points(second: i64, hosts: i64) -> String {
    lines(0..hosts, |host| format!("m,h={host} f={} {}000000000", 40 + second * 7 % 11, second))
}

/// How many of the lines have something added.
fn followed(text: &str) -> usize {
    text.lines().filter(|line| line.contains("_location=")).count()
}

#[test]
fn a_stamp_of_the_future_silences_no_feed_for_good() {
    for (ahead, args, most) in [
        (YEAR, &["--half-life", "10m"][..], 12),
        (HOUR, &["--half-life", "10m"], 12),
        (HOUR, &["--half-life", "10m", "--max-idle", "1d"], 12),
        (YEAR, &["--half-life", "10m", "--max-idle", "1d"], 2),
        (YEAR, &["--max-idle", "1d", "--max-series", "5", "--overflow", "evict"], 2),
    ] {
        for hosts in [1, 4] {
            for first in [0, 50] {
                // Each part is a process of its own.
                let (_directory, path) = place();
                let mut late = 0;
                for part in 0..20 {
                    let seconds = part * 10..part * 10 + 10;
                    let input: String = seconds
                        .map(|second| points(NOW + second + if second == first { ahead } else { 0 }, hosts))
                        .collect();
                    let run = with_state(&path, &input, args).success();
                    late += count(&run, "late");
                    if part > 7 {
                        assert_eq!(followed(&stdout(&run)), 10 * usize::try_from(hosts).unwrap(), "{}", stderr(&run));
                    }
                }
                assert!(late <= most * u64::try_from(hosts).unwrap(), "{late} late with {args:?}, {ahead} s ahead");
            }
        }
    }
}

#[test]
fn so_it_is_in_other_commands() {
    let row = |second: i64| format!("{},{}", NOW + second + if second == 0 { YEAR } else { 0 }, second * 7 % 11);
    let run = track(format!("time,a\n{}", lines(0..100, row)), &["--half-life", "5m", "--time", "time"]).success();
    assert_eq!((count(&run, "late"), count(&run, "samples")), (12, 88));
}

#[test]
fn a_silence_of_the_whole_feed_ends_a_series() {
    let input: String = [0, 1, 2, 3, 4, 5, 100, 101].map(|minute| points(NOW + 60 * minute, 1)).concat();
    let run = pipe(input.clone(), &["--max-idle", "1h"]).success();
    assert_eq!((count(&run, "expired"), count(&run, "created"), count(&run, "late")), (1, 2, 0));
    let run = pipe(input, &["--max-idle", "2h"]).success();
    assert_eq!((count(&run, "expired"), count(&run, "created")), (0, 1));
}

/// After a silence that leaves less than one sample, the second sample of a new level re-opens the estimate.
#[test]
fn after_a_silence_two_samples_of_a_new_level_are_enough() {
    let point = |second: i64, value: i64| format!("m f={}.{} {}000000000\n", value, second % 7, NOW + second);
    let before: String = (0..500).map(|n| point(10 * n, 40)).collect();
    for preset in ["clean", "robust", "mean"] {
        for (silence, is_long) in [(10, false), (20 * 60, false), (24 * 3600, true)] {
            let after: String = (0..2).map(|n| point(4990 + silence + 10 * n, 900)).collect();
            let run = pipe(format!("{before}{after}"), &["--half-life", "10m", "--preset", preset]).success();
            let out = stdout(&run);
            let last = out.lines().last().unwrap();
            let location: f64 =
                last.split_once("f_location=").unwrap().1.split([',', ' ']).next().unwrap().parse().unwrap();
            assert_eq!(location > 890.0, is_long, "{preset} after {silence} s: {last}");
        }
    }
}

#[test]
fn timestamps_in_another_unit_are_noticed() {
    let influx = |stamp: &str| format!("m f=1 {stamp}\nm f=2 {stamp}\n");
    let in_time = ["--half-life", "5m"];
    for (stamp, unit) in [("1700000000000", "ms"), ("1700000000000000", "us"), ("1700000000", "s")] {
        let note = format!("--precision {unit}");
        let said = stderr(&pipe(influx(stamp), &in_time).success());
        assert_eq!(said.matches(&note).count(), 1, "{said}");
        let said = stderr(&pipe(influx(stamp), &["--half-life", "5m", "--precision", unit]).success());
        assert!(!said.contains("far from the present"), "{said}");
        let said = stderr(&pipe(influx(stamp), &["--half-life", "5m", "--quiet"]).success());
        assert_eq!(said, "");
        // `track` passes times on, whatever the memory.
        let said = stderr(&track(influx(stamp), &["--format", "influx"]).success());
        assert_eq!(said.matches(&note).count(), 1, "{said}");
    }
    // What has no room in nanoseconds is a bad row, and says so.
    let run = pipe(influx("1700000000000"), &["--half-life", "5m", "--precision", "s"]).success();
    assert!(stderr(&run).contains("in ms it is near the present: see --precision"), "{}", stderr(&run));
    // Seconds since a start are no mistake, and neither is 1970.
    for stamp in ["0", "5000000000", "-7", "1700000000000000000"] {
        let said = stderr(&pipe(influx(stamp), &in_time).success());
        assert!(!said.contains("far from the present"), "{said}");
    }
    // In a table the first numbers settle the unit, and a number far away names the option.
    let table = "time,a\n1700000000,1\n1700000001000,2\n";
    let run = evenkeel(&["track", "--half-life", "5m", "--time", "time"]).write_stdin(table).assert();
    assert!(stderr(&run).contains("--time-unit names it"), "{}", stderr(&run));
}
