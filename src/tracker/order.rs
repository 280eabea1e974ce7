//! The order in which series have been idle: a list through all of them, from the oldest last sample to the newest.
//!
//! The links are channel numbers in the slots themselves, so that a sample moves its series to the end in constant
//! time.

/// The end of the list, where there is no series.
pub(super) const NONE: u32 = u32::MAX;

/// The neighbours of one series in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) older: u32,
    pub(super) newer: u32,
}

impl Links {
    pub(super) const NONE: Self = Self { older: NONE, newer: NONE };
}

/// The slots that carry the links.
pub(super) trait Slots {
    /// The links of a slot; `None` if there is no such slot.
    fn links(&mut self, slot: u32) -> Option<&mut Links>;
}

/// The ends of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) oldest: u32,
    pub(super) newest: u32,
}

impl Order {
    pub(super) const EMPTY: Self = Self { oldest: NONE, newest: NONE };

    /// Puts a slot that is in no list at the newest end.
    pub(super) fn append(&mut self, slots: &mut impl Slots, slot: u32) {
        let older = core::mem::replace(&mut self.newest, slot);
        if let Some(links) = slots.links(slot) {
            *links = Links { older, newer: NONE };
        }
        match slots.links(older) {
            Some(links) => links.newer = slot,
            None => self.oldest = slot,
        }
    }

    /// Removes a slot from the list.
    pub(super) fn unlink(&mut self, slots: &mut impl Slots, slot: u32) {
        let Some(Links { older, newer }) = slots.links(slot).map(|links| core::mem::replace(links, Links::NONE)) else {
            return;
        };
        self.join(slots, older, newer);
    }

    /// Moves a slot to the newest end.
    pub(super) fn touch(&mut self, slots: &mut impl Slots, slot: u32) {
        if self.newest != slot {
            self.unlink(slots, slot);
            self.append(slots, slot);
        }
    }

    /// Repairs the links and the ends after a slot has moved to the number `now`.
    pub(super) fn renumber(&mut self, slots: &mut impl Slots, now: u32) {
        let Some(&mut Links { older, newer }) = slots.links(now) else { return };
        self.join(slots, older, now);
        self.join(slots, now, newer);
    }

    /// Makes two slots neighbours; `NONE` is an end of the list.
    fn join(&mut self, slots: &mut impl Slots, older: u32, newer: u32) {
        match slots.links(older) {
            Some(links) => links.newer = newer,
            None => self.oldest = newer,
        }
        match slots.links(newer) {
            Some(links) => links.older = older,
            None => self.newest = older,
        }
    }
}
