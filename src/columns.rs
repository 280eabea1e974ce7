//! [`Columns`]: state as a structure of arrays, one aligned, padded column for each number that a rule remembers.

use crate::error::ChannelsError;
use crate::lane::Real;
use crate::rule::{Arity, ColumnsOf, Rule};
use aligned_vec::{AVec, ConstAlign};
use core::fmt;

/// The alignment of a column in bytes: a cache line, and the widest vector.
const ALIGNMENT: usize = 64;

type Column<T> = AVec<T, ConstAlign<ALIGNMENT>>;

/// The state of many channels of one rule, in memory of its own.
///
/// Each column is aligned to 64 bytes and padded to whole cache lines with channels that have seen nothing. The columns
/// grow like a `Vec`: adding channels one at a time costs amortised constant time.
pub struct Columns<R: Rule, T: Real> {
    columns: ColumnsOf<R, Column<T>>,
    channels: usize,
}

impl<R: Rule, T: Real> Columns<R, T> {
    /// Makes the state of `channels` channels that have seen nothing.
    ///
    /// # Errors
    /// There is no memory for them.
    pub fn new(channels: usize) -> Result<Self, ChannelsError> {
        let columns = R::Columns::from_fn(|_| Column::new(ALIGNMENT));
        let mut new = Self { columns, channels: 0 };
        new.extend(channels)?;
        Ok(new)
    }

    /// Adds `more` channels that have seen nothing, after the present ones.
    ///
    /// # Errors
    /// There is no memory for them. The present channels are untouched.
    pub fn extend(&mut self, more: usize) -> Result<(), ChannelsError> {
        let out_of_memory = ChannelsError::OutOfMemory { channels: self.channels.saturating_add(more) };
        let per_line = ALIGNMENT / size_of::<T>();
        let channels = self.channels.checked_add(more).ok_or_else(|| out_of_memory.clone())?;
        // A quarter of what a pointer can span: doubling the capacity must not leave that range.
        let most = isize::MAX.unsigned_abs() / size_of::<T>() / 4;
        let padded = channels.checked_next_multiple_of(per_line).filter(|&padded| padded <= most);
        let padded = padded.ok_or_else(|| out_of_memory.clone())?;
        for column in self.columns.as_mut() {
            let missing = padded.saturating_sub(column.len());
            let room = column.capacity() - column.len();
            if missing > room {
                let additional = missing.max(column.len());
                column.try_reserve(additional).map_err(|_| out_of_memory.clone())?;
            }
        }
        for (column, unseen) in self.columns.as_mut().iter_mut().zip(R::unseen::<T>()) {
            column.resize(padded.max(column.len()), unseen);
        }
        self.channels = channels;
        Ok(())
    }

    /// The number of channels, padding not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.channels
    }

    /// Whether there are no channels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.channels == 0
    }

    /// The bytes of state held, padding and room to grow included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.columns.as_ref().iter().map(|column| column.capacity() * size_of::<T>()).sum()
    }

    /// The column of this index, one element per channel; empty if there is no such column.
    #[must_use]
    pub(crate) fn column(&self, index: usize) -> &[T] {
        self.columns.as_ref().get(index).map_or(&[], |column| &column[..self.channels])
    }

    /// All columns to be written, one element per channel, as a [`Sweep`](crate::Sweep) takes them.
    #[inline]
    #[must_use]
    pub fn as_mut_slices(&mut self) -> ColumnsOf<R, &mut [T]> {
        let channels = self.channels;
        R::Columns::map(R::Columns::each_mut(&mut self.columns), |column| &mut column[..channels])
    }

    /// All columns to be read, one element per channel.
    #[must_use]
    pub fn as_slices(&self) -> ColumnsOf<R, &[T]> {
        R::Columns::from_fn(|index| self.column(index))
    }

    /// The state of one channel, one element of each column, as [`Sweep::reading`](crate::Sweep::reading) takes it;
    /// `None` if there is no such channel.
    #[inline]
    #[must_use]
    pub fn state(&self, channel: usize) -> Option<ColumnsOf<R, T>> {
        (channel < self.channels).then(|| R::Columns::from_fn(|index| self.columns.as_ref()[index][channel]))
    }

    /// Resets a channel to one that has seen nothing. Returns false if there is no such channel.
    pub fn reset(&mut self, channel: usize) -> bool {
        if channel >= self.channels {
            return false;
        }
        for (column, unseen) in self.columns.as_mut().iter_mut().zip(R::unseen::<T>()) {
            column[channel] = unseen;
        }
        true
    }

    /// Removes a channel; the last one takes its number. Returns false if there is no such channel.
    pub fn swap_remove(&mut self, channel: usize) -> bool {
        let Some(last) = self.channels.checked_sub(1).filter(|&last| channel <= last) else { return false };
        for column in self.columns.as_mut() {
            column[channel] = column[last];
        }
        // The padding behind the channels has seen nothing.
        self.reset(last);
        self.channels = last;
        true
    }
}

impl<R: Rule, T: Real> Clone for Columns<R, T> {
    fn clone(&self) -> Self {
        Self { columns: R::Columns::from_fn(|index| self.columns.as_ref()[index].clone()), channels: self.channels }
    }
}

impl<R: Rule, T: Real> fmt::Debug for Columns<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns").field("channels", &self.channels).field("lane", &T::NAME).finish_non_exhaustive()
    }
}
