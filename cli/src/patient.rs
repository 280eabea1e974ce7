//! Standard streams that a parent has set not to wait are waited for.
//!
//! `O_NONBLOCK` belongs to the open file, not to the process: who shares a pipe or a terminal with this program may have set it,
//! and then a read where nothing is yet, or a write where there is no room, is an error (`EAGAIN`) and no wait.

use std::io::{self, Read, Write};

/// A stream that waits for the other end.
#[derive(Debug)]
pub(crate) struct Patient<S>(pub(crate) S);

impl<S: Handle> Patient<S> {
    /// Does something to the stream again and again until it is not told to wait.
    fn when_ready<A>(&mut self, event: Event, mut act: impl FnMut(&mut S) -> io::Result<A>) -> io::Result<A> {
        loop {
            match act(&mut self.0) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait(&self.0, event)?,
                result => return result,
            }
        }
    }
}

impl<S: Read + Handle> Read for Patient<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.when_ready(Event::Input, |stream| stream.read(out))
    }
}

impl<S: Write + Handle> Write for Patient<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.when_ready(Event::Room, |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.when_ready(Event::Room, Write::flush)
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Input,
    Room,
}

#[cfg(unix)]
pub(crate) use std::os::fd::AsFd as Handle;

/// Waits until the stream can be read or written, or until there is a signal.
#[cfg(unix)]
fn wait(stream: &impl Handle, event: Event) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    let flags = if event == Event::Input { PollFlags::IN } else { PollFlags::OUT };
    match poll(&mut [PollFd::new(stream, flags)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the stream can be read, or has ended, without waiting.
#[cfg(unix)]
pub(crate) fn has_input(stream: &impl Handle) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
pub(crate) fn has_input(_: &impl Handle) -> bool {
    false
}

/// A stream of a system where reading and writing wait.
#[cfg(not(unix))]
pub(crate) trait Handle {}

#[cfg(not(unix))]
impl<S> Handle for S {}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // as on other systems
fn wait(_: &impl Handle, _: Event) -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_millis(10));
    Ok(())
}
