//! A half-life in time: what the estimates are, which samples are refused, and what needs a time.

use crate::support::{evenkeel, file, lines, noise, rows, samples, stderr, stdout, track};

/// A CSV of one series with a time in whole seconds.
fn seconds(samples: &[(i64, f64)]) -> String {
    "time,a\n".to_owned() + &lines(samples, |(second, sample)| format!("{},{sample}", 1_700_000_000 + second))
}

/// Location and scale after every sample.
fn estimates(input: &str, args: &[&str]) -> Vec<(u64, u64, u64)> {
    let rows = rows(&stdout(&track(input, args).success()));
    rows.iter().map(|row| (row.location.to_bits(), row.scale.to_bits(), row.score.to_bits())).collect()
}

#[test]
fn at_equal_distances_it_is_the_half_life_in_samples() {
    let series: Vec<(i64, f64)> = (0..).map(|index| index * 10).zip(noise(7).take(500)).collect();
    let in_samples = estimates(&seconds(&series), &["--time", "time", "--half-life", "30"]);
    for half_life in ["300s", "5m", "300000ms"] {
        assert_eq!(
            estimates(&seconds(&series), &["--time", "time", "--half-life", half_life]),
            in_samples,
            "{half_life}"
        );
    }
    assert_ne!(estimates(&seconds(&series), &["--time", "time", "--half-life", "301s"]), in_samples);

    // Side by side with a series of whole numbers, which has a resolution of its own.
    let both = |(second, sample): &(i64, f64)| format!("{second},{sample},{}", (10.0 * sample).round());
    let both = "time,a,b\n".to_owned() + &lines(&series, both);
    let of = |half_life| estimates(&both, &["--time", "time", "--half-life", half_life]);
    assert_eq!(of("300s"), of("30"));
}

#[test]
fn a_long_silence_makes_the_old_estimate_count_less() {
    // After five samples an estimate rests on three. A silence of a half-life leaves half of the four that there are then.
    let start = (0..).zip([10.0, 10.5, 10.0, 9.5, 10.0]);
    let series: Vec<(i64, f64)> = start.chain([(5, 10.5), (65, 11.0)]).collect();
    let sixth = 10.0 + 0.5 / 4.0;
    let seventh = sixth + (11.0 - sixth) / (4.0 / 2.0 + 1.0);
    for preset in ["clean", "robust", "mean"] {
        let args = ["--time", "time", "--half-life", "1m", "--resolution", "1", "--preset", preset];
        let rows = rows(&stdout(&track(seconds(&series), &args).success()));
        let locations: Vec<f64> = rows.iter().map(|row| row.location).collect();
        for (found, expected) in locations.iter().zip([10.0, 10.0, 10.0, 10.0, 10.0, sixth, seventh]) {
            assert!((found - expected).abs() < 1e-12, "{preset}: {locations:?}");
        }
    }
}

#[test]
fn the_same_moments_in_every_writing_are_the_same_estimates() {
    // Distances of 1, 2, 3, ... seconds, from 2023-11-14T22:13:20Z on.
    let moments: Vec<i64> = (0..40).map(|index| 1_700_000_000 + index * (index + 1) / 2).collect();
    let values: Vec<f64> = noise(8).take(moments.len()).collect();
    let input = |time: &dyn Fn(i64) -> String| {
        let row = |(moment, value): (&i64, &f64)| format!("{},{value}", time(*moment));
        "when,a\n".to_owned() + &lines(moments.iter().zip(&values), row)
    };
    let clock = |moment: i64| {
        let past = moment - 1_700_000_000 + 13 * 60 + 20;
        format!("{:02}:{:02}", past / 60, past % 60)
    };
    let args = ["--time", "when", "--half-life", "20s"];
    let expected = estimates(&input(&|moment| moment.to_string()), &args);
    let writings: [&dyn Fn(i64) -> String; 7] = [
        &|moment| format!("{moment}.0"),
        &|moment| format!("{moment}000"),
        &|moment| format!("{moment}000000"),
        &|moment| format!("{moment}000000000"),
        &|moment| format!("2023-11-14T22:{}Z", clock(moment)),
        &|moment| format!("2023-11-14 22:{}", clock(moment)),
        &|moment| format!("2023-11-15T00:{}.000+02:00", clock(moment)),
    ];
    for writing in writings {
        let input = input(writing);
        assert_eq!(estimates(&input, &args), expected, "{input}");
    }
    let objects = |(moment, value): (&i64, &f64)| format!("{{\"when\":{moment},\"a\":{value:?}}}");
    let objects = lines(moments.iter().zip(&values), objects);
    let args = [&args[..], &["--output-format", "csv"]].concat();
    assert_eq!(estimates(&objects, &args), expected, "{objects}");
}

#[test]
fn a_sample_older_than_the_last_of_its_series_is_skipped() {
    let input = "time,host,cpu\n100,a,1\n90,b,5\n110,a,2\n105,a,1000\n110,a,3\n95,b,6\n";
    let args = ["--time", "time", "--series", "host", "--value", "cpu", "--half-life", "1m"];
    let run = track(input, &args).success();
    assert_eq!(samples(&run), ["100 a 1", "90 b 5", "110 a 2", "110 a 3", "95 b 6"]);
    let said = stderr(&run);
    assert!(said.contains("line 5: the sample is 5s older than the last one of its series (column cpu)"), "{said}");
    assert!(said.contains("late 1,") && said.contains("bad values 0"), "{said}");
    assert!(said.contains("samples 5"), "{said}");
    // The state is what it is without the sample.
    let without = track(input.replace("105,a,1000\n", ""), &args).success();
    assert_eq!(stdout(&run), stdout(&without));
    // That it was all whole numbers is not forgotten for the sake of a sample that does not count.
    let fraction = track(input.replace("1000", "1000.5"), &args).success();
    assert_eq!(stdout(&fraction), stdout(&without));

    let strict = track(input, &[&args[..], &["--strict"]].concat()).code(1);
    assert!(stderr(&strict).contains("line 5"), "{}", stderr(&strict));
}

