//! The terminal: taken when there is something to draw, given back whatever happens.
//!
//! That is at the end, after an error, in a panic of any thread, when a signal ends the program, and for as long as it
//! is stopped.

use crate::failure::Failure;
use anyhow::Context;
use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::CrosstermBackend;
use ratatui::{DefaultTerminal, Frame, Terminal};
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::{flag, low_level};
use std::io::stdout;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The terminal, for as long as this lives.
pub(super) struct Screen {
    terminal: Option<DefaultTerminal>,
    /// Whether the terminal is still to be given back: twice would bring the cursor to where it was before the last
    /// words.
    is_taken: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> Result<Self, Failure> {
        let is_taken = Arc::new(AtomicBool::new(true));
        let mut screen = Self { terminal: None, is_taken: Arc::clone(&is_taken) };
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back(&is_taken);
            hook(info);
        }));
        // Should it fail half-way, what was done is undone when `screen` goes.
        screen.terminal = Some(take().context("cannot use the terminal")?);
        Ok(screen)
    }

    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> Result<(), Failure> {
        // A panic of another thread has given it back already.
        if let Some(terminal) = self.terminal.as_mut().filter(|_| self.is_taken.load(Ordering::Relaxed)) {
            terminal.draw(picture).context("cannot draw on the terminal")?;
        }
        Ok(())
    }
}

impl Screen {
    /// Gives the terminal back, stops the process, and takes the terminal again when it goes on.
    pub(super) fn pause(&mut self) -> Result<(), Failure> {
        give_back(&self.is_taken);
        #[cfg(unix)]
        low_level::emulate_default_handler(signal_hook::consts::SIGTSTP).context("cannot stop")?;
        self.is_taken.store(true, Ordering::Relaxed);
        self.terminal = Some(take().context("cannot use the terminal")?);
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back(&self.is_taken);
    }
}

fn take() -> std::io::Result<DefaultTerminal> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen)?;
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Makes the terminal what it was before. A terminal that is gone is no reason to fail.
fn give_back(is_taken: &AtomicBool) {
    if is_taken.swap(false, Ordering::Relaxed) {
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    }
}

/// The signals that end or stop the program, as far as they have come.
pub(super) struct Signals {
    /// The last signal that came to end the program; zero before.
    last: Arc<AtomicUsize>,
    /// Whether a signal came to stop the program until the shell goes on with it.
    pause: Arc<AtomicBool>,
}

impl Signals {
    /// Listens for signals: from now on they wait until the terminal has been given back.
    pub(super) fn listen() -> Result<Self, Failure> {
        let last = Arc::new(AtomicUsize::new(0));
        for signal in TERM_SIGNALS.iter().copied().chain(HANG_UP) {
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&last), number).context("cannot listen for signals")?;
        }
        let pause = Arc::new(AtomicBool::new(false));
        #[cfg(unix)]
        flag::register(signal_hook::consts::SIGTSTP, Arc::clone(&pause)).context("cannot listen for signals")?;
        Ok(Self { last, pause })
    }

    /// Whether a signal to stop has come since the last call.
    pub(super) fn must_pause(&self) -> bool {
        self.pause.swap(false, Ordering::Relaxed)
    }

    /// Stops all of the pipeline, as Ctrl-Z does on a terminal that is not ours.
    pub(super) fn ask_for_pause() {
        #[cfg(unix)]
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    }

    /// Whether a signal to end the program has come.
    pub(super) fn must_stop(&self) -> bool {
        self.last.load(Ordering::Relaxed) != 0
    }

    /// Ends the program as the signal would have, if one came.
    pub(super) fn obey(&self) {
        if let Ok(signal) = i32::try_from(self.last.load(Ordering::Relaxed))
            && signal != 0
        {
            // Where it cannot, the program ends by itself.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}

/// The signal of a terminal that has gone.
#[cfg(unix)]
const HANG_UP: Option<i32> = Some(signal_hook::consts::SIGHUP);
#[cfg(not(unix))]
const HANG_UP: Option<i32> = None;
