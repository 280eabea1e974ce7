//! The input in pieces of one object each: its lines, or where objects go over lines or stand in an array, what a walk finds.

use super::bare;
use super::walk::{Step as Stop, Walk};
use crate::failure::Failure;
use crate::formats::lines::{Found, Lines, Need, Woken};
use serde::de::IgnoredAny;

/// Lines, or bytes, of an object that goes on in the next line before it is believed.
const BELIEVED: usize = 64 << 10;

/// The pieces of an input.
pub(super) struct Pieces {
    way: Way,
    /// Whether only lines are pieces.
    has_lines_only: bool,
    has_noted_comments: bool,
}

enum Way {
    /// Nothing but blank lines and comments has been seen.
    Open,
    Lines,
    Walk(Walk),
}

/// The outcome of going on to the next piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// What is current in the lines is a piece.
    Piece,
    Blank,
    /// A comment above the first object, the first one of several.
    Comment,
    Broken(String),
    /// What is current is a cell of a row that is an array.
    Cell,
    /// The input is no object a line.
    NoLines,
    End,
}

impl From<Stop> for Step {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Object => Self::Piece,
            Stop::Broken(why) => Self::Broken(why),
            Stop::Cell => Self::Cell,
            Stop::End => Self::End,
        }
    }
}

impl Pieces {
    /// The pieces of an input of which only lines are pieces, or everything is at the place that is named, where there is one.
    pub(super) fn new(records: Option<&str>, has_lines_only: bool) -> Self {
        let way = records.filter(|_| !has_lines_only).map_or(Way::Open, |path| Way::Walk(Walk::new(path)));
        Self { way, has_lines_only, has_noted_comments: false }
    }

    /// Members of the objects around the current piece, as the beginning of an object.
    pub(super) fn inherited(&self) -> &[u8] {
        match &self.way {
            Way::Walk(walk) => walk.inherited(),
            _ => b"",
        }
    }

    /// Goes on to the next piece.
    #[inline]
    pub(super) fn step(
        &mut self,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Step, Failure> {
        if let Way::Walk(walk) = &mut self.way {
            return Ok(walk.next(lines, before_read)?.into());
        }
        if let Way::Open = self.way {
            lines.mark(before_read)?;
            // An array may be on one line that is longer than any.
            if !self.has_lines_only && lines.peek_behind_mark(before_read)? == Some(b'[') {
                return self.walk(lines, before_read);
            }
        }
        match lines.advance(before_read)? {
            Found::End => return Ok(Step::End),
            Found::TooLong if matches!(self.way, Way::Lines) => {
                return Ok(Step::Broken("the line is too long".to_owned()));
            }
            _ => {}
        }
        if lines.current().trim_ascii().is_empty() && !lines.raw().is_empty() {
            return Ok(Step::Blank);
        }
        if let Way::Lines = self.way { Ok(Step::Piece) } else { self.begin(lines, before_read) }
    }

    /// Looks at the first line that is not blank: whether lines are pieces.
    #[cold]
    fn begin(
        &mut self,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Step, Failure> {
        let text = lines.current().trim_ascii();
        if lines.raw().is_empty() {
            self.way = Way::Lines;
            return Ok(Step::Broken("the line is too long".to_owned()));
        }
        if text.starts_with(b"#") {
            let is_first = !std::mem::replace(&mut self.has_noted_comments, true);
            return Ok(if is_first { Step::Comment } else { Step::Blank });
        }
        let is_walk = text.starts_with(b"[") || goes_on(lines, before_read)?;
        if is_walk && self.has_lines_only {
            return Ok(Step::NoLines);
        }
        if is_walk {
            lines.give_back();
            return self.walk(lines, before_read);
        }
        self.way = Way::Lines;
        Ok(Step::Piece)
    }

    /// Sets out on a walk, and takes its first step.
    fn walk(
        &mut self,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Step, Failure> {
        let mut walk = Walk::new("");
        let stop = walk.next(lines, before_read)?;
        self.way = Way::Walk(walk);
        Ok(stop.into())
    }
}

/// Whether an object ends behind the first line, or another begins within it. Lines that have been looked at are given back but
/// for the first.
fn goes_on(lines: &mut Lines, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<bool, Failure> {
    let mut looked_at = 0;
    let goes_on = loop {
        let length = lines.raw().len();
        let is_looked_at = length >= 2 * looked_at;
        if is_looked_at {
            looked_at = length;
            match State::of(lines.raw()) {
                State::Whole => break lines.count() > 1,
                State::More => break true,
                State::Broken => break false,
                State::Open if length >= BELIEVED => break true,
                State::Open => {}
            }
        }
        if lines.append(before_read)?.is_none() {
            break !is_looked_at && matches!(State::of(lines.raw()), State::Whole | State::More);
        }
    };
    lines.keep_first();
    Ok(goes_on)
}

/// What a text is that begins with an object.
enum State {
    Whole,
    /// An object, and something behind it.
    More,
    Open,
    Broken,
}

impl State {
    fn of(text: &[u8]) -> Self {
        let mut room = Vec::new();
        let text = if bare::quote(text, &mut room) { &room } else { text };
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
        match values.next() {
            _ if !text.trim_ascii_start().starts_with(b"{") => Self::Broken,
            Some(Ok(_)) => {
                let rest = text.get(values.byte_offset()..).unwrap_or_default().trim_ascii_start();
                match rest.first() {
                    None => Self::Whole,
                    Some(b'{') => Self::More,
                    Some(_) => Self::Broken,
                }
            }
            Some(Err(error)) if error.is_eof() => Self::Open,
            _ => Self::Broken,
        }
    }
}
