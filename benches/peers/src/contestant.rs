//! What takes turns, and how a turn is timed and a peer checked.

use crate::case::Block;
use crate::lane::Lane;
use crate::reference::Definition;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Something that can be given its turn.
pub(crate) trait Contestant {
    fn name(&self) -> &str;
    /// What it does about outliers, in a few words.
    fn robust(&self) -> &str;
    /// Bytes that an update reads and writes, where that is what is compared.
    fn bytes(&self) -> Option<usize> {
        None
    }
    /// Nanoseconds per update in this turn.
    fn turn(&mut self) -> Result<f64, String>;
}

/// How long a turn lasts at least.
pub(crate) const TURN: Duration = Duration::from_millis(10);

/// Runs parts, which tell how many updates they made: one to warm the caches, which another's turn has cooled, and then
/// as many as a turn has room for.
pub(crate) fn time(mut part: impl FnMut() -> usize) -> f64 {
    part();
    let (start, mut updates) = (Instant::now(), 0);
    while start.elapsed() < TURN {
        updates += part();
    }
    start.elapsed().as_secs_f64() * 1e9 / updates as f64
}

/// Running estimates of many channels, behind some library.
pub(crate) trait Peer<T> {
    /// One sample per channel.
    fn row(&mut self, samples: &[T]) {
        let _ = samples;
        unreachable!("entered for whole series alone");
    }

    /// Whole rows, oldest first.
    fn rows(&mut self, block: &[T]) {
        let _ = block;
        unreachable!("entered for single rows or whole series alone");
    }

    /// The next samples of one channel.
    fn series(&mut self, channel: usize, samples: &[T]) {
        let _ = (channel, samples);
        unreachable!("entered for rows alone");
    }

    /// The present estimate of one channel.
    fn estimate(&self, channel: usize) -> f64;
}

/// How a peer is fed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    RowByRow,
    /// The whole block in one call.
    AtOnce,
    /// One channel after the other, each in one call.
    SeriesBySeries,
}

/// What a peer is called, does about outliers and computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) name: &'static str,
    pub(crate) robust: &'static str,
    pub(crate) definition: Definition,
}

/// A peer entered for a case.
pub(crate) struct Entry<T> {
    label: Label,
    way: Way,
    peer: Box<dyn Peer<T>>,
    block: Rc<Block<T>>,
    /// The row or channel that is next.
    next: usize,
}

impl<T: Lane> Entry<T> {
    /// A peer that has been held to a plain loop on the samples of the case, and then warmed up on them again.
    pub(crate) fn checked(
        label: Label,
        way: Way,
        peer: Box<dyn Peer<T>>,
        block: &Rc<Block<T>>,
        warm_up: usize,
    ) -> Result<Box<dyn Contestant>, String> {
        let mut entry = Self { label, way, peer, block: block.clone(), next: 0 };
        entry.check()?;
        if matches!(way, Way::RowByRow) {
            (0..warm_up.saturating_sub(block.rows)).for_each(|row| entry.peer.row(block.row(row % block.rows)));
        }
        Ok(Box::new(entry))
    }

    /// About this many updates make a part, so that a slow peer's turn ends soon, too.
    const PART: usize = 1 << 18;

    /// One part of the block, and how many updates it made.
    fn part(&mut self) -> usize {
        let Self { way, peer, block, next, .. } = self;
        match way {
            Way::AtOnce => {
                peer.rows(block.row_major());
                block.rows * block.channels
            }
            Way::RowByRow => {
                let count = (Self::PART / block.channels).clamp(1, block.rows - *next);
                (*next..*next + count).for_each(|row| peer.row(block.row(row)));
                *next = (*next + count) % block.rows;
                count * block.channels
            }
            Way::SeriesBySeries => {
                let count = (Self::PART / block.rows).clamp(1, block.channels - *next);
                (*next..*next + count).for_each(|channel| peer.series(channel, block.series(channel)));
                *next = (*next + count) % block.channels;
                count * block.rows
            }
        }
    }

    /// Feeds the whole block once and compares some channels with the plain loop: at the end, and row by row in
    /// between.
    fn check(&mut self) -> Result<(), String> {
        loop {
            self.part();
            let ended = matches!(self.way, Way::AtOnce) || self.next == 0;
            let rows = match self.way {
                Way::RowByRow if !ended => self.next,
                _ if ended => self.block.rows,
                _ => continue,
            };
            self.compare(rows)?;
            if ended {
                return Ok(());
            }
        }
    }

    fn compare(&self, rows: usize) -> Result<(), String> {
        let (last, picks) = (self.block.channels - 1, self.block.channels.min(17) - 1);
        for channel in (0..=picks).map(|pick| pick * last / picks.max(1)) {
            let samples = self.block.beginning(channel, rows);
            let Label { name, definition, .. } = self.label;
            let error = |error| format!("{name}, channel {channel}: {error}");
            definition.check(&samples, self.peer.estimate(channel)).map_err(error)?;
        }
        Ok(())
    }
}

impl<T: Lane> Contestant for Entry<T> {
    fn name(&self) -> &str {
        self.label.name
    }

    fn robust(&self) -> &str {
        self.label.robust
    }

    fn turn(&mut self) -> Result<f64, String> {
        Ok(time(|| self.part()))
    }
}
