//! The command line: what can be asked of the program, and the help that explains it.

use crate::html_report::ReportArgs;
use crate::input::format_of;
use crate::pipe::PipeArgs;
use crate::record::RecordArgs;
use crate::time::duration;
use crate::watch::WatchArgs;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use evenkeel::{Decay, ParameterError, Resolution, RobustMean};
use jiff::SignedDuration;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  evenkeel track metrics.csv > tracked.csv
      Every numeric column is a series, the first column that is not numeric is the time.
  evenkeel track metrics.csv --time when --value cpu --value load --plot metrics.svg
      Two columns only, with a plot of both.
  evenkeel track long.csv --series host --value cpu --half-life 100 --output tracked.csv
      One row per sample: `host` names the series, `cpu` holds its values.
  tail -n +1 -f events.ndjson | evenkeel track - --output-format csv --quiet
      A live pipe: every row comes out as soon as its sample is in.
  evenkeel profile metrics.csv
      How heavy the tails are, beside Markov's bound and the Gaussian value.
  evenkeel report metrics.csv --output report.html
      A page to look at and to send: every series with its plot, its tails and the settings that suit it.
  evenkeel watch
      This machine's own metrics on the terminal, the one that is furthest off at the top.
  evenkeel record --every 1s --for 10m | evenkeel track
      This machine's own metrics, tracked as they are made.
  evenkeel pipe --state cpu.state
      Inside a pipeline, such as Telegraf's: lines in, the same lines out with what is known of each number.

Exit codes:
  0  The whole input was processed, or the reader of the output closed the pipe.
  1  The output could not be written, or --strict met a bad row.
  2  The command line or the input cannot be used: an unknown option, a column that does not exist, no input.";

/// The running mean of series in files and pipes, as if their spikes had not been there
///
/// For every series the program computes a location (its running mean, or where it is) and a scale (the mean size of its
/// residuals) that single spikes cannot move, and reports which samples are outliers.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Track(TrackArgs),
    Profile(ProfileArgs),
    Report(ReportArgs),
    Watch(WatchArgs),
    Record(RecordArgs),
    Pipe(PipeArgs),
}

/// Follow every series: location, scale, score and outliers, row by row
///
/// The output has the columns time, series, value, location, scale, score and outlier, and one row per sample, missing
/// samples included. Location and scale are those after the sample. The score says how far the sample was from where the
/// series had been, in units of the scale before it; the first five samples of a series have none. An outlier is, with
/// `clean`, a sample that was replaced, else one more than 4 scales away. Numbers read back to the same bits.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrackArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) rule: RuleArgs,

    /// The estimator: what the location of a series is, and which of its samples are outliers.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    pub(crate) preset: TrackPreset,

    /// The format of the output. By default it is that of the input.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) output_format: Option<Format>,

    /// The file to write, `-` for standard output, which is the default. A file appears when all input has been
    /// processed and replaces an older one only then.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    /// Draw the raw series, its plain average and the location into this SVG file, outliers marked. With a half-life in time
    /// there is no plain average in it.
    #[arg(long, value_name = "FILE.svg", value_parser = svg, help_heading = "Output")]
    pub(crate) plot: Option<PathBuf>,

    /// The title of the plot. By default it is the name of the input.
    #[arg(long, value_name = "TEXT", requires = "plot", help_heading = "Output")]
    pub(crate) title: Option<String>,
}

