//! Turns in rounds, and what they say, as a table in Markdown.

use crate::peers::Field;

/// Gives everybody a turn, over and over, and prints how each compares with the first ones. What the machine does
/// besides comes and goes within seconds, so a ratio is taken within a round, and its spread over the rounds is told.
pub(crate) fn table(title: &str, field: &mut Field, bases: usize, rounds: usize) -> Result<(), String> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); field.len()];
    for _ in 0..rounds {
        for (contestant, times) in field.iter_mut().zip(&mut times) {
            times.push(contestant.turn()?);
        }
    }
    let bytes = field.iter().any(|contestant| contestant.bytes().is_some());
    println!("\n### {title}\n");
    print!("| | robust? | ns per update |");
    if bytes {
        print!(" bytes | GB/s |");
    }
    for base in &field[..bases] {
        print!(" time / {} |", base.name());
    }
    println!("\n|---|---|---|{}", "---|".repeat(bases + 2 * usize::from(bytes)));
    for (contestant, mine) in field.iter().zip(&times) {
        let median = quantile(mine, 0.5);
        print!("| {} | {} | {} |", contestant.name(), contestant.robust(), digits(median));
        match contestant.bytes() {
            Some(bytes) => print!(" {bytes} | {:.1} |", bytes as f64 / median),
            None if bytes => print!(" | |"),
            None => {}
        }
        for base in &times[..bases] {
            let ratios: Vec<f64> = mine.iter().zip(base).map(|(mine, base)| mine / base).collect();
            let [low, middle, high] = [0.25, 0.5, 0.75].map(|at| digits(quantile(&ratios, at)));
            if mine == base {
                print!(" 1 |");
            } else {
                print!(" **{middle}** ({low} to {high}) |");
            }
        }
        println!();
    }
    Ok(())
}

fn quantile(values: &[f64], at: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let place = at * (values.len() - 1) as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in the list
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    values[below] + (values[above] - values[below]) * place.fract()
}

/// A positive number to three significant digits or so, or to the whole.
fn digits(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
