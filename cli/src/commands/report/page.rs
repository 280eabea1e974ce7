//! The page: everything that was found, as HTML that needs nothing from anywhere else.
//!
//! maud escapes whatever is put into the page; only our own style, script and shapes go in as they are. Should anything
//! ever slip through all the same, the page's own policy does not let it load or send anything.

use super::advice::{Advice, Standing};
use super::events::Event;
use super::finding::Finding;
use super::series::{Detail, Ranked, Series};
use crate::console::Counts;
use crate::engine::Marks;
use crate::engine::tally::Tally;
use crate::settings::Preset;
use crate::text::number::{self, rounded};
use crate::views::plot::{PALETTE, Picture};
use crate::views::tails::{self, percent};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::fmt::Write;

/// The policy of the page: it fetches nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
/// Most series that have a row in the summary.
const MOST_LISTED: usize = 5000;
/// Most descriptions that are open from the beginning: what is far down should not have to be scrolled past.
const MOST_OPEN: usize = 10;
/// Digits of locations, scales and values.
const DIGITS: usize = 5;

/// The content of the page.
pub(super) struct Page<'a> {
    pub(super) title: String,
    pub(super) input: String,
    /// The settings of the run, in words.
    pub(super) settings: String,
    /// What there is to say of some series.
    pub(super) remarks: Vec<String>,
    /// Counts of rows, and of what was bad or late.
    pub(super) counts: Counts,
    /// The estimator of the run, and what it calls an outlier.
    pub(super) preset: Preset,
    pub(super) marks: Option<Marks>,
    pub(super) total: Tally,
    /// All series, in the order of the page.
    pub(super) ranked: Vec<Ranked<'a>>,
    /// The plots of the first series.
    pub(super) pictures: Vec<Option<Picture>>,
}

