//! `evenkeel watch`: the series on a terminal, as they come.
//!
//! | file | what it does |
//! |---|---|
//! | `feed.rs` | the thread that reads the input, or this machine, into the state |
//! | `state.rs` | what is known of the series |
//! | `view.rs` | how somebody looks at it, and what the keys do |
//! | `draw.rs`, `columns.rs`, `spark.rs`, `style.rs` | the picture |
//! | `screen.rs` | the terminal, taken and given back |

mod columns;
mod draw;
mod feed;
mod screen;
mod spark;
mod state;
mod style;
mod view;

use crate::failure::Failure;
use crate::input::InputArgs;
use crate::machine::check_interval;
use crate::settings::{KeepArgs, Preset, RuleArgs};
use crate::text::time::interval;
use anyhow::Context;
use crossterm::event::{self, Event};
use draw::{About, draw};
use feed::{Origin, Shared};
use parking_lot::Mutex;
use screen::{Screen, Signals};
use state::State;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;
use view::{View, Wish};

/// The picture is drawn so often at most.
const TICK: Duration = Duration::from_millis(100);
/// An input that cannot be used says so sooner than this, and then the screen is left alone.
const PATIENCE: Duration = Duration::from_millis(200);
/// The machine's metrics are read so often, unless the user says otherwise.
const EVERY: Duration = Duration::from_secs(1);

/// Watch series on the terminal, as they come: this machine's metrics, a file or a pipe
///
/// Without INPUT, and with nothing piped in, the series are this machine's own metrics, as `evenkeel record` has them. For
/// each there are its last samples and locations, its score, and how often it had outliers and was re-opened; below, what
/// happened last. The first five samples of a series have no score. The series with the largest score is at the top.
/// Keys: s sorts by score, name or outliers; / shows only names with a text, Esc all of them; arrows, j, k and the page keys
/// scroll; p freezes the display while the input goes on; ? helps; q or Ctrl-C quits; Ctrl-Z stops it until the shell goes on with
/// it. At the end of the input the last display stays.
#[derive(Debug, clap::Args)]
#[command(after_help = with_exit_codes!("\
Examples:
  evenkeel watch
      This machine's own metrics, once a second.
  tail -n +1 -f events.ndjson | evenkeel watch - --max-idle 1h
      A feed; series without a sample for an hour are forgotten."))]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    rule: RuleArgs,

    /// The estimator: what the location of a series is, and which of its samples are outliers.
    #[arg(long, value_enum, default_value_t, help_heading = "Estimator")]
    preset: Preset,

    #[command(flatten)]
    keep: KeepArgs,

    /// Time between readings of this machine's metrics, such as 500ms; at least 250ms, by default 1s.
    #[arg(long, value_name = "DURATION", value_parser = interval, conflicts_with = "path", help_heading = "Input")]
    every: Option<Duration>,
}

/// Runs the command.
pub(crate) fn run(args: &WatchArgs) -> Result<(), Failure> {
    args.every.map_or(Ok(()), check_interval)?;
    let origin = args.origin()?;
    if !io::stdout().is_terminal() {
        return Err(Failure::usage(
            "watch draws on a terminal, and standard output is none: see `evenkeel track` for rows",
        ));
    }
    let about = About { source: origin.name(), preset: args.preset.to_string(), settings: args.rule.decay_label() };
    let state: Shared = Arc::new(Mutex::new(State::new(&args.rule, args.preset, &args.keep)?));
    let ended = feed::start(origin, Arc::clone(&state))?;
    let mut end = End { ended, has_ended: false };
    end.wait(PATIENCE)?;

    let signals = Signals::listen()?;
    let mut screen = Screen::take()?;
    let result = look(&mut screen, &state, &mut end, &signals, &about);
    drop(screen);
    signals.obey();
    result
}

impl WatchArgs {
    fn origin(&self) -> Result<Origin, Failure> {
        if self.input.path.is_none() && io::stdin().is_terminal() {
            return Ok(Origin::Machine { every: self.every.unwrap_or(EVERY) });
        }
        if self.every.is_some() {
            return Err(Failure::usage(
                "--every is of this machine's metrics, which are watched where nothing is piped in: standard input comes when \
                 it comes",
            ));
        }
        Ok(Origin::Input(Box::new(self.input.clone())))
    }
}

impl Origin {
    /// The name of what is watched.
    fn name(&self) -> String {
        match self {
            Self::Machine { .. } => "this machine".to_owned(),
            Self::Input(args) => match args.path.as_deref().filter(|path| *path != Path::new("-")) {
                Some(path) => path.display().to_string(),
                None => "standard input".to_owned(),
            },
        }
    }
}

/// Draws and listens, until somebody has seen enough.
fn look(screen: &mut Screen, state: &Shared, end: &mut End, signals: &Signals, about: &About) -> Result<(), Failure> {
    let mut view = View::default();
    let mut drawn = None;
    while !signals.must_stop() {
        end.check()?;
        if signals.must_pause() {
            screen.pause()?;
            drawn = None;
        }
        let version = state.lock().known.version;
        if drawn != Some(version) {
            let mut state = state.lock();
            state.clear();
            screen.draw(|frame| draw(frame, &state.known, &mut view, about))?;
            drawn = Some(version);
        }
        let cannot = "cannot read the keyboard";
        let mut is_waiting = event::poll(TICK).context(cannot)?;
        while is_waiting {
            if let Event::Key(key) = event::read().context(cannot)? {
                match view.key(key, &state.lock().known) {
                    Wish::Quit => return Ok(()),
                    Wish::Pause => Signals::ask_for_pause(),
                    Wish::Nothing => {}
                }
            }
            // A key or a new size: either way there is something to draw.
            drawn = None;
            is_waiting = event::poll(Duration::ZERO).context(cannot)?;
        }
    }
    Ok(())
}

/// The end of the input.
struct End {
    ended: Receiver<Result<(), Failure>>,
    has_ended: bool,
}

impl End {
    /// Waits for an input that ends badly, for this time at most.
    fn wait(&mut self, most: Duration) -> Result<(), Failure> {
        match self.ended.recv_timeout(most) {
            Ok(result) => {
                self.has_ended = true;
                result
            }
            // The next check finds out whether it is gone.
            Err(_) => Ok(()),
        }
    }

    /// Returns the error of an input that has ended badly since.
    fn check(&mut self) -> Result<(), Failure> {
        if self.has_ended {
            return Ok(());
        }
        match self.ended.try_recv() {
            Ok(result) => {
                self.has_ended = true;
                result
            }
            Err(TryRecvError::Empty) => Ok(()),
            Err(TryRecvError::Disconnected) => Err(Failure::failed("the input could not be read")),
        }
    }
}
