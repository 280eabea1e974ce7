//! The updates of `instructions`, one case a run, for an emulator that counts what a whole program executes.
//!
//! `.ci/neon-instructions` runs it on an emulated `AArch64` processor, on which valgrind does not count. Without arguments it
//! lists the cases of this machine's backends; `CASE` makes the updates of one; `CASE nothing` makes all that they need and no
//! update, so that the difference is theirs.

mod common;

use common::updates::{cleaned, descent, ema, in_blocks, learning_rate, numerator, robust, row_by_row, step_by_step};
use evenkeel::Backend;
use std::hint::black_box;

/// The cases, by what is updated, and whether they are counted without vectors, too.
const CASES: [(&str, bool); 16] = [
    ("ema_row f32", true),
    ("ema_row f64", false),
    ("ema_block f32", false),
    ("ema_block f64", false),
    ("robust_row f32_clean", true),
    ("robust_row f32_outliers", false),
    ("robust_row f64_clean", false),
    ("robust_block f32_clean", false),
    ("robust_block f32_outliers", false),
    ("robust_block f64_clean", false),
    ("cleaned_row f32_clean", false),
    ("cleaned_row f32_outliers", false),
    ("cleaned_row f64_clean", false),
    ("numerator_layer f32", true),
    ("numerator_layer f64", false),
    ("learning_rate_descent f32", false),
];

/// Runs `made` after what it needs has been made, or only makes that.
fn run<S, U>(set_up: S, made: impl FnOnce(S) -> U, nothing: bool) {
    let set_up = black_box(set_up);
    if nothing {
        return;
    }
    black_box(made(set_up));
}

/// Runs one case; false if there is none of this name.
fn case(name: &str, backend: Backend, nothing: bool) -> bool {
    match name {
        "ema_row f32" => run(ema::<f32>(backend), row_by_row, nothing),
        "ema_row f64" => run(ema::<f64>(backend), row_by_row, nothing),
        "ema_block f32" => run(ema::<f32>(backend), in_blocks, nothing),
        "ema_block f64" => run(ema::<f64>(backend), in_blocks, nothing),
        "robust_row f32_clean" => run(robust::<f32>(backend, 0.0), row_by_row, nothing),
        "robust_row f32_outliers" => run(robust::<f32>(backend, 0.05), row_by_row, nothing),
        "robust_row f64_clean" => run(robust::<f64>(backend, 0.0), row_by_row, nothing),
        "robust_block f32_clean" => run(robust::<f32>(backend, 0.0), in_blocks, nothing),
        "robust_block f32_outliers" => run(robust::<f32>(backend, 0.05), in_blocks, nothing),
        "robust_block f64_clean" => run(robust::<f64>(backend, 0.0), in_blocks, nothing),
        "cleaned_row f32_clean" => run(cleaned::<f32>(backend, 0.0), row_by_row, nothing),
        "cleaned_row f32_outliers" => run(cleaned::<f32>(backend, 0.05), row_by_row, nothing),
        "cleaned_row f64_clean" => run(cleaned::<f64>(backend, 0.0), row_by_row, nothing),
        "numerator_layer f32" => run(numerator::<f32>(backend), step_by_step, nothing),
        "numerator_layer f64" => run(numerator::<f64>(backend), step_by_step, nothing),
        "learning_rate_descent f32" => run(learning_rate::<f32>(backend), descent, nothing),
        _ => return false,
    }
    true
}

/// The name of a case on a backend, as a line of limits has it: `ema_row::neon_f32`.
fn on(case: &str, backend: Backend) -> String {
    case.replace(' ', &format!("::{backend:?}_").to_lowercase())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all = || Backend::available().flat_map(|backend| CASES.map(|(case, scalar)| (case, scalar, backend)));
    let counted = all().filter(|&(_, scalar, backend)| scalar || backend != Backend::Scalar);
    let Some(wanted) = arguments.first() else {
        return counted.for_each(|(case, _, backend)| println!("{}", on(case, backend)));
    };
    let nothing = arguments.get(1).is_some_and(|word| word == "nothing");
    let found = counted.into_iter().find(|&(case, _, backend)| on(case, backend) == *wanted);
    if !found.is_some_and(|(name, _, backend)| case(name, backend, nothing)) {
        eprintln!("no such case: {wanted}");
        std::process::exit(2);
    }
}
