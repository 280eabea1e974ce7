//! Real series with spikes added: how far each estimator is from what the average of the clean series is.
//!
//! Nobody knows the true level of a real series. So an estimator is given the series with spikes, and held against two
//! averages of the series without: the plain average of gain [`ALPHA`], which has its lag (A), and the mean of both
//! sides, half the sum of the forward and the backward plain average of twice the gain, which has none (B). An error is
//! the root of the mean squared difference, over the standard deviation of the clean series about that average. All
//! averages are bias-corrected.

use crate::contestants::RealRow;
use crate::random::Random;
use crate::summary::mean;
use crate::{ALPHA, SEED};
use std::fs;
use std::path::Path;

/// The share of the samples that get a spike, and its size in ranges of the series: from the first percentile to the
/// 99th.
const SHARE: f64 = 0.05;
const RANGES: f64 = 20.0;
/// Times that the spikes are drawn anew.
const MASKS: usize = 6;
/// Samples before anything is measured.
const START: usize = 200;

/// A clean series with what estimates of it are held against.
struct Series {
    name: String,
    /// Its place among the series: each has spikes of its own.
    number: usize,
    clean: Vec<f64>,
    range: f64,
    targets: [Target; 2],
}

/// An average of the clean series, and the standard deviation of the series about it.
struct Target {
    average: Vec<f64>,
    deviation: f64,
}

impl Target {
    fn new(clean: &[f64], average: Vec<f64>) -> Self {
        let residuals: Vec<f64> = clean.iter().zip(&average).map(|(sample, average)| sample - average).collect();
        let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
        let squares: f64 = residuals.iter().map(|residual| (residual - mean) * (residual - mean)).sum();
        Self { average, deviation: (squares / residuals.len() as f64).sqrt() }
    }

    fn error(&self, estimates: &[f64]) -> f64 {
        let errors = estimates.iter().zip(&self.average).skip(START).map(|(estimate, target)| estimate - target);
        let squares: f64 = errors.map(|error| error * error).sum();
        (squares / (estimates.len() - START) as f64).sqrt() / self.deviation
    }
}

impl Series {
    fn new(name: String, number: usize, clean: Vec<f64>) -> Self {
        assert!(clean.len() > START, "{name} has {} samples; more than {START} are wanted", clean.len());
        let mut ordered = clean.clone();
        ordered.sort_by(f64::total_cmp);
        let targets = [average(&clean, ALPHA), two_sided(&clean, ALPHA)];
        let targets = targets.map(|average| Target::new(&clean, average));
        Self { name, number, clean, range: percentile(&ordered, 0.99) - percentile(&ordered, 0.01), targets }
    }

    /// The samples, with spikes on a share of them.
    fn spiked(&self, mask: usize) -> Vec<f64> {
        let seed = Random::new(SEED + (MASKS * self.number + mask) as u64).word();
        let mut random = Random::new(seed);
        let spike = RANGES * self.range;
        self.clean.iter().map(|sample| if random.chance(SHARE) { sample + spike } else { *sample }).collect()
    }
}

/// The plain average after each sample, bias-corrected: by its definition, and not the library's.
fn average(samples: &[f64], alpha: f64) -> Vec<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let after = |&sample: &f64| {
        sum = (1.0 - alpha) * sum + sample;
        weight = (1.0 - alpha) * weight + 1.0;
        sum / weight
    };
    samples.iter().map(after).collect()
}

/// The mean of both sides: half the sum of the forward and the backward average, each with twice the gain.
fn two_sided(samples: &[f64], alpha: f64) -> Vec<f64> {
    let reversed: Vec<f64> = samples.iter().rev().copied().collect();
    let backward = average(&reversed, 2.0 * alpha);
    let forward = average(samples, 2.0 * alpha);
    forward.iter().zip(backward.iter().rev()).map(|(forward, backward)| 0.5 * (forward + backward)).collect()
}

/// A percentile of ordered samples, between the two nearest in proportion.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place among them
fn percentile(ordered: &[f64], part: f64) -> f64 {
    let place = part * (ordered.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = ordered.get(below + 1).unwrap_or(&ordered[below]);
    ordered[below] + rest * (above - ordered[below])
}

/// The values of a CSV file with a column of that name.
fn values(path: &Path) -> Vec<f64> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let column = head.split(',').position(|name| name.trim() == "value");
    let column = column.unwrap_or_else(|| panic!("{}: no column is named \"value\"", path.display()));
    let value = |line: &str| line.split(',').nth(column).and_then(|value| value.trim().parse().ok());
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines.map(|line| value(line).unwrap_or_else(|| panic!("{}: no value in {line:?}", path.display()))).collect()
}