impl Page<'_> {
    /// The page as HTML.
    pub(super) fn html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "evenkeel " (env!("CARGO_PKG_VERSION")) };
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(include_str!("page.css"))) (PreEscaped(plot_colors())) }
                }
                body {
                    header {
                        h1 { (self.title) }
                        p { "Running location and scale of the series in " (self.input) ": " (self.settings) "." }
                    }
                    main {
                        (self.summary())
                        (self.descriptions())
                        (self.explanation())
                    }
                    footer { p { "Made by evenkeel " (env!("CARGO_PKG_VERSION")) "." } }
                    script { (PreEscaped(include_str!("page.js"))) }
                }
            }
        };
        page.into_string()
    }

    /// The counts, and all series in a table.
    fn summary(&self) -> Markup {
        let Tally { samples, missing, outliers, reopenings } = self.total;
        let Counts { rows, bad_rows, bad_values, late } = self.counts;
        let counts = [
            ("rows", rows),
            ("series", self.ranked.len() as u64),
            ("samples", samples),
            ("missing", missing),
            ("outliers", outliers),
            ("re-openings", reopenings),
            ("bad rows", bad_rows),
            ("bad values", bad_values),
            ("late", late),
        ];
        let more = self.ranked.len().saturating_sub(MOST_LISTED);
        html! {
            section aria-labelledby="summary" {
                h2 id="summary" { "Summary" }
                (definitions(&counts))
                @for remark in &self.remarks { p.note { (remark) "." } }
                @if self.ranked.is_empty() {
                    p { "The input has no series." }
                } @else {
                    p { (self.standings()) }
                    p.controls hidden {
                        label for="filter" { "Show series whose name contains" }
                        input id="filter" type="search" autocomplete="off";
                        span id="shown" role="status" {}
                    }
                    div.wide role="region" aria-label="All series" tabindex="0" {
                        table id="all" {
                            caption {
                                "All series: first what is doubtful, then what other settings suit, then the rest; within \
                                 each by the share of outliers."
                            }
                            thead {
                                tr {
                                    @for title in TITLES[0] { th scope="col" { (title) } }
                                    @for title in TITLES[1] { th.number scope="col" { (title) } }
                                }
                            }
                            tbody {
                                @for (place, ranked) in self.ranked.iter().take(MOST_LISTED).enumerate() {
                                    (row(ranked, place < self.pictures.len()))
                                }
                            }
                        }
                    }
                    @if more > 0 { p.note { (more) " more series are not listed." } }
                }
            }
        }
    }

    /// The number of series of each standing.
    fn standings(&self) -> String {
        let all = [Standing::Doubtful, Standing::Other, Standing::Fine, Standing::TooFew];
        let of = |wanted: Option<Standing>| {
            self.ranked.iter().filter(|ranked| ranked.advice.as_ref().map(|advice| advice.standing) == wanted).count()
        };
        let counts = all.map(Some).into_iter().chain([None]).map(|standing| (of(standing), sentence(standing)));
        let list: Vec<String> =
            counts.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        format!("Standing: {}.", list.join(", "))
    }

    /// The descriptions of the first series.
    fn descriptions(&self) -> Markup {
        let rest = self.ranked.len() - self.pictures.len();
        html! {
            @if !self.pictures.is_empty() {
                section aria-labelledby="series" {
                    h2 id="series" { "Series" }
                    @if rest > 0 {
                        p.note {
                            "The " (self.pictures.len()) " series that most deserve attention are described; " (rest) " more \
                             are only listed above. To see another one, name its column with --value, or give only its rows."
                        }
                    }
                    @for (place, (ranked, picture)) in self.ranked.iter().zip(&self.pictures).enumerate() {
                        (self.description(ranked, picture.as_ref(), place < MOST_OPEN))
                    }
                }
            }
        }
    }

    /// The description of a series.
    fn description(&self, ranked: &Ranked, picture: Option<&Picture>, is_open: bool) -> Markup {
        let Ranked { index, series, advice } = ranked;
        let Tally { samples, missing, outliers, reopenings } = series.tally;
        let counts = [("samples", samples), ("missing", missing), ("outliers", outliers), ("re-openings", reopenings)];
        let id = index + 1;
        html! {
            details.series id={ "series-" (id) } open[is_open] {
                summary { h3 { (isolated(name(series))) } " " (badge(advice.as_ref().map(|advice| advice.standing))) }
                @if let Some(advice) = advice {
                    @let settings = advice.settings();
                    @if !settings.is_empty() {
                        p {
                            @if advice.is_makeshift { "Nothing suits it well; the nearest: " } @else { "What suits it: " }
                            code { (settings) }
                        }
                    }
                    ul { @for finding in &advice.findings { li { (finding) } } }
                }
                @if let Some(picture) = picture { (figure(id, series, picture, self.preset)) }
                (definitions(&counts))
                @if let Some(detail) = &series.detail {
                    (tail(series, detail))
                    @let (largest, last) = (detail.outliers.events(), detail.reopenings.events());
                    @if !largest.is_empty() {
                        (events(&format!("Outliers: the largest {} of {outliers}, in order of time", largest.len()), largest))
                    }
                    @if last.len() > 0 {
                        (events(&format!("Re-openings: the last {} of {reopenings}, in order of time", last.len()), last))
                    }
                }
                p.note { a href="#summary" { "Back to all series" } }
            }
        }
    }

    /// The meanings of the words, and the rule by which settings are chosen.
    fn explanation(&self) -> Markup {
        let (outlier_at, unscored) = self.marks.map_or((f64::NAN, 0), |marks| (marks.outlier_at, marks.unscored));
        let [location, scale, outlier] = match self.preset {
            Preset::Clean => [
                "the running average of the series, as if its spikes had not been there: a sample that lies too far from where the \
                 series has lately been is replaced by that place, and all others are averaged as they are."
                    .to_owned(),
                "the running mean size of the residuals about where the series has lately been, those far out clipped."
                    .to_owned(),
                format!("a sample that was replaced: one with a score beyond {outlier_at}, on either side."),
            ],
            Preset::Robust | Preset::Mean => [
                "where the series is: a running average of what is left of the samples when those far out are clipped, and those \
                 further out left out."
                    .to_owned(),
                "the running mean size of the residuals, those far out clipped.".to_owned(),
                format!("a sample with a score beyond {outlier_at}, on either side."),
            ],
        };
        let words = [
            ("Location", location),
            ("Scale", scale),
            (
                "Score",
                format!(
                    "how far a sample was from where the series had been before it, in units of the scale before it. The first \
                     {unscored} samples of a series have none."
                ),
            ),
            ("Outlier", outlier),
            (
                "Re-opening",
                "after a run of samples that are all far out, the estimate starts anew where they are: this is how it follows a \
                 level that has shifted."
                    .to_owned(),
            ),
            (
                "Tail",
                "no distribution at all has more than 1/c of its samples beyond c times their mean size (Markov); Gaussian noise \
                 has as many as the last row says. The scale is the mean size after clipping: a series above Markov's row has most \
                 of its size in its tail, which the scale does not follow."
                    .to_owned(),
            ),
        ];
        html! {
            section aria-labelledby="words" {
                h2 id="words" { "What the words mean" }
                dl.words { @for (word, meaning) in words { dt { (word) } dd { (meaning) } } }
                h3 { "How settings are chosen" }
                p {
                    "All three presets were run over each series beside that of this run, with its memory and patience, and with a \
                     resolution that is learnt. By what they did, step by step:"
                }
                ol { @for rule in Finding::RULES { li { (rule) } } }
            }
        }
    }
}

