//! Presets, resolution and memory.

use crate::support::{noise, rows, stderr, stdout, track};

fn wide(samples: &[f64]) -> String {
    samples.iter().fold("a\n".to_owned(), |text, sample| format!("{text}{sample}\n"))
}

#[test]
fn a_spike_moves_the_average_and_not_the_robust_location() {
    let mut samples: Vec<f64> = noise(1).take(400).map(|number| 50.0 + number).collect();
    samples[300] = 1e6;
    let last = |preset| {
        let run = track(wide(&samples), &["--preset", preset]).success();
        rows(&stdout(&run)).pop().unwrap()
    };
    assert!((last("robust").location - 50.0).abs() < 1.0);
    assert!((last("mean").location - 50.0).abs() < 1.0);
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

    // From the first fraction on, this sample included, the series has no resolution.
    let broken = floor("a\n7\n7\n7.5\n7\n7\n7\n7\n7\n7\n", &["--half-life", "1"]);
    assert!(broken[..2].iter().all(|&scale| scale == 0.5), "{broken:?}");
    assert!(broken[8] < 0.5, "{broken:?}");
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
    let samples: Vec<f64> = noise(5).take(100).chain(noise(6).take(20).map(|number| 1000.0 + number)).collect();
    let arrival = |patience| {
        let run = track(wide(&samples), &["--patience", patience]).success();
        rows(&stdout(&run)).iter().position(|row| row.location > 900.0).unwrap()
    };
    assert_eq!((arrival("4"), arrival("12")), (103, 111));
}

#[test]
fn the_summary_counts() {
    let mut samples: Vec<f64> = noise(7).take(200).collect();
    samples[150] = 1e9;
    let input = wide(&samples).replace("1000000000\n", "1000000000\nnan\nbad\n");
    let said = stderr(&track(input, &[]).success());
    for what in ["rows 202,", "samples 200,", "series 1,", "missing 1,", "bad cells skipped 1"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
}