/// Prints the errors on the series in the CSV files of a directory.
pub(crate) fn print(directory: &Path) {
    let files = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    assert!(!files.is_empty(), "{} holds no CSV file", directory.display());
    let name = |file: &Path| file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let series: Vec<Series> =
        files.iter().enumerate().map(|(number, file)| Series::new(name(file), number, values(file))).collect();

    let rows = RealRow::all();
    // Errors A and B, of each mask, of each series, of each row.
    let all: Vec<Vec<[[f64; 2]; MASKS]>> =
        rows.iter().map(|row| series.iter().map(|series| errors(row, series)).collect()).collect();
    println!(
        "Errors on {} series, {:.0}% of the samples {RANGES} ranges up, from sample {START}",
        series.len(),
        100.0 * SHARE
    );
    println!("on, in standard deviations, alpha {ALPHA}; A: against the plain average of the clean");
    println!("series; B: against its mean of both sides. Means over series, ± the standard error over {MASKS}");
    println!("draws of the spikes; then A / B of each series. †: one that is none of this library's robust");
    println!("estimators has the least A or B, by more than 1%:\n");
    print!("| | A | B |");
    for (number, series) in series.iter().enumerate() {
        let lost = [0, 1].iter().any(|&target| {
            let least = |ours: bool| {
                let among = rows.iter().zip(&all).filter(|(row, _)| row.ours == ours && !row.clean);
                among.map(|(_, errors)| of_masks(&errors[number], target)).fold(f64::INFINITY, f64::min)
            };
            least(true) > 1.01 * least(false)
        });
        print!(" {}{} |", series.name, if lost { " †" } else { "" });
    }
    println!("\n| --- | --- | --- |{}", " --- |".repeat(series.len()));
    for (row, errors) in rows.iter().zip(&all) {
        print!("| {} |", row.name);
        for target in [0, 1] {
            let of_mask =
                |mask: usize| errors.iter().map(|errors| errors[mask][target]).sum::<f64>() / series.len() as f64;
            let (mean, error) = mean(&(0..MASKS).map(of_mask).collect::<Vec<_>>());
            if error < 5e-4 { print!(" {mean:.3} |") } else { print!(" {mean:.3} ± {error:.3} |") }
        }
        for errors in errors {
            print!(" {:.3} / {:.3} |", of_masks(errors, 0), of_masks(errors, 1));
        }
        println!();
    }
}

/// The mean error of all masks against one target.
fn of_masks(errors: &[[f64; 2]; MASKS], target: usize) -> f64 {
    errors.iter().map(|errors| errors[target]).sum::<f64>() / MASKS as f64
}

/// The errors of one estimator on one series, of each mask against each target. Estimators meet the same spikes.
fn errors(row: &RealRow, series: &Series) -> [[f64; 2]; MASKS] {
    std::array::from_fn(|mask| {
        let spiked = series.spiked(mask);
        let mut estimator = (row.new)();
        let samples = if row.clean { &series.clean } else { &spiked };
        let estimate = |&sample: &f64| {
            let mut location = [0.0];
            estimator.update(&[sample], &mut location);
            location[0]
        };
        let estimates: Vec<f64> = samples.iter().map(estimate).collect();
        series.targets.each_ref().map(|target| target.error(&estimates))
    })
}

/// Stops the program unless the measures are what they are called.
pub(crate) fn check(samples: &[f64]) {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
    let by_definition = |samples: &mut dyn Iterator<Item = &f64>, alpha: f64| {
        let weighted = samples.zip(0..).map(|(sample, back)| ((1.0 - alpha).powi(back), sample));
        let (sum, weight) = weighted.fold((0.0, 0.0), |(sum, weight), (w, x)| (sum + w * x, weight + w));
        sum / weight
    };
    let (plain, both) = (average(samples, 0.01), two_sided(samples, 0.01));
    for at in (0..samples.len()).step_by(97) {
        let forward = |alpha| by_definition(&mut samples[..=at].iter().rev(), alpha);
        let backward = |alpha| by_definition(&mut samples[at..].iter(), alpha);
        assert!(near(plain[at], forward(0.01)), "the plain average of sample {at}");
        assert!(near(both[at], 0.5 * (forward(0.02) + backward(0.02))), "the mean of both sides of sample {at}");
    }
    assert!(near(percentile(&[0.0, 1.0, 2.0, 3.0, 10.0], 0.9), 7.2));
    let series = Series::new("check".into(), 0, samples.to_vec());
    let plain = RealRow::all().into_iter().find(|row| row.clean).unwrap();
    assert!(errors(&plain, &series).iter().all(|[against_plain, _]| *against_plain < 1e-12));
}
