//! Waiting for input, for a signal or for a time, whichever comes first.
//!
//! SIGTERM and SIGINT end the input where it is, and the program then ends as it does at the end of its input. Another one a
//! second or more later ends the program at once: whatever keeps the first from being heard (a reader that takes nothing) keeps
//! nothing else. Sooner, it is the same one again: `timeout` and process managers signal a process and then its group.

/// The reason why waiting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    Input,
    Signal,
    Time,
}

#[cfg(unix)]
mod unix {
    use crate::commands::pipe::wait::Woken;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use std::io;
    use std::io::{PipeReader, Read};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;
    use std::time::Instant;

    /// The exit code after a second signal.
    const INTERRUPTED: i32 = 130;
    /// Least time between the first signal and one that counts as a second.
    const AGAIN: Duration = Duration::from_secs(1);

    /// The input and signals.
    pub(in super::super) struct Wait {
        is_live: bool,
        /// What can be read when there is input, where that is not standard input.
        bell: Option<PipeReader>,
        /// Has a byte for each signal.
        signals: UnixStream,
    }

    impl Wait {
        /// From now on, signals are heard here. `is_live` is whether standard input may have to be waited for.
        pub(in super::super) fn new(is_live: bool) -> io::Result<Self> {
            Self::on(is_live, None)
        }

        /// From now on, signals are heard here, and input is there when `bell` can be read.
        pub(in super::super) fn for_bell(bell: PipeReader) -> io::Result<Self> {
            Self::on(true, Some(bell))
        }

        fn on(is_live: bool, bell: Option<PipeReader>) -> io::Result<Self> {
            let (signals, sender) = UnixStream::pair()?;
            let (mut first, other) = UnixStream::pair()?;
            let is_late = Arc::new(AtomicBool::new(false));
            for signal in [SIGTERM, SIGINT] {
                signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&is_late))?;
                signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
                signal_hook::low_level::pipe::register(signal, other.try_clone()?)?;
            }
            let arm = move || {
                if first.read(&mut [0]).is_ok() {
                    thread::sleep(AGAIN);
                    is_late.store(true, Ordering::Relaxed);
                }
            };
            thread::Builder::new().name("signals".to_owned()).spawn(arm)?;
            Ok(Self { is_live, bell, signals })
        }

        pub(in super::super) fn is_live(&self) -> bool {
            self.is_live
        }

        /// Whether the input can be read or has ended, and there is no signal.
        pub(in super::super) fn has_input(&self) -> io::Result<bool> {
            Ok(self.for_input(Some(Instant::now()))? == Woken::Input)
        }

        /// Waits until the input can be read or has ended, until there is a signal, or until this time.
        pub(in super::super) fn for_input(&self, until: Option<Instant>) -> io::Result<Woken> {
            let stdin = io::stdin();
            let input = self.bell.as_ref().map_or_else(|| stdin.as_fd(), AsFd::as_fd);
            let mut places =
                [PollFd::new(&self.signals, PollFlags::IN), PollFd::from_borrowed_fd(input, PollFlags::IN)];
            loop {
                let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
                let ready = match poll(&mut places, rest.map(timespec).as_ref()) {
                    Err(Errno::INTR) => continue,
                    other => other?,
                };
                if !places[0].revents().is_empty() {
                    return Ok(Woken::Signal);
                }
                return Ok(if ready == 0 { Woken::Time } else { Woken::Input });
            }
        }
    }

    fn timespec(duration: Duration) -> Timespec {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Timespec { tv_sec: seconds, tv_nsec: duration.subsec_nanos().into() }
    }
}

#[cfg(not(unix))]
mod other {
    use crate::commands::pipe::wait::Woken;
    use std::io;
    use std::io::PipeReader;
    use std::time::Instant;

    /// Waiting where the system has nothing to wait with: reading waits.
    pub(in super::super) struct Wait {
        is_live: bool,
    }

    impl Wait {
        #[allow(clippy::unnecessary_wraps)] // as on other systems
        pub(in super::super) fn new(is_live: bool) -> io::Result<Self> {
            Ok(Self { is_live })
        }

        pub(in super::super) fn for_bell(_: PipeReader) -> io::Result<Self> {
            Self::new(true)
        }

        pub(in super::super) fn is_live(&self) -> bool {
            self.is_live
        }

        #[allow(clippy::unnecessary_wraps)]
        pub(in super::super) fn has_input(&self) -> io::Result<bool> {
            Ok(false)
        }

        #[allow(clippy::unnecessary_wraps)]
        pub(in super::super) fn for_input(&self, _: Option<Instant>) -> io::Result<Woken> {
            Ok(Woken::Input)
        }
    }
}

#[cfg(not(unix))]
pub(super) use other::Wait;
#[cfg(unix)]
pub(super) use unix::Wait;