/// The titles of the summary: first of columns of words, then of columns of numbers.
const TITLES: [&[&str]; 2] = [
    &["Series", "Standing", "What suits it"],
    &["Samples", "Missing", "Outliers", "Share", "Re-openings", "Location", "Scale"],
];

/// The row of a series.
fn row(ranked: &Ranked, is_described: bool) -> Markup {
    let Ranked { index, series, advice } = ranked;
    let Tally { samples, missing, outliers, reopenings } = series.tally;
    let standing = advice.as_ref().map(|advice| advice.standing);
    let settings = advice.as_ref().map(Advice::short).unwrap_or_default();
    let place = standing.map_or(u8::MAX, |standing| standing as u8);
    html! {
        tr {
            th scope="row" {
                @if is_described { a href={ "#series-" (index + 1) } { (isolated(name(series))) } } @else { (isolated(name(series))) }
            }
            td data-value=(place) { (badge(standing)) }
            td { (settings) }
            @for count in [samples, missing, outliers] { td.number { (count) } }
            (measure(series.outlier_share(), &percent(series.outlier_share())))
            td.number { (reopenings) }
            (measure(series.location, &rounded(series.location, DIGITS)))
            (measure(series.scale, &rounded(series.scale, DIGITS)))
        }
    }
}

/// A cell that shows a number in short and has it to the last digit beside.
fn measure(number: f64, text: &str) -> Markup {
    html! { td.number data-value=(number::csv(number, &mut zmij::Buffer::new())) { (text) } }
}

/// The name of a series; words in its place where it is empty.
fn name(series: &Series) -> &str {
    if series.name.is_empty() { "(no name)" } else { &series.name }
}

/// A text from the input, isolated: it may be written in any direction, and may try to turn what follows.
fn isolated(text: &str) -> Markup {
    html! { bdi { (text) } }
}

/// A standing in one or two words.
fn badge(standing: Option<Standing>) -> Markup {
    let (class, words) = match standing {
        Some(Standing::Doubtful) => ("doubtful", "doubtful"),
        Some(Standing::Other) => ("other", "other settings"),
        Some(Standing::Fine) => ("fine", "fine"),
        Some(Standing::TooFew) => ("few", "too few"),
        None => ("few", "not examined"),
    };
    html! { span class={ "badge " (class) } { (words) } }
}