/// Measure the tails of every series, beside Markov's bound and the Gaussian value
///
/// For every series: how many samples were scored, which share of them lay at least 1, 2, 3, 4, 8 and 16 scales from the
/// location, and the scores that 50%, 99% and 99.9% of the samples do not exceed. No distribution at all exceeds c
/// times its mean size more often than 1/c (Markov); Gaussian noise does so as often as the row below says. The scale is the
/// mean size after clipping, so that a series above Markov's row has most of its size in its tail. The first five samples of
/// a series have no score, and are left out.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) rule: RuleArgs,

    /// The estimator whose scores are profiled.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    pub(crate) preset: Preset,

    /// The form of the output: an aligned table for people, or CSV.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ProfileFormat::Table, help_heading = "Output")]
    pub(crate) output_format: ProfileFormat,

    /// The file to write, `-` for standard output, which is the default.
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// The file to read, `-` for standard input, which is also the default when it is not a terminal.
    ///
    /// CSV needs a header. Without --series the table is wide: every column is a series, or only those named by --value.
    /// With --series it is long: one row per sample. An empty cell or NaN is a missing sample, `inf` and `-inf` are
    /// samples. What a column is, its first rows tell. NDJSON has one object per line and follows the same rules with
    /// members for columns: `null` is a missing sample, a member that was never a number is ignored, new members may
    /// appear in any line, and nested values are ignored.
    #[arg(value_name = "INPUT")]
    pub(crate) path: Option<PathBuf>,

    /// The column with the time, which is passed through as it is. By default it is the first column that is not
    /// numeric; where there is none, rows are numbered from 1.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) time: Option<String>,

    /// The column with the name of the series, for long tables.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) series: Option<String>,

    /// A column with values; may be repeated. In a long table with several, series are called `name.column`. By default
    /// it is every numeric column of a wide table, and the only other numeric column of a long one.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) value: Vec<String>,

    /// The format of the input. By default .ndjson, .jsonl and .json files and standard input that begins with `{` are
    /// NDJSON, everything else is CSV.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    pub(crate) format: Option<Format>,

    /// Stop with exit code 1 at the first bad row or cell, instead of reporting, counting and skipping it.
    #[arg(long, help_heading = "Input")]
    pub(crate) strict: bool,

    /// Show no progress, no notes and no summary. Bad rows and errors are still reported.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A file whose name does not say that it is another kind of picture.
fn svg(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let others = ["png", "jpg", "jpeg", "pdf", "webp", "gif"];
    match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase) {
        Some(ending) if others.contains(&ending.as_str()) => Err(format!("it is drawn as SVG, not as {ending}")),
        _ => Ok(path),
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RuleArgs {
    /// The memory: the weight of a sample halves every N samples, 60 by default, or with a unit (ns, us, ms, s, m, h, d;
    /// such as 90s or 5m) in so much time, however many samples there are in it. Time is taken from the time column: RFC
    /// 3339, UTC where there is no offset, or numbers since 1970, below 1e11 seconds, below 1e14 milliseconds, below 1e17
    /// microseconds, else nanoseconds; its first number from 1e8 on settles the unit, and before it they are seconds. A sample older than the last of its series is
    /// skipped as a bad cell is.
    #[arg(
        long,
        value_name = "N|TIME",
        allow_negative_numbers = true,
        conflicts_with_all = ["span", "alpha"],
        help_heading = "Estimator"
    )]
    half_life: Option<HalfLife>,

    /// The memory, as the number of samples of a moving average of the same gain, 2 / (N + 1).
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "alpha", help_heading = "Estimator")]
    span: Option<f64>,

    /// The memory, as the gain itself: how far the average moves towards a sample, above 0 and at most 1.
    #[arg(long, value_name = "A", allow_negative_numbers = true, help_heading = "Estimator")]
    alpha: Option<f64>,

    /// The step in which values are recorded, in their own unit; the scale never falls below half of it. `auto`, the
    /// default, learns it from the values of each series: 1 for whole numbers, 0.1, 0.01 and so on down to 0.000001, and none
    /// for a series that is recorded more finely.
    #[arg(
        long,
        value_name = "auto|none|X",
        value_parser = resolution,
        allow_negative_numbers = true,
        help_heading = "Estimator"
    )]
    pub(crate) resolution: Option<Resolution>,

    /// How many samples far out it takes until they are believed to be a new level, and the estimate starts anew there,
    /// from 1 to 63; samples that are not far out count back. By default it is that of the preset: 10 with `clean`, else 12.
    #[arg(long, value_name = "N", help_heading = "Estimator")]
    pub(crate) patience: Option<u32>,
}

impl RuleArgs {
    /// The half-life where the user gives no memory.
    const HALF_LIFE: HalfLife = HalfLife::Samples(60.0);

    /// How fast the past is forgotten.
    pub(crate) fn decay(&self) -> Result<Decay, ParameterError> {
        match (self.half_life, self.span, self.alpha) {
            (_, Some(samples), _) => Decay::span(samples),
            (_, _, Some(gain)) => Decay::alpha(gain),
            (half_life, ..) => match half_life.unwrap_or(Self::HALF_LIFE) {
                HalfLife::Samples(samples) => Decay::half_life(samples),
                HalfLife::Time(time) => Decay::half_life_time(time),
            },
        }
    }

