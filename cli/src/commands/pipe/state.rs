//! `--state FILE`: the state of every series survives the process.
//!
//! The file is replaced as a whole, by a new one beside it that is complete and on the disk before it takes the name.
//! So whenever the process or the machine stops, there is one good file, at most an interval old. Whoever reads or
//! writes it holds a lock on `FILE.lock`, which stays there, because a lock on a file that goes away locks nobody out.
//!
//! Between two lines the state is only copied to memory; a thread of its own brings it to the disk.

use super::follow::Follow;
use super::mismatch::{self, Mismatch};
use super::place::{Origin, Place};
use crate::console::{self, Seldom};
use crate::failure::Failure;
use crate::formats::Format;
use crate::output::{Durability, Replacement, Writers, check_may_write, remove_leftover};
use crate::text::time::{self, Unit};
use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use evenkeel::SnapshotInfo;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Least interval of saving: more often is work for nothing.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);

/// The options of the state.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// Go on from the state in this file, if it is there, and save the state of all series to it: again and again, at
    /// the end of the input, and at SIGTERM or SIGINT. No other process may use it meanwhile (FILE.lock is held). It
    /// also counts the lines of the feed, and the count is reported at the start: a feed that is read again can begin
    /// behind them.
    #[arg(long, value_name = "FILE", help_heading = "State")]
    pub(super) state: Option<PathBuf>,

    /// How often the state is saved while the input goes on, such as 500ms or 1m: a process that is killed loses no
    /// more.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = save_every,
        requires = "state",
        help_heading = "State"
    )]
    pub(super) save_every: Duration,

    /// What happens to a state that was made with other options, such as another --half-life, or of a feed in another format. With
    /// `restart` and `convert` the state that was there is saved as FILE.old, in place of one of that name.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t, requires = "state", help_heading = "State")]
    pub(super) state_mismatch: Mismatch,
}

fn save_every(text: &str) -> Result<Duration, String> {
    let every = time::duration(text).ok_or("expected a number and a unit, such as 500ms, 10s or 1m")?;
    if every >= LEAST_INTERVAL { Ok(every) } else { Err(format!("expected at least {LEAST_INTERVAL:?}")) }
}

/// The format of a feed and the unit of its timestamps, as far as they are clear.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Feed {
    pub(super) format: Option<Format>,
    /// The unit, only where times matter.
    pub(super) precision: Option<Unit>,
}

impl Feed {
    /// `self`, with unknown fields taken from `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self { format: self.format.or(other.format), precision: self.precision.or(other.precision) }
    }

    /// The first field in which both are known and differ: its label and both values.
    fn difference(self, other: Self) -> Option<[String; 3]> {
        let formats = self.format.zip(other.format);
        let formats = formats.map(|(one, other)| ["a feed".to_owned(), one.name(), other.name()]);
        let precisions = self.precision.zip(other.precision);
        let precisions =
            precisions.map(|(one, other)| ["a feed with timestamps", one.name(), other.name()].map(str::to_owned));
        [formats, precisions].into_iter().flatten().find(|[_, one, other]| one != other)
    }
}

/// The note that is saved beside the series.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) feed: Feed,
    /// Lines that have been dealt with: by this process, or, in the file, of the whole feed from the first process on.
    pub(super) lines: u64,
    /// How far messages are known, where there have been any.
    pub(super) place: Option<Place>,
}

impl Progress {
    fn to_json(&self) -> Vec<u8> {
        let mut note = json!({ "format": self.feed.format.map(Format::name), "lines": self.lines });
        if let Some(precision) = self.feed.precision {
            note["precision"] = precision.name().into();
        }
        if let Some(place) = &self.place {
            note["nats"] = json!(place);
        }
        note.to_string().into_bytes()
    }

    fn from_json(text: &[u8]) -> Option<Self> {
        let note: Value = serde_json::from_slice(text).ok()?;
        // An unknown field is null or not there.
        let name = |of: &str| match note.get(of) {
            None | Some(Value::Null) => Some(None),
            Some(name) => Some(Some(name.as_str()?)),
        };
        let format = name("format")?.map(|name| Format::from_str(name, false)).transpose().ok()?;
        let precision = name("precision")?.map(|name| Unit::from_str(name, false)).transpose().ok()?;
        let place = note.get("nats").map(Place::deserialize).transpose().ok()?;
        Some(Self { feed: Feed { format, precision }, lines: note.get("lines")?.as_u64()?, place })
    }
}

/// The state file, locked for this process.
pub(super) struct State {
    path: PathBuf,
    /// The lock, held until the process ends.
    _lock: File,
    every: Duration,
    due: Instant,
    /// The state that earlier processes have left.
    resumed: Option<Resumed>,
    /// How far they knew messages, which stays where series begin anew.
    place: Option<Place>,
    /// What has happened to a state that did not fit.
    mismatch: Option<String>,
    /// The lines of the last state that is on the disk; to begin with, none. Nothing after one that could not be saved.
    saved: Option<u64>,
    /// The lines of the last state that was handed to the saver.
    handed_over: u64,
    saver: Saver,
    /// When to warn: what cannot be saved is tried again with every interval.
    warnings: Seldom,
}

