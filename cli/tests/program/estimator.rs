//! Presets, resolution and memory.

use crate::support::{count, evenkeel, lines, noise, rows, stderr, stdout, track};

fn wide(samples: &[f64]) -> String {
    samples.iter().fold("a\n".to_owned(), |text, sample| format!("{text}{sample}\n"))
}

#[test]
fn a_spike_moves_the_plain_average_and_no_other() {
    let mut samples: Vec<f64> = noise(1).take(400).map(|number| 50.0 + number).collect();
    samples[300] = 1e6;
    let last = |preset| {
        let run = track(wide(&samples), &["--preset", preset]).success();
        rows(&stdout(&run)).pop().unwrap()
    };
    for preset in ["clean", "robust", "mean"] {
        assert!((last(preset).location - 50.0).abs() < 1.0, "{preset}");
    }
    let ema = last("ema");
    assert!(ema.location > 1000.0);
    assert!(ema.scale.is_nan() && ema.score.is_nan() && !ema.outlier);
}

#[test]
fn the_average_is_bias_corrected() {
    let run = track("g\n8\n2\n7\n-1\n6\n", &["--preset", "ema", "--alpha", "0.1"]).success();
    let found = rows(&stdout(&run));
    for (row, expected) in found.iter().zip([8.0, 4.842, 5.638, 3.708, 4.268]) {
        assert!((row.location - expected).abs() < 5e-4, "{row:?}");
    }
    assert!(!stderr(&run).contains("outliers"), "there is nothing to count: {}", stderr(&run));
}

#[test]
fn the_resolution_is_one_while_all_values_are_whole() {
    let floor = |input: &str, args: &[&str]| -> Vec<f64> {
        rows(&stdout(&track(input, args).success())).iter().map(|row| row.scale).collect()
    };
    let whole = "a\n100\n100\n\ninf\n100.0\n1e2\n";
    assert!(floor(whole, &[]).iter().all(|&scale| scale >= 0.5));
    assert!(floor(whole, &["--resolution", "none"]).iter().all(|&scale| scale < 0.01));
    assert!(floor(whole, &["--resolution", "1"]).iter().all(|&scale| scale >= 0.5));
    assert!(floor(whole, &["--resolution", "6"]).iter().all(|&scale| scale >= 3.0));

    // After the first fraction, the resolution is its step.
    let broken = floor("a\n7\n7\n7.5\n7\n7\n7\n7\n7\n7\n7\n7\n7\n7\n", &["--half-life", "1"]);
    assert!(broken[..2].iter().all(|&scale| scale == 0.5), "{broken:?}");
    assert!(broken[12] < 0.5, "{broken:?}");
    // Each series for itself.
    let two = floor("a,b\n7,7\n7,0.1\n7,0.1\n7,0.1\n", &[]);
    assert!(two.iter().step_by(2).all(|&scale| scale == 0.5), "{two:?}");
}

#[test]
fn the_memory_in_three_vocabularies() {
    let samples: Vec<f64> = noise(3).take(300).collect();
    let run = |args: &[&str]| stdout(&track(wide(&samples), args).success());
    assert_eq!(run(&["--span", "19"]), run(&["--alpha", "0.1"]));
    assert_eq!(run(&["--half-life", "1"]), run(&["--alpha", "0.5"]));
    assert_eq!(run(&["--half-life", "60"]), run(&[]));
    assert_ne!(run(&["--half-life", "61"]), run(&[]));
}

#[test]
fn patience_says_how_soon_a_new_level_is_believed() {
    let samples: Vec<f64> = noise(5).take(100).chain(noise(6).take(40).map(|number| 1000.0 + number)).collect();
    let arrival = |patience| {
        let run = track(wide(&samples), &["--preset", "robust", "--patience", patience]).success();
        rows(&stdout(&run)).iter().position(|row| row.location > 900.0).unwrap()
    };
    assert_eq!((arrival("4"), arrival("12"), arrival("30")), (107, 111, 129));
    for patience in ["0", "64", "255"] {
        track("a\n1\n", &["--patience", patience]).code(2).stderr(predicates::str::contains("from 1 to 63"));
    }
    track("a\n1\n", &["--patience", "63"]).success();
}

