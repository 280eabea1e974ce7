//! Objects in, objects out: NDJSON.
//!
//! The members that are added go behind those of the object; nothing else is touched. Without `--value`, every member that is
//! a number is followed. A named member may also be a number in quotes, or `null`, which is a missing sample; if it is
//! anything else, that is a bad cell. An object without any of this is passed on, and so are blank lines.

use super::follow::Sample;
use super::names::{self, Choice, ENDINGS};
use super::stream::Stream;
use crate::failure::Failure;
use crate::formats::{Found, Lines, Member, Members, Wanted};
use crate::text::number;
use crate::text::quote::push_string;

/// After so many objects, a named member that none of them has is told.
const ENOUGH: u32 = 100;

/// Reads all lines.
pub(super) fn run(lines: &mut Lines, wanted: Wanted, stream: &mut Stream) -> Result<(), Failure> {
    if stream.is_in_time() && wanted.time.is_none() {
        return Err(Failure::usage(
            "--time names the member with the time, which a memory or an idleness in time needs",
        ));
    }
    let mut objects = Objects::new(wanted);
    loop {
        match lines.advance(&mut |need| stream.before_read(need))? {
            Found::End => break,
            Found::TooLong => stream.drop(lines, "the line is too long")?,
            Found::Line if lines.current().trim_ascii().is_empty() => stream.pass(lines)?,
            Found::Line => match Members::parse(lines.current()) {
                Ok(members) => objects.write(&members, lines, stream)?,
                Err(broken) => stream.drop(lines, broken)?,
            },
        }
    }
    objects.tell_missing(stream);
    Ok(())
}

/// One object after the other.
struct Objects {
    wanted: Wanted,
    /// How many there were, up to [`ENOUGH`].
    count: u32,
    /// The named members that none of them had, each with its option.
    missing: Vec<(&'static str, String)>,
    choice: Choice,
    /// The name of a series.
    name: String,
    /// The beginning of an added member, without the ending of its name.
    key: Vec<u8>,
}

impl Objects {
    fn new(wanted: Wanted) -> Self {
        let Wanted { time, series, values } = &wanted;
        let values = values.iter().map(|name| ("--value", name));
        let roles = time.iter().map(|name| ("--time", name)).chain(series.iter().map(|name| ("--series", name)));
        let missing = roles.chain(values).map(|(option, name)| (option, name.clone())).collect();
        Self { missing, wanted, count: 0, choice: Choice::default(), name: String::new(), key: Vec::new() }
    }

    /// Looks for the named members in the first objects.
    fn look(&mut self, members: &[(&str, Member<'_>)], stream: &Stream) {
        self.missing.retain(|(_, name)| members.iter().all(|(member, _)| member != name));
        self.count += 1;
        if self.count == ENOUGH {
            self.tell_missing(stream);
        }
    }

    /// Says which of them were in no object: their names may be wrong.
    fn tell_missing(&mut self, stream: &Stream) {
        let count = self.count;
        for (option, name) in self.missing.drain(..).filter(|_| count > 0) {
            stream.note(format_args!("{option} {name}: none of the first {count} objects has this member"));
        }
    }

    /// Follows an object, and writes it.
    fn write(&mut self, members: &Members<'_>, lines: &Lines, stream: &mut Stream) -> Result<(), Failure> {
        let members: Vec<(&str, Member<'_>)> = members.iter().collect();
        if !self.missing.is_empty() {
            self.look(&members, stream);
        }
        let Self { wanted, choice, name, key, .. } = self;
        let is_value = |name: &str, member: &Member<'_>| {
            let is_role = wanted.time.as_deref() == Some(name) || wanted.series.as_deref() == Some(name);
            let is_number = || wanted.values.is_empty() && matches!(member, Member::Number(_));
            !is_role && (is_number() || wanted.values.iter().any(|value| value == name))
        };
        choice.choose(
            members.len(),
            |index| members[index].0.as_bytes(),
            |index| is_value(members[index].0, &members[index].1),
        );
        stream.left_alone += choice.left_alone();

        let find = |wanted: &str| members.iter().find(|(name, _)| *name == wanted).map(|(_, member)| member);
        // An object without the name of its series is nobody's.
        let series = match wanted.series.as_deref().map(find) {
            None => Some(""),
            Some(Some(name @ (Member::Number(_) | Member::Text(_)))) => Some(name.text()),
            Some(_) => None,
        };
        let time = match wanted.time.as_deref().and_then(find) {
            Some(time) => stream.moment(lines.number(), time.text().as_bytes())?,
            None => None,
        };
        let raw = lines.raw();
        let end = raw.iter().rposition(|byte| *byte == b'}').unwrap_or(raw.len());
        let (before, behind) = raw.split_at(end);
        stream.put(before);
        for (index, (member, cell)) in members.iter().enumerate() {
            let Some(series) = series.filter(|_| choice.is_followed(index)) else { continue };
            let value = match cell {
                Member::Null => Some(f64::NAN),
                Member::Number(text) => number::parse(text.as_bytes()),
                Member::Text(text) => number::parse(text.as_bytes()),
                Member::Other(_) => None,
            };
            let Some(value) = value else {
                stream.bad_cell(lines.number(), member, cell.text().as_bytes())?;
                continue;
            };
            let name = names::series(name, wanted.series.as_ref().map(|_| series), member);
            let Some(seen) = stream.update(name, Sample { value, time })? else { continue };
            key.clear();
            push_string(key, member.as_bytes());
            key.pop();
            for (ending, number) in ENDINGS.into_iter().zip(seen) {
                if number.is_finite() {
                    stream.put(b",");
                    stream.put(key);
                    stream.put(ending.as_bytes());
                    stream.put(b"\":");
                    stream.put_number(number);
                }
            }
        }
        stream.put(behind);
        stream.end(lines)
    }
}