/// A standing in words that follow a count.
fn sentence(standing: Option<Standing>) -> &'static str {
    match standing {
        Some(Standing::Doubtful) => "doubtful",
        Some(Standing::Other) => "better served by other settings",
        Some(Standing::Fine) => "fine",
        Some(Standing::TooFew) => "too short to judge",
        None => "not examined, because beyond the first 500",
    }
}

/// A list of counts.
fn definitions(counts: &[(&str, u64)]) -> Markup {
    html! {
        dl.counts {
            @for (what, count) in counts { div { dt { (what) } dd { (count) } } }
        }
    }
}

/// The plot of a series, with words for who does not see it.
fn figure(id: usize, series: &Series, picture: &Picture, preset: Preset) -> Markup {
    let (width, height) = picture.size;
    let Tally { samples, outliers, reopenings, .. } = series.tally;
    let (location, scale) = (rounded(series.location, DIGITS), rounded(series.scale, DIGITS));
    html! {
        figure {
            div.wide {
                svg.plot viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby={ "title-" (id) " text-" (id) } {
                    title id={ "title-" (id) } { "Plot of " (name(series)) }
                    desc id={ "text-" (id) } {
                        "Raw samples and " (preset.line()) " over time. Of " (samples) " samples, " (outliers)
                        " are marked as outliers; the estimate was re-opened " (reopenings) " times. At the end the location \
                         is " (location) " and the scale " (scale) "."
                    }
                    (PreEscaped(&picture.shapes))
                }
            }
            @if picture.samples_per_span > 1 {
                figcaption.note {
                    "Raw samples are drawn as the span from the smallest to the largest of up to " (picture.samples_per_span)
                    "."
                }
            }
        }
    }
}

/// The tail profile of a series beside the two laws.
fn tail(series: &Series, detail: &Detail) -> Markup {
    let measured = tails::Line::measured(name(series), &detail.tail);
    let lines: Vec<Vec<String>> = [measured].iter().chain(&tails::Line::laws()).map(tails::Line::cells).collect();
    html! {
        div.wide {
            table.tail {
                caption { "Tail: the share of samples whose score is at least so much, and quantiles of that score" }
                thead {
                    tr {
                        @for (column, title) in tails::titles("", |scales| format!("\u{2265} {scales}")).iter().enumerate() {
                            th.number[column > 0] scope="col" { (title) }
                        }
                    }
                }
                tbody {
                    @for line in &lines {
                        @if let Some((name, cells)) = line.split_first() {
                            tr { th scope="row" { (isolated(name)) } @for cell in cells { td.number { (cell) } } }
                        }
                    }
                }
            }
        }
    }
}

/// A list of moments.
fn events<'a>(title: &str, events: impl IntoIterator<Item = &'a Event>) -> Markup {
    html! {
        details.events {
            summary { (title) }
            div.wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "Time" }
                            @for title in ["Value", "Score", "Location after it"] { th.number scope="col" { (title) } }
                        }
                    }
                    tbody {
                        @for event in events {
                            tr {
                                th scope="row" {
                                    @if event.time.trim().is_empty() { "row " (event.row) } @else { (isolated(&event.time)) }
                                }
                                (measure(event.value, &rounded(event.value, DIGITS)))
                                (measure(event.score, &rounded(event.score, 4)))
                                (measure(event.location, &rounded(event.location, DIGITS)))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The rules that give plots the colours of the page's own style in the dark.
fn plot_colors() -> String {
    let mut style = "@media (prefers-color-scheme: dark) {\n".to_owned();
    for (name, color) in PALETTE {
        let (red, green, blue) = (color.0, color.1, color.2);
        for property in ["fill", "stroke"] {
            // Writing to a string cannot fail.
            let _ = writeln!(
                style,
                ".plot [{property}=\"#{red:02X}{green:02X}{blue:02X}\"] {{ {property}: var(--plot-{name}); }}"
            );
        }
    }
    style + "}\n"
}
