//! The tables, in Markdown, and what the picture shows.

use std::fmt::Write;

use anyhow::Result;

use super::method::{Method, Setting};
use super::plot::{Panel, Picture};
use super::study::Entry;
use super::task::Sheet;
use super::training::RISES;

/// Everything that came out, and how it came about.
pub(crate) fn report(entries: &[Entry], scenarios: &[usize], sheet: &Sheet, steps: usize) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "# {}\n", sheet.title)?;
    writeln!(
        text,
        "{}\n\nA run is {steps} steps in minibatches of {}; the learning rate rises over the first {:.0}% and falls linearly to\n\
         zero. Mean ± standard deviation of {} seeds, and in brackets the highest rate, and the bound if there is one: the\n\
         best of {} settings on clean validation data with {} other {}, chosen for each method in each scenario. A\n\
         number in bold is the least of its column, or no further from that than its deviation.\n",
        sheet.about,
        sheet.batch,
        100.0 * RISES,
        sheet.seeds,
        sheet.rates.len(),
        sheet.tuning_seeds,
        plural(sheet.tuning_seeds),
    )?;
    results(&mut text, entries, scenarios, sheet)?;
    settings(&mut text, entries, sheet)?;
    Ok(text)
}

/// The picture of the clean test scores.
pub(crate) fn picture<'a>(entries: &[Entry], scenarios: &[usize], sheet: &'a Sheet) -> Picture<'a> {
    let mark = sheet.mark.map_or_else(String::new, |(mark, _)| format!(" Broken line: {mark}."));
    let panel = |&scenario: &usize| Panel {
        caption: sheet.scenarios[scenario].to_owned(),
        scores: entries.iter().filter(|entry| entry.scenario == scenario).map(Entry::scores).collect(),
    };
    Picture {
        title: &sheet.title,
        note: format!(
            "Dot: mean of {} seeds. Line: from least to greatest.{mark} Left is better; what is beyond is drawn at the edge.",
            sheet.seeds,
        ),
        rows: Method::ALL.map(|method| (method.name(), method.is_ours())).into(),
        panels: scenarios.iter().map(panel).collect(),
        width: 190,
        range: sheet.range,
        ticks: &sheet.ticks,
        mark: sheet.mark.map(|(_, mark)| mark),
    }
}

/// The table that all this is about.
fn results(text: &mut String, entries: &[Entry], scenarios: &[usize], sheet: &Sheet) -> Result<()> {
    write!(text, "| |")?;
    for &scenario in scenarios {
        write!(text, " {} |", sheet.scenarios[scenario])?;
    }
    writeln!(text, "\n|---|{}", "---|".repeat(scenarios.len()))?;
    let best: Vec<f64> = scenarios
        .iter()
        .map(|&scenario| {
            let of = entries.iter().filter(|entry| entry.scenario == scenario && entry.diverged() == 0);
            let scores = of.map(|entry| mean_and_deviation(&entry.scores()));
            scores.min_by(|one, other| one.0.total_cmp(&other.0)).map_or(0.0, |(mean, deviation)| mean + deviation)
        })
        .collect();
    for method in Method::ALL {
        write!(text, "| {} |", method.name())?;
        for (&scenario, &most) in scenarios.iter().zip(&best) {
            for entry in entries.iter().filter(|entry| entry.scenario == scenario && entry.method == method) {
                let (mean, _) = mean_and_deviation(&entry.scores());
                let bold = if mean <= most && entry.diverged() == 0 { "**" } else { "" };
                write!(text, " {bold}{}{bold} ({}) |", score_of(entry, sheet.decimals), chosen(entry))?;
            }
        }
        writeln!(text)?;
    }
    Ok(writeln!(text)?)
}

/// How the settings were chosen.
fn settings(text: &mut String, entries: &[Entry], sheet: &Sheet) -> Result<()> {
    writeln!(text, "## Validation by setting\n")?;
    let seeds = sheet.tuning_seeds;
    writeln!(text, "Mean of {seeds} {}; the chosen setting is in bold.\n", plural(seeds))?;
    for entry in entries {
        write!(text, "* {}, {}:", sheet.scenarios[entry.scenario], entry.method.name())?;
        for (index, (setting, score)) in entry.settings.iter().zip(&entry.tuning).enumerate() {
            let bold = if index == entry.chosen { "**" } else { "" };
            write!(text, " {bold}{} {}{bold};", setting_name(*setting), number(*score, sheet.decimals))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// What one method achieved in one scenario.
pub(crate) fn score_of(entry: &Entry, decimals: usize) -> String {
    let scores = entry.scores();
    let cell = match scores[..] {
        [] => "diverged".to_owned(),
        [score] => number(score, decimals),
        _ => {
            let (mean, deviation) = mean_and_deviation(&scores);
            format!("{} ± {}", number(mean, decimals), number(deviation, decimals))
        }
    };
    if entry.diverged() == 0 || scores.is_empty() {
        return cell;
    }
    format!("{cell}, {} of {} diverged", entry.diverged(), entry.outcomes.len())
}

/// The setting with which that was.
pub(crate) fn chosen(entry: &Entry) -> String {
    let edge = if entry.at_edge() { ", at the edge" } else { "" };
    format!("{}{edge}", setting_name(entry.setting()))
}

fn plural(seeds: u64) -> &'static str {
    if seeds == 1 { "seed" } else { "seeds" }
}

fn setting_name(Setting { rate, bound }: Setting) -> String {
    let rate = format!("{rate:e}").trim_end_matches("e0").to_owned();
    bound.map_or_else(|| rate.clone(), |bound| format!("{rate}, {bound}"))
}

fn number(score: f64, decimals: usize) -> String {
    if score.is_finite() { format!("{score:.decimals$}") } else { "diverged".to_owned() }
}

/// The mean, and the standard deviation of which these are a sample: 0 of one.
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (count - 1.0).max(1.0)).sqrt())
}
