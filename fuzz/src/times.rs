//! Target `times`: any text as a time. What `clock` is sure of is the same moment here and there, and what jiff prints in a way of
//! spelling that the program documents reads back to the moment that was printed.

use crate::clock::{self, Seen};
use crate::draw::Draw;
use evenkeel_cli::probe;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Patterns of `strftime`, how many digits of a second they print, and whether they print an offset.
const SPELLED: [(&str, u32, bool); 23] = [
    ("%Y-%m-%d %H:%M:%S UTC", 0, false),
    ("%Y-%m-%d %H:%M:%S GMT", 0, false),
    ("%Y-%m-%dT%H:%M:%S.%6fZ+0000", 6, false),
    ("%Y-%m-%dT%H:%M:%S%z", 0, true),
    ("%Y-%m-%d %H:%M:%S.%6f%:z", 6, true),
    ("%Y/%m/%d %H:%M:%S.%3f", 3, false),
    ("%Y/%m/%d %H:%M:%S", 0, false),
    ("%Y-%m-%d %H:%M:%S,%3f", 3, false),
    ("%Y-%m-%d %H:%M:%S.%9f %z CEST", 9, true),
    ("%Y-%m-%d %H:%M:%S %z", 0, true),
    ("%a %b %d %H:%M:%S %Y", 0, false),
    ("%a %b %e %H:%M:%S %Y", 0, false),
    ("%a %b %d %H:%M:%S UTC %Y", 0, false),
    ("%a, %d %b %Y %H:%M:%S GMT", 0, false),
    ("%a, %d %b %Y %H:%M:%S %z", 0, true),
    ("%d/%b/%Y:%H:%M:%S %z", 0, true),
    ("[%d/%b/%Y:%H:%M:%S %z]", 0, true),
    ("%d %b %Y %H:%M:%S", 0, false),
    ("%d %b %Y %H:%M:%S.%3f", 3, false),
    ("%d-%b-%Y %H:%M:%S", 0, false),
    ("%Y-%m-%dT%H:%M:%S.%9f", 9, false),
    ("%Y%m%d%H%M%S", 0, false),
    ("%Y%m%d%H%M", 0, false),
];

pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let cell = text.trim();
    let found = probe::moment(bytes);
    if let Ok(seen) = clock::look(cell) {
        let expected = match seen {
            Seen::Zoned(moment) | Seen::Civil(moment) | Seen::Number(moment) => Some(moment),
            Seen::Far | Seen::OfDay | Seen::Other => None,
        };
        let is_utf8 = std::str::from_utf8(bytes).is_ok() && bytes.len() <= 64;
        assert_eq!(found.as_ref().ok().copied(), expected.filter(|_| is_utf8), "{text:?}: {found:?}");
    }
    let mut draw = Draw::new(bytes);
    let (pattern, digits, has_offset) = SPELLED[draw.below(SPELLED.len())];
    let offset = if has_offset { 15 * (draw.below(105) as i32 - 48) } else { 0 };
    let zone = TimeZone::fixed(Offset::from_seconds(60 * offset).expect("up to 14 hours"));
    let years =
        if pattern.starts_with("%Y%m") { (-2_208_988_800, 7_258_118_400) } else { (-9_214_560_000, 9_214_560_000) };
    let random = draw.random().word() ^ u64::from(draw.byte()) << 56;
    let range = (years.1 - years.0) as u64;
    let second = years.0 + (random >> 8).wrapping_rem(range) as i64;
    let second = if pattern.contains("%S") { second } else { second - second.rem_euclid(60) };
    let nanosecond = (random % 1_000_000_000) as i64;
    let nanosecond = nanosecond - nanosecond % 10_i64.pow(9 - digits);
    let moment =
        Timestamp::from_second(second).and_then(|moment| moment.checked_add(SignedDuration::from_nanos(nanosecond)));
    let moment = moment.expect("a moment of these centuries");
    let spelled = moment.to_zoned(zone).strftime(pattern).to_string();
    let found = probe::moment(spelled.as_bytes());
    assert_eq!(found.map(i128::from), Ok(moment.as_nanosecond()), "{spelled:?}, {pattern:?}, {moment}");
}