    /// The same in the words of whoever gave it.
    pub(crate) fn decay_label(&self) -> String {
        match (self.half_life, self.span, self.alpha) {
            (_, Some(samples), _) => format!("span {samples} samples"),
            (_, _, Some(gain)) => format!("alpha {gain}"),
            (half_life, ..) => match half_life.unwrap_or(Self::HALF_LIFE) {
                HalfLife::Samples(samples) => format!("half-life {samples} samples"),
                HalfLife::Time(time) => {
                    format!("half-life {:#}", SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX))
                }
            },
        }
    }

    /// These, with a resolution that is learnt.
    pub(crate) fn learning(&self) -> Self {
        Self { resolution: None, ..self.clone() }
    }

    /// The step in which values are recorded, learnt where the user gives none.
    pub(crate) fn resolution(&self) -> Resolution {
        self.resolution.unwrap_or(Resolution::Learn)
    }

    /// The same in words.
    pub(crate) fn resolution_label(&self) -> String {
        match self.resolution() {
            Resolution::Learn => "automatic".to_owned(),
            Resolution::Step(0.0) => "none".to_owned(),
            Resolution::Step(step) => step.to_string(),
        }
    }

    /// Whether the memory is in time.
    pub(crate) fn is_in_time(&self) -> bool {
        matches!(self.half_life, Some(HalfLife::Time(_)))
    }
}

/// The help says these numbers in words.
const _: () = assert!(RobustMean::START == 5 && RobustMean::MOST_PATIENCE == 63, "the help says other numbers");

/// What the line of the plain exponential average is called.
pub(crate) const PLAIN: &str = "plain average";

/// An estimator with a scale, by its name on the command line, where these lines are its help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// The running mean, as if the spikes had not been there: a sample far from where the series has lately been is replaced
    #[default]
    Clean,
    /// The centre of the bulk of the samples, which spikes hardly move and which soon follows a new level
    Robust,
    /// Between the two: the centre with a wider reach, which stays closer to the mean of skewed or jumping series
    Mean,
}

impl Preset {
    pub(crate) const ALL: [Self; 3] = [Self::Clean, Self::Robust, Self::Mean];

    /// What its line in a plot is called.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Clean => "clean average",
            Self::Robust => "robust location",
            Self::Mean => "robust mean",
        }
    }
}

/// The name on the command line.
impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
    }
}

/// An estimator for `track`, which can do without a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackPreset {
    Scored(Preset),
    Ema,
}

impl Default for TrackPreset {
    fn default() -> Self {
        Self::Scored(Preset::default())
    }
}

impl TrackPreset {
    /// What its line in a plot is called.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Scored(preset) => preset.line(),
            Self::Ema => PLAIN,
        }
    }
}

impl ValueEnum for TrackPreset {
    fn value_variants<'a>() -> &'a [Self] {
        const { &[Self::Scored(Preset::Clean), Self::Scored(Preset::Robust), Self::Scored(Preset::Mean), Self::Ema] }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Scored(preset) => preset.to_possible_value(),
            Self::Ema => Some(
                PossibleValue::new("ema")
                    .help("The plain exponential average, for comparison: no scale, no scores, no outliers"),
            ),
        }
    }
}

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // a comment on a value becomes help for the command line, where its name says enough
pub enum Format {
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    /// The format of the output: what is asked for, or what the name of the file says, or that of the input.
    pub(crate) fn of_output(wanted: Option<Self>, output: Option<&Path>, input: Self) -> Self {
        let named = output.map_or(Self::Csv, format_of);
        // A terminal or a pipe cannot use Parquet; from CSV to NDJSON or back nothing but a wish leads.
        let by_itself = if named == Self::Parquet || input == Self::Parquet { named } else { input };
        wanted.unwrap_or(by_itself)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileFormat {
    Table,
    Csv,
}

/// How long it takes until the weight of a sample has halved.
#[derive(Clone, Copy, Debug, PartialEq)]
enum HalfLife {
    Samples(f64),
    Time(Duration),
}

impl FromStr for HalfLife {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let samples = text.parse().map(Self::Samples).ok();
        samples.or_else(|| duration(text).map(Self::Time)).ok_or_else(|| {
            "expected a number of samples, or a number and a unit of time (ns, us, ms, s, m, h, d), such as 60 or 5m"
                .to_owned()
        })
    }
}

/// The step in which values are recorded.
fn resolution(text: &str) -> Result<Resolution, String> {
    match text {
        "auto" => Ok(Resolution::Learn),
        "none" => Ok(Resolution::Step(0.0)),
        number => number.parse().map(Resolution::Step).map_err(|_| "expected auto, none or a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
