//! The terminal: taken when there is something to draw, given back whatever happens.
//!
//! That is at the end, after an error, in a panic of any thread, and when the program is told to stop.

use crate::failure::Failure;
use anyhow::Context;
use ratatui::{DefaultTerminal, Frame};
use signal_hook::consts::TERM_SIGNALS;
use signal_hook::{flag, low_level};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The terminal, for as long as this lives.
pub(super) struct Screen {
    terminal: Option<DefaultTerminal>,
}

impl Screen {
    pub(super) fn take() -> Result<Self, Failure> {
        let mut screen = Self { terminal: None };
        // Should it fail half-way, what was done is undone when `screen` goes.
        screen.terminal = Some(ratatui::try_init().context("cannot use the terminal")?);
        Ok(screen)
    }

    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> Result<(), Failure> {
        if let Some(terminal) = &mut self.terminal {
            terminal.draw(picture).context("cannot draw on the terminal")?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // This shows the cursor again.
        self.terminal = None;
        ratatui::restore();
    }
}

/// The signals that end a program.
pub(super) struct Signals {
    /// The one that came; zero before.
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on they wait until the terminal has been given back.
    pub(super) fn listen() -> Result<Self, Failure> {
        let last = Arc::new(AtomicUsize::new(0));
        for signal in TERM_SIGNALS.iter().copied().chain(HANG_UP) {
            let number = usize::try_from(signal).unwrap_or_default();
            flag::register_usize(signal, Arc::clone(&last), number).context("cannot listen for signals")?;
        }
        Ok(Self { last })
    }

    pub(super) fn is_told_to_stop(&self) -> bool {
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

/// The terminal itself has gone.
#[cfg(unix)]
const HANG_UP: Option<i32> = Some(signal_hook::consts::SIGHUP);
#[cfg(not(unix))]
const HANG_UP: Option<i32> = None;