/// A summary of the state that earlier processes have left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resumed {
    feed: Feed,
    lines: u64,
    pub(super) series: u64,
    /// The format of the bytes.
    pub(super) format: u32,
}

impl Resumed {
    /// Lines of the feed that earlier processes have dealt with.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }
}

/// The thread that saves states, one at a time.
struct Saver {
    states: Sender<Vec<u8>>,
    /// The memory of the last state, and whether it is on the disk.
    done: Receiver<(Vec<u8>, Result<()>)>,
    /// The memory for the next state; none while it is with the thread.
    memory: Option<Vec<u8>>,
}

impl State {
    /// Locks the file for this process, and loads the state in it into `follow`, if there is one.
    /// `origin` is the stream of messages that the feed is, if it is one.
    pub(super) fn open(
        path: &Path,
        args: &StateArgs,
        asked: Feed,
        origin: Option<&Origin>,
        follow: &mut Follow,
    ) -> Result<Self, Failure> {
        let every = args.save_every;
        // A link goes on pointing to the file.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let cannot = |what: &str, error: &dyn Display| {
            Failure::usage(format!("cannot {what} the state {}: {error}", path.display()))
        };
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Err(cannot("read", &"it is a directory")),
            // A file would take its place.
            Ok(metadata) if !metadata.is_file() => return Err(cannot("read", &"it is no regular file")),
            Err(_) if path.is_symlink() => return Err(cannot("read", &"it is a link to nothing")),
            Ok(_) | Err(_) => {}
        }
        let mut lock_path = path.clone().into_os_string();
        lock_path.push(".lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(lock_path);
        let lock = lock.map_err(|error| cannot("lock", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(cannot("lock", &"another process uses it")),
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &error)),
        }
        let mut found = Found::default();
        match fs::read(&path) {
            Ok(bytes) => {
                check_may_write(&path).map_err(|error| cannot("write", &error))?;
                let resumed = resume(&bytes, asked, origin, follow, args.state_mismatch);
                found = resumed.map_err(|error| cannot("use", &error))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(cannot("read", &error)),
        }
        let mismatch = found.mismatch.map(|what| {
            let old = mismatch::keep_old(&path).map_err(|error| cannot("save a copy of", &error))?;
            Ok::<_, Failure>(format!("{} {what}; the state before is in {}", path.display(), old.display()))
        });
        let mismatch = mismatch.transpose()?;
        remove_leftover(&path);
        let saver = Saver::new(path.clone())?;
        Ok(Self {
            path,
            _lock: lock,
            every,
            due: Instant::now() + every,
            resumed: found.resumed,
            place: found.place,
            mismatch,
            saved: Some(0),
            handed_over: 0,
            saver,
            warnings: Seldom::default(),
        })
    }

    /// The state that earlier processes have left, if there were any.
    pub(super) fn resumed(&self) -> Option<Resumed> {
        self.resumed
    }

    /// What has happened to a state that did not fit, in words, if there was one.
    pub(super) fn mismatch(&self) -> Option<&str> {
        self.mismatch.as_deref()
    }

    /// The format and the unit that earlier processes have found.
    pub(super) fn feed(&self) -> Feed {
        self.resumed.map(|resumed| resumed.feed).unwrap_or_default()
    }

    /// How far earlier processes knew messages.
    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The lines of the state that is on the disk, as far as is known.
    pub(super) fn saved(&mut self) -> Option<u64> {
        if let Some(result) = self.saver.finished() {
            self.hear(result);
        }
        self.saved
    }

    /// Whether a state is on its way to the disk.
    pub(super) fn is_saving(&self) -> bool {
        self.saver.memory.is_none()
    }

    /// Has the state saved at once, unless one is on its way.
    pub(super) fn hurry(&mut self) {
        if !self.is_saving() {
            self.due = Instant::now();
        }
    }

    /// The moment at which to save the state, or to see whether it has been saved, given the lines that have
    /// been dealt with. Nothing while the state on the disk is of just these.
    pub(super) fn due(&self, lines: u64) -> Option<Instant> {
        (self.saved != Some(lines)).then_some(self.due)
    }

    /// Hands the state to the saver, unless the last one is still with it, or is the same and on the disk.
    pub(super) fn save(&mut self, progress: Progress, follow: &Follow) {
        self.due = Instant::now() + self.every;
        if let Some(result) = self.saver.finished() {
            self.hear(result);
        }
        if self.saved != Some(progress.lines)
            && let Err(error) = self.hand_over(progress, follow)
        {
            self.hear(Err(error));
        }
    }

    /// Saves the state for the last time, and waits until it is on the disk.
    pub(super) fn finish(mut self, progress: Progress, follow: &Follow) -> Result<(), Failure> {
        if let Some(result) = self.saver.wait() {
            self.hear(result);
        }
        let result = self.hand_over(progress, follow).and_then(|()| self.saver.wait().unwrap_or(Ok(())));
        Ok(result.with_context(|| format!("cannot save the state {}", self.path.display()))?)
    }

    /// Copies the state to memory and hands it to the saver, unless that is busy.
    fn hand_over(&mut self, progress: Progress, follow: &Follow) -> Result<()> {
        let Some(mut memory) = self.saver.memory.take() else { return Ok(()) };
        memory.clear();
        let lines_before = self.resumed.map_or(0, |resumed| resumed.lines());
        let place = progress.place.or_else(|| self.place.clone());
        let note = Progress { feed: progress.feed.or(self.feed()), lines: lines_before + progress.lines, place };
        let written = follow.write(&mut memory, &note.to_json());
        if written.is_ok() {
            self.handed_over = progress.lines;
            self.saver.start(memory)
        } else {
            self.saver.memory = Some(memory);
            Ok(written?)
        }
    }

    /// Notes whether a state has been saved. One that could not be is no reason to stop: the one before it is on the
    /// disk.
    fn hear(&mut self, result: Result<()>) {
        let Err(error) = result else {
            self.saved = Some(self.handed_over);
            return;
        };
        self.saved = None;
        if self.warnings.is_due() {
            let path = self.path.display();
            console::print(&format_args!(
                "cannot save the state {path}: {error}; it stays as it was, and the stream goes on"
            ));
        }
    }
}

