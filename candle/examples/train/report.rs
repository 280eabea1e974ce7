//! The tables, in Markdown.

use std::fmt::Write;

use anyhow::Result;

use crate::data::{Data, mean_and_deviation};
use crate::model::Network;
use crate::optimisers::Optimiser;
use crate::scenario::{DEGREES, GROSS_ERROR, NOISE, Scenario};
use crate::study::{Entry, RATES, SEEDS, TUNING_SEEDS};
use crate::training::BATCH;

/// Everything that came out, and how it came about.
pub(crate) fn report(entries: &[Entry], data: &Data, epochs: usize) -> Result<String> {
    let mut text = String::new();
    setting(&mut text, data, epochs)?;
    results(&mut text, entries)?;
    disturbances(&mut text, data.train.targets.len())?;
    rates(&mut text, entries)?;
    Ok(text)
}

/// What was done.
fn setting(text: &mut String, data: &Data, epochs: usize) -> Result<()> {
    let [learned, chosen_on, judged_on] = [&data.train, &data.validation, &data.test].map(|part| part.targets.len());
    let ends = [RATES[0], RATES[RATES.len() - 1]].map(rate_name);
    writeln!(text, "# Training under outliers\n")?;
    let shape = Network::shape(data.features);
    writeln!(
        text,
        "A network of {shape} units learns the score of red wines from {learned} of them, {epochs} epochs long in\n\
         minibatches of {BATCH}. Here is its mean squared error, in squared standard deviations of the score, on {judged_on}\n\
         others whose labels are always clean: mean ± standard deviation of {} seeds, and in brackets the learning rate.\n\
         It falls linearly to zero from the one of {} rates from {} to {} that had the least loss on {chosen_on} clean\n\
         validation wines with {} other seeds, chosen for each optimiser in each scenario.\n\
         Always to say the mean costs {}.",
        SEEDS.len(),
        RATES.len(),
        ends[0],
        ends[1],
        TUNING_SEEDS.len(),
        number(data.loss_of_the_mean()),
    )?;
    Ok(writeln!(text)?)
}

/// The table that all this is about.
fn results(text: &mut String, entries: &[Entry]) -> Result<()> {
    heading(text, "scenario", Optimiser::ALL.map(Optimiser::name))?;
    for scenario in Scenario::ALL {
        write!(text, "| {} |", scenario.name())?;
        for entry in entries.iter().filter(|entry| entry.scenario == scenario) {
            write!(text, " {} |", cell(entry))?;
        }
        writeln!(text)?;
    }
    Ok(writeln!(text)?)
}

/// What the scenarios are.
fn disturbances(text: &mut String, rows: usize) -> Result<()> {
    writeln!(text, "A gross error adds {GROSS_ERROR} or -{GROSS_ERROR} standard deviations to a training label.")?;
    for scenario in Scenario::ALL {
        if let Scenario::Labels(percent) = scenario {
            let clean = (1.0 - scenario.spoiled(rows) as f64 / rows as f64).powf(BATCH as f64);
            writeln!(
                text,
                "With {percent}% of them, about {:.0}% of the minibatches hold one.",
                100.0 * (1.0 - clean)
            )?;
        }
    }
    writeln!(text, "Gradient noise is Student's t of {DEGREES} degrees of freedom, added to every element of every")?;
    writeln!(text, "gradient, {NOISE} times the root mean square of the variable's gradients before the first step.")?;
    Ok(writeln!(text)?)
}

/// How the learning rates were chosen.
fn rates(text: &mut String, entries: &[Entry]) -> Result<()> {
    writeln!(text, "## Validation loss by learning rate\n")?;
    writeln!(text, "Mean of {} seeds, diverged if one of them did; the chosen rate is in bold.\n", TUNING_SEEDS.len())?;
    heading(text, "scenario, optimiser", RATES.map(rate_name))?;
    for entry in entries {
        write!(text, "| {}, {} |", entry.scenario.name(), entry.optimiser.name())?;
        for (index, loss) in entry.tuning.iter().enumerate() {
            let bold = if index == entry.chosen { "**" } else { "" };
            write!(text, " {bold}{}{bold} |", number(*loss))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn heading(text: &mut String, first: &str, others: impl IntoIterator<Item = impl AsRef<str>>) -> Result<()> {
    let mut rule = "|---|".to_owned();
    write!(text, "| {first} |")?;
    for other in others {
        write!(text, " {} |", other.as_ref())?;
        rule.push_str("---|");
    }
    Ok(writeln!(text, "\n{rule}")?)
}

/// What one optimiser achieved in one scenario.
fn cell(entry: &Entry) -> String {
    let losses = entry.losses();
    let mut cell = match losses[..] {
        [] => "diverged".to_owned(),
        [loss] => number(loss),
        _ => {
            let (mean, deviation) = mean_and_deviation(&losses);
            format!("{} ± {}", number(mean), number(deviation))
        }
    };
    if entry.diverged() > 0 {
        cell = format!("{cell}, {} of {} diverged", entry.diverged(), entry.outcomes.len());
    }
    let edge = if entry.at_edge() { ", at the edge of the rates tried" } else { "" };
    format!("{cell} ({}{edge})", rate_name(entry.rate()))
}

fn rate_name(rate: f64) -> String {
    format!("{rate:e}").trim_end_matches("e0").to_owned()
}

/// A loss with three decimals, or as a power of ten where those would say nothing.
fn number(loss: f64) -> String {
    if !loss.is_finite() {
        "diverged".to_owned()
    } else if loss < 1000.0 {
        format!("{loss:.3}")
    } else {
        format!("{loss:.1e}")
    }
}
