//! The tables, in Markdown, and what the picture shows.

use std::fmt::Write;

use anyhow::Result;

use crate::data::{Data, mean_and_deviation};
use crate::method::{Method, RATES, Setting};
use crate::model::Network;
use crate::plot::{Panel, Picture};
use crate::scenario::{DEGREES, Errors, GROSS_ERROR, LABEL_NOISE, NOISE, Scenario};
use crate::study::{Entry, SEEDS, TUNING_SEEDS};
use crate::training::BATCH;

/// Everything that came out, and how it came about.
pub(crate) fn report(
    entries: &[Entry],
    scenarios: &[Scenario],
    methods: &[Method],
    data: &Data,
    epochs: usize,
) -> Result<String> {
    let mut text = String::new();
    setting(&mut text, data, epochs)?;
    results(&mut text, entries, scenarios, methods)?;
    disturbances(&mut text, scenarios, data.train.targets.len())?;
    settings(&mut text, entries)?;
    Ok(text)
}

/// The picture of the clean test losses.
pub(crate) fn picture(entries: &[Entry], scenarios: &[Scenario], methods: &[Method], data: &Data) -> Picture<'static> {
    let panel = |&scenario: &Scenario| Panel {
        caption: scenario.name(),
        scores: entries.iter().filter(|entry| entry.scenario == scenario).map(Entry::losses).collect(),
    };
    Picture {
        title: "Clean test loss of a network trained on red wines, by what is wrong with the training",
        note: format!(
            "Dot: mean of {} seeds. Line: from the least to the greatest. Broken line: always the mean. Further left is better; \
             what lies beyond a panel is drawn at its edge.",
            SEEDS.len()
        ),
        rows: methods.iter().map(|method| (method.name(), method.is_ours())).collect(),
        panels: scenarios.iter().map(panel).collect(),
        width: 116,
        range: [0.55, 1.25],
        ticks: &[0.6, 0.8, 1.0],
        mark: Some(data.loss_of_the_mean()),
    }
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
         others whose labels are always clean: mean ± standard deviation of {} seeds, and in brackets the learning rate,\n\
         which falls linearly to zero, and the bound if there is one. Rate and bound are the one of {} settings that had\n\
         the least loss on {chosen_on} clean validation wines with {} other seeds, chosen for each method in each scenario:\n\
         rates from {} to {}, or five rates with three bounds each. A number in bold is the least of its column, or no\n\
         further from that than its deviation. Always to say the mean costs {}.",
        SEEDS.len(),
        RATES.len(),
        TUNING_SEEDS.len(),
        ends[0],
        ends[1],
        number(data.loss_of_the_mean()),
    )?;
    Ok(writeln!(text)?)
}

/// The table that all this is about.
fn results(text: &mut String, entries: &[Entry], scenarios: &[Scenario], methods: &[Method]) -> Result<()> {
    heading(text, "", scenarios.iter().map(|scenario| scenario.name()))?;
    let best: Vec<f64> = scenarios
        .iter()
        .map(|&scenario| {
            let of = entries.iter().filter(|entry| entry.scenario == scenario && entry.diverged() == 0);
            let losses = of.map(|entry| mean_and_deviation(&entry.losses()));
            losses.min_by(|one, other| one.0.total_cmp(&other.0)).map_or(0.0, |(mean, deviation)| mean + deviation)
        })
        .collect();
    for &method in methods {
        write!(text, "| {} |", method.name())?;
        for (&scenario, &most) in scenarios.iter().zip(&best) {
            for entry in entries.iter().filter(|entry| entry.scenario == scenario && entry.method == method) {
                let (mean, _) = mean_and_deviation(&entry.losses());
                let bold = if mean <= most && entry.diverged() == 0 { "**" } else { "" };
                write!(text, " {bold}{}{bold} ({}) |", loss_of(entry), chosen(entry))?;
            }
        }
        writeln!(text)?;
    }
    Ok(writeln!(text)?)
}

/// What the scenarios are.
fn disturbances(text: &mut String, scenarios: &[Scenario], rows: usize) -> Result<()> {
    writeln!(
        text,
        "A gross error adds {GROSS_ERROR} or -{GROSS_ERROR} standard deviations to a training label, a one-sided one adds them."
    )?;
    for &scenario in scenarios {
        if let Scenario::Labels(Errors { percent, one_sided: false, size }) = scenario
            && size == GROSS_ERROR
        {
            let clean = (1.0 - scenario.spoiled(rows) as f64 / rows as f64).powf(BATCH as f64);
            writeln!(
                text,
                "With {percent}% of them, about {:.0}% of the minibatches hold one.",
                100.0 * (1.0 - clean)
            )?;
        }
    }
    writeln!(
        text,
        "Cauchy noise has a scale of {LABEL_NOISE} standard deviations of the score: half of the labels are off by more."
    )?;
    writeln!(text, "Gradient noise is Student's t of {DEGREES} degrees of freedom, added to every element of every")?;
    writeln!(text, "gradient, {NOISE} times the root mean square of the variable's gradients before the first step.")?;
    Ok(writeln!(text)?)
}

/// How the settings were chosen.
fn settings(text: &mut String, entries: &[Entry]) -> Result<()> {
    writeln!(text, "## Validation loss by setting\n")?;
    writeln!(
        text,
        "Mean of {} seeds, diverged if one of them did; the chosen setting is in bold.\n",
        TUNING_SEEDS.len()
    )?;
    for entry in entries {
        write!(text, "* {}, {}:", entry.scenario.name(), entry.method.name())?;
        for (index, (setting, loss)) in entry.settings.iter().zip(&entry.tuning).enumerate() {
            let bold = if index == entry.chosen { "**" } else { "" };
            write!(text, " {bold}{} {}{bold};", setting_name(*setting), number(*loss))?;
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

/// What one method achieved in one scenario.
fn loss_of(entry: &Entry) -> String {
    let losses = entry.losses();
    let cell = match losses[..] {
        [] => "diverged".to_owned(),
        [loss] => number(loss),
        _ => {
            let (mean, deviation) = mean_and_deviation(&losses);
            format!("{} ± {}", number(mean), number(deviation))
        }
    };
    if entry.diverged() == 0 || losses.is_empty() {
        return cell;
    }
    format!("{cell}, {} of {} diverged", entry.diverged(), entry.outcomes.len())
}

fn chosen(entry: &Entry) -> String {
    let edge = if entry.at_edge() { ", at the edge" } else { "" };
    format!("{}{edge}", setting_name(entry.setting()))
}

fn setting_name(Setting { rate, bound }: Setting) -> String {
    bound.map_or_else(|| rate_name(rate), |bound| format!("{}, {bound}", rate_name(rate)))
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