impl Saver {
    fn new(path: PathBuf) -> Result<Self, Failure> {
        let (states, incoming) = channel::<Vec<u8>>();
        let (outgoing, done) = channel();
        let work = move || {
            for state in incoming {
                let result = save(&path, &state);
                if outgoing.send((state, result)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("saver".to_owned()).spawn(work);
        thread.map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        Ok(Self { states, done, memory: Some(Vec::new()) })
    }

    /// Starts to save a state.
    fn start(&mut self, state: Vec<u8>) -> Result<()> {
        self.states.send(state).map_err(|_| anyhow!("the thread for it has ended"))
    }

    /// The result of the last save, once, if there is one yet.
    fn finished(&mut self) -> Option<Result<()>> {
        let (memory, result) = self.done.try_recv().ok()?;
        self.memory = Some(memory);
        Some(result)
    }

    /// The result of the last save, once, waiting for it if need be.
    fn wait(&mut self) -> Option<Result<()>> {
        if self.memory.is_some() {
            return None;
        }
        let (memory, result) = self.done.recv().unwrap_or_else(|error| (Vec::new(), Err(error.into())));
        self.memory = Some(memory);
        Some(result)
    }
}

/// What is found in a file.
#[derive(Debug, Default)]
struct Found {
    /// Nothing where all series begin anew.
    resumed: Option<Resumed>,
    /// How far messages are known; nothing where they are of another stream.
    place: Option<Place>,
    /// What is done about a state that does not fit.
    mismatch: Option<String>,
}

/// Loads the series of a state into `follow`, if they are to go on, and returns what else is in it.
fn resume(
    bytes: &[u8],
    asked: Feed,
    origin: Option<&Origin>,
    follow: &mut Follow,
    on_mismatch: Mismatch,
) -> Result<Found, String> {
    let SnapshotInfo { note, channels: series, format, .. } =
        SnapshotInfo::of(bytes).map_err(|error| error.to_string())?;
    let progress = Progress::from_json(&note).ok_or("it was not written by `evenkeel pipe`")?;
    let Progress { feed: before, lines, place } = progress;
    let other = place.as_ref().zip(origin).filter(|(place, origin)| place.origin != **origin);
    let other =
        other.map(|(place, origin)| ["a stream of messages".to_owned(), place.origin.to_string(), origin.to_string()]);
    let place = if other.is_some() { None } else { place };
    let feed = before.difference(asked).or(other);
    let mismatch = match feed {
        Some([what, before, now]) => on_mismatch.of_feed(&what, &before, &now)?,
        None => on_mismatch.read(bytes, follow)?,
    };
    let resumed = Resumed { feed: before, lines, series, format };
    let is_anew = mismatch.is_some() && on_mismatch == Mismatch::Restart;
    Ok(Found { resumed: (!is_anew).then_some(resumed), place, mismatch })
}

/// Replaces the state by a new one that is on the disk when this returns.
fn save(path: &Path, state: &[u8]) -> Result<()> {
    let mut file = Replacement::new(path, Writers::One, Durability::Lasting)?;
    file.write_all(state)?;
    Ok(file.finish()?)
}