#[test]
fn a_missing_sample_does_not_make_time_pass() {
    let with = "time,a\n0,1\n1,3\n2,\n3,2\n";
    let without = "time,a\n0,1\n1,3\n3,2\n";
    let args = ["--time", "time", "--half-life", "2s"];
    assert_eq!(estimates(with, &args).last(), estimates(without, &args).last());
}

#[test]
fn a_row_without_a_usable_time_is_skipped() {
    for (cell, reason) in [
        ("", "line 3: the time is missing"),
        ("soon", "line 3: \"soon\" is not a time: expected RFC 3339"),
        ("2900-01-01T00:00:00Z", "out of range"),
    ] {
        let csv = format!("t,a,b\n2024-01-01T00:00:00Z,1,2\n{cell},3,4\n2024-01-01T00:00:01Z,5,6\n");
        let long = format!("t,s,v\n2024-01-01T00:00:00Z,x,2\n{cell},x,4\n2024-01-01T00:00:01Z,x,6\n");
        let run = track(csv, &["--half-life", "1h"]).success();
        let expected = [
            "2024-01-01T00:00:00Z a 1",
            "2024-01-01T00:00:00Z b 2",
            "2024-01-01T00:00:01Z a 5",
            "2024-01-01T00:00:01Z b 6",
        ];
        assert_eq!(samples(&run), expected);
        assert!(stderr(&run).contains(reason), "{}", stderr(&run));
        assert!(stderr(&run).contains("bad rows 1"), "{}", stderr(&run));
        let run = track(long, &["--half-life", "1h", "--time", "t", "--series", "s"]).success();
        assert_eq!(samples(&run), ["2024-01-01T00:00:00Z x 2", "2024-01-01T00:00:01Z x 6"]);
    }
    // In samples, such a row is as good as any.
    let run = track("t,a\n2024-01-01T00:00:00Z,1\nsoon,2\n", &[]).success();
    assert_eq!(samples(&run).len(), 2);
}

/// `ewm(halflife="10s", times=t).mean()` of pandas, a gap, a missing sample and equal times among them.
#[test]
fn the_plain_average_is_that_of_pandas() {
    let input = "time,a\n1700000000,1\n1700000010,4\n1700000030,9\n1700000035,nan\n1700000040,2\n1700000040,5\n";
    let run = track(input, &["--time", "time", "--half-life", "10s", "--preset", "ema"]).success();
    let found: Vec<f64> = rows(&stdout(&run)).iter().map(|row| row.location).collect();
    // The weight of a sample halves every ten seconds: 1/2 : 1, then 1/8 : 1/4 : 1, then 1/16 : 1/8 : 1/2 : 1.
    let third = (0.125 + 0.25 * 4.0 + 9.0) / 1.375;
    let fourth = (0.0625 + 0.125 * 4.0 + 0.5 * 9.0 + 2.0) / 1.6875;
    let fifth = (fourth * 1.6875 + 5.0) / 2.6875;
    for (found, expected) in found.iter().zip([1.0, 3.0, third, third, fourth, fifth]) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }
    assert_eq!(found.len(), 6);
}

#[test]
fn what_cannot_be_is_said() {
    for (input, args, reason) in [
        ("a\n1\n", &["--half-life", "5m"][..], "name the column that has it with --time"),
        ("{\"a\":1}\n", &["--half-life", "5m"], "name the column that has it with --time"),
        ("t,a\n2024-01-01,1\n", &["--half-life", "0s"], "--half-life must be above 0"),
        (
            "t,a\n2024-01-01,1\n",
            &["--half-life", "5 fortnights"],
            "expected a number of samples, or a number and a unit",
        ),
    ] {
        let run = track(input, args).code(2);
        assert!(stderr(&run).contains(reason), "{args:?}: {}", stderr(&run));
        assert_eq!(stdout(&run), "");
    }
}

#[test]
fn the_profile_and_the_picture_know_it_too() {
    let series: Vec<(i64, f64)> = (0..200).zip(noise(9).take(200)).collect();
    let (folder, path) = file("stale.csv", seconds(&series) + "1600000000,7\n");
    let profile = |input: String, half_life| {
        let run = evenkeel(&["profile", "--preset", "robust", "--time", "time", "--half-life", half_life])
            .write_stdin(input)
            .assert();
        (stdout(&run), stderr(&run))
    };
    let stale = std::fs::read_to_string(&path).unwrap();
    let (in_time, said) = profile(stale.clone(), "40s");
    assert_eq!(in_time, profile(seconds(&series), "40").0);
    assert_ne!(in_time, profile(stale, "1s").0);
    assert!(said.contains("line 202: the sample is") && said.contains("older than the last one"), "{said}");

    let picture = folder.path().join("a.svg");
    let plot = ["--plot", picture.to_str().unwrap(), "--time", "time", "--half-life", "1m30s"];
    evenkeel(&[&["track", path.to_str().unwrap()], &plot[..]].concat()).assert().success();
    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.contains("half-life 1m 30s") && !drawn.contains("plain average"));
}
