//! The way through JSON that is no object a line: objects one behind the other, arrays of them, and those at a place within a
//! document, each cut out of the input alone, so that there may be any number.

use super::scan::Scan;
use crate::failure::Failure;
use crate::formats::lines::{Found, Lines, Need, Woken};
use crate::formats::times::{Says, says_time};
use crate::text::number;
use serde::Deserialize;
use std::borrow::Cow;

/// Most arrays and objects that are gone through, one within the other.
const MOST_DEPTH: usize = 128;

/// Most bytes of the members of an object that are passed on to the objects within it.
const MOST_INHERITED: usize = 4 << 10;

/// A walk to the objects at one place.
#[derive(Debug)]
pub(super) struct Walk {
    /// The names that lead to the place, with dots between them; empty for the objects at the top, in arrays or not.
    path: String,
    /// What has been entered and not left.
    frames: Vec<Frame>,
    /// The members of the objects on the way, as an object.
    inherited: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    is_object: bool,
    /// The beginning, in the path, of the names that are still to be found.
    rest: usize,
    /// The length of what has been inherited from the objects around this one.
    inherited: usize,
}

/// The outcome of a step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An object: what is current.
    Object,
    /// What is current is none, and why.
    Broken(String),
    /// What is current is a cell of a row that is an array.
    Cell,
    End,
}