#[test]
fn the_summary_counts() {
    let mut samples: Vec<f64> = noise(7).take(200).collect();
    samples[150] = 1e9;
    let input = wide(&samples).replace("1000000000\n", "1000000000\nnan\nbad\n");
    let said = stderr(&track(input, &[]).success());
    for what in ["rows 202,", "samples 200,", "series 1,", "missing 1,", "bad values 1"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
}

#[test]
fn clean_is_the_default_of_every_command() {
    let samples: Vec<f64> = noise(8).take(300).map(f64::exp).collect();
    let points = lines(&samples, |sample| format!("m f={sample}"));
    for (command, input) in
        [("track", wide(&samples)), ("profile", wide(&samples)), ("report", wide(&samples)), ("pipe", points)]
    {
        let run = |args: &[&str]| {
            stdout(&evenkeel(&[command, "--quiet"]).args(args).write_stdin(input.clone()).assert().success())
        };
        let outputs = ["clean", "robust", "mean"].map(|preset| run(&["--preset", preset]));
        assert_eq!(run(&[]), outputs[0], "{command}");
        assert!(outputs[0] != outputs[1] && outputs[0] != outputs[2] && outputs[1] != outputs[2], "{command}");
        // What they are is in the help of each.
        let help = stdout(&evenkeel(&[command, "--help"]).assert().success());
        for words in ["- clean:", "as if the spikes had not been there", "- robust:", "- mean:"] {
            assert!(help.contains(words), "{words:?} in the help of {command}: {help}");
        }
        assert_eq!(help.contains("- ema:"), command == "track");
    }
}

/// Series that are nothing but a few values in turn: none of them is an outlier, and no estimate has to be re-opened.
#[test]
fn levels_in_turn_are_no_outliers() {
    let cycles: [&[f64]; 6] = [
        &[16500.0, 33100.0, 8200.0],
        &[201.5, 202.5, 200.5],
        &[0.0, 1.0, 3.0],
        &[-1.0, 0.0, 1.0],
        &[0.0, 800.0],
        &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 4.0, 3.0, 2.0, 1.0],
    ];
    for cycle in cycles {
        let samples: Vec<f64> = cycle.iter().copied().cycle().take(3000).collect();
        for preset in ["clean", "robust", "mean"] {
            let run = track(wide(&samples), &["--preset", preset]).success();
            assert_eq!((count(&run, "outliers"), count(&run, "re-openings")), (0, 0), "{cycle:?} {preset}");
        }
    }
}

/// An hour of a machine at work, which the first edition re-opened 339 times, and of whose load it took 60% for outliers.
#[test]
fn the_metrics_of_a_machine_are_followed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/host.csv");
    let run = |preset| evenkeel(&["track", path, "--preset", preset]).assert().success();
    let robust = run("robust");
    assert!(count(&robust, "re-openings") <= 70, "{}", stderr(&robust));
    for preset in ["clean", "robust", "mean"] {
        let rows = rows(&stdout(&run(preset)));
        let outliers = rows.iter().filter(|row| row.series == "load_1m" && row.outlier).count();
        assert!(outliers * 100 < rows.len() / 11, "{preset}: {outliers}");
    }
}

/// Of a thousand new series of Gaussian noise, at most 35 have a sample beyond eight scales among their first forty.
#[test]
fn noise_is_seldom_far_out_in_new_series() {
    let header: Vec<String> = (0..1000).map(|series| format!("s{series}")).collect();
    let mut all: Vec<_> = (0..1000).map(|series| noise(5000 + 7 * series)).collect();
    let row = |_| all.iter_mut().map(|noise| format!("{:?}", noise.next().unwrap())).collect::<Vec<_>>().join(",");
    let table = header.join(",") + "\n" + &lines(0..40, row);
    for preset in ["clean", "robust", "mean"] {
        let run = track(table.clone(), &["--preset", preset]).success();
        let rows = rows(&stdout(&run));
        let far: std::collections::BTreeSet<&str> =
            rows.iter().filter(|row| row.score.abs() > 8.0).map(|row| row.series.as_str()).collect();
        assert!((1..=35).contains(&far.len()), "{} of 1000 series with {preset}", far.len());
    }
}