impl Walk {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.trim_matches('.').to_owned(), frames: Vec::new(), inherited: Vec::new() }
    }

    /// The members of the objects around the current one that go for it, too: times and labels that stand before it.
    pub(super) fn inherited(&self) -> &[u8] {
        &self.inherited
    }

    /// Goes on to the next object.
    pub(super) fn next(
        &mut self,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Step, Failure> {
        loop {
            pass_space(lines, !self.frames.is_empty(), before_read)?;
            let Some(byte) = lines.peek(before_read)? else {
                let is_open = !self.frames.is_empty();
                self.frames.clear();
                return Ok(if is_open {
                    Step::Broken("the input ends within an array or object".to_owned())
                } else {
                    Step::End
                });
            };
            let step = match (byte, self.frames.last()) {
                (b'}' | b']', Some(frame)) if frame.is_object == (byte == b'}') => {
                    self.inherited.truncate(frame.inherited);
                    self.frames.pop();
                    pass_byte(lines, before_read)?;
                    continue;
                }
                (b'}' | b']' | b',' | b':', _) => self.lost(lines, before_read)?,
                (_, None) => self.value(byte, 0, lines, before_read)?,
                (_, Some(&Frame { is_object: false, rest, .. })) => self.value(byte, rest, lines, before_read)?,
                (b'"', Some(&Frame { is_object: true, rest, .. })) => self.member(rest, lines, before_read)?,
                _ => self.lost(lines, before_read)?,
            };
            if let Some(step) = step {
                return Ok(step);
            }
        }
    }

    /// A member of an object on the way.
    fn member(
        &mut self,
        rest: usize,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<Step>, Failure> {
        cut_value(true, lines, before_read)?;
        let name: Option<String> = serde_json::from_slice(lines.raw()).ok();
        pass_space(lines, false, before_read)?;
        if lines.peek(before_read)? != Some(b':') {
            return self.lost(lines, before_read);
        }
        pass_byte(lines, before_read)?;
        pass_space(lines, false, before_read)?;
        let Some(byte) = lines.peek(before_read)? else { return Ok(None) };
        let way = self.path.get(rest..).unwrap_or_default();
        let next = name.as_deref().and_then(|name| match way.strip_prefix(name)? {
            "" => Some(self.path.len()),
            more => more.starts_with('.').then(|| rest + name.len() + 1),
        });
        match (next, byte) {
            (Some(next), _) => self.value(byte, next, lines, before_read),
            (None, b'{') if name.as_deref().and_then(says_time) == Some(Says::Time) => {
                cut_value(true, lines, before_read)?;
                // `sadf -j` has the date and the time of day apart.
                if let Ok(Parts { date, time }) = serde_json::from_slice(lines.raw())
                    && let Ok(text) = serde_json::to_vec(&format!("{date} {time}"))
                {
                    self.bequeath(&name.unwrap_or_default(), &text);
                }
                Ok(None)
            }
            (None, b'{' | b'[') => {
                cut_value(false, lines, before_read)?;
                Ok(None)
            }
            (None, b'}' | b']' | b',' | b':') => self.lost(lines, before_read),
            (None, _) => {
                cut_value(true, lines, before_read)?;
                self.bequeath(&name.unwrap_or_default(), lines.raw());
                Ok(None)
            }
        }
    }

    /// A value at the place, or on the way to it.
    fn value(
        &mut self,
        byte: u8,
        rest: usize,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<Step>, Failure> {
        let is_there = rest == self.path.len();
        match byte {
            b'{' if is_there => {
                let (found, is_closed) = cut_value(true, lines, before_read)?;
                Ok(Some(match found {
                    Found::TooLong => Step::Broken("the object is too long".to_owned()),
                    _ if !is_closed => {
                        self.frames.clear();
                        Step::Broken("the object is not closed".to_owned())
                    }
                    _ => Step::Object,
                }))
            }
            b'{' | b'[' => {
                if self.frames.len() >= MOST_DEPTH {
                    cut_value(false, lines, before_read)?;
                    return Ok(Some(Step::Broken("the arrays are too deep".to_owned())));
                }
                pass_byte(lines, before_read)?;
                self.frames.push(Frame { is_object: byte == b'{', rest, inherited: self.inherited.len() });
                Ok(None)
            }
            _ => {
                cut_value(is_there, lines, before_read)?;
                if is_there
                    && matches!(self.frames[..], [.., Frame { is_object: false, .. }, Frame { is_object: false, .. }])
                {
                    return Ok(Some(Step::Cell));
                }
                Ok(is_there.then(|| Step::Broken("expected a JSON object".to_owned())))
            }
        }
    }

    /// Passes on a member of an object to those within it, if it is a time or a label.
    fn bequeath(&mut self, name: &str, raw: &[u8]) {
        let is_label =
            raw.strip_prefix(b"\"").is_some_and(|raw| number::parse(raw.strip_suffix(b"\"").unwrap_or(raw)).is_none());
        let is_time = raw.first().is_some_and(|byte| *byte != b't' && *byte != b'f') && says_time(name).is_some();
        if (is_label || is_time) && self.inherited.len() + name.len() + raw.len() < MOST_INHERITED {
            let _ = serde_json::to_writer(&mut self.inherited, name);
            self.inherited.push(b':');
            self.inherited.extend_from_slice(raw);
            self.inherited.push(b',');
        }
    }

    /// Goes on at the next line, or where something begins, after what cannot stand where it does.
    fn lost(
        &mut self,
        lines: &mut Lines,
        before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
    ) -> Result<Option<Step>, Failure> {
        self.frames.clear();
        self.inherited.clear();
        let mut is_first = true;
        let mut end = |bytes: &[u8]| {
            bytes.iter().position(|byte| !std::mem::take(&mut is_first) && matches!(byte, b'\n' | b'{' | b'['))
        };
        lines.cut(true, &mut end, before_read)?;
        Ok(Some(Step::Broken("what stands here is no JSON".to_owned())))
    }
}

/// A date and a time of day, each a text of its own.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    date: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// Cuts out the next value. Returns whether it has an end, too.
fn cut_value(
    is_kept: bool,
    lines: &mut Lines,
    before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
) -> Result<(Found, bool), Failure> {
    let mut scan = Scan::default();
    let found = lines.cut(is_kept, &mut |bytes| scan.end(bytes), before_read)?;
    Ok((found, scan.is_closed()))
}

/// Passes over white space, and over commas, where there may be some.
fn pass_space(
    lines: &mut Lines,
    has_commas: bool,
    before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>,
) -> Result<(), Failure> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || has_commas && *byte == b',';
    lines.cut(false, &mut |bytes| bytes.iter().position(|byte| !is_space(byte)), before_read)?;
    Ok(())
}

/// Passes over one byte.
fn pass_byte(lines: &mut Lines, before_read: &mut impl FnMut(Need) -> Result<Woken, Failure>) -> Result<(), Failure> {
    lines.cut(false, &mut |bytes| (!bytes.is_empty()).then_some(1), before_read)?;
    Ok(())
}
