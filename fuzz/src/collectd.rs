//! Target `collectd`: see `telemetry.rs`.

use crate::telemetry::{self, Cell, Line, Plain, Time, is_time, number, words};
use evenkeel_cli::probe::Format;

pub fn check(bytes: &[u8]) {
    telemetry::check::<Collectd>(bytes);
}

/// The types of `types.db` that have several values, with the names of these.
const NAMES: [(&str, &str); 41] = [
    ("compression", "uncompressed compressed"),
    ("df", "used free"),
    ("disk_io_time", "io_time weighted_io_time"),
    ("disk_latency", "read write"),
    ("disk_merged", "read write"),
    ("disk_octets", "read write"),
    ("disk_ops", "read write"),
    ("disk_time", "read write"),
    ("dns_octets", "queries responses"),
    ("domain_state", "state reason"),
    ("ib_octets", "rx tx"),
    ("ib_packets", "rx tx"),
    ("if_dropped", "rx tx"),
    ("if_errors", "rx tx"),
    ("if_octets", "rx tx"),
    ("if_packets", "rx tx"),
    ("io_octets", "rx tx"),
    ("io_ops", "read write"),
    ("io_packets", "rx tx"),
    ("load", "shortterm midterm longterm"),
    ("memcached_octets", "rx tx"),
    ("mysql_octets", "rx tx"),
    ("node_octets", "rx tx"),
    ("ps_count", "processes threads"),
    ("ps_cputime", "user syst"),
    ("ps_disk_octets", "read write"),
    ("ps_disk_ops", "read write"),
    ("ps_pagefaults", "minflt majflt"),
    ("serial_octets", "rx tx"),
    ("smart_attribute", "current worst threshold pretty"),
    ("vf_bytes", "vf_rx vf_tx"),
    ("vf_dropped", "vf_rx vf_tx"),
    ("vf_packets", "vf_rx vf_tx"),
    ("vmpage_faults", "minflt majflt"),
    ("vmpage_io", "in out"),
    ("voltage_threshold", "value threshold"),
    ("arc_counts", "demand_data demand_metadata prefetch_data prefetch_metadata"),
    ("arc_l2_bytes", "read write"),
    ("arc_size", "current target minlimit maxlimit"),
    ("mysql_qcache", "hits inserts not_cached lowmem_prunes queries_in_cache"),
    ("mysql_threads", "running connected cached created"),
];

#[derive(Clone, Default)]
pub(crate) struct Collectd {
    answers: u64,
    asked: String,
}

impl Plain for Collectd {
    const FORMAT: Format = Format::Collectd;

    fn line(&mut self, line: &[u8]) -> Line {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let first = line.split(is_blank).next().unwrap_or_default();
        if first.eq_ignore_ascii_case(b"PUTVAL") {
            return std::str::from_utf8(line).ok().and_then(put).unwrap_or(Line::Bad);
        }
        if first.eq_ignore_ascii_case(b"GETVAL") {
            let rest = &line[first.len()..];
            let start = rest.iter().take_while(|byte| is_blank(byte)).count();
            let Some((name, _)) = identifier(&rest[start..]) else { return Line::Bad };
            self.asked = String::from_utf8(name.to_vec()).unwrap_or_default();
            return Line::Nothing;
        }
        let text = String::from_utf8_lossy(line);
        if is_count(&text) {
            self.answers += 1;
            return Line::Nothing;
        }
        if !line.iter().any(is_blank) && line.contains(&b'=') {
            let Ok(text) = std::str::from_utf8(line) else { return Line::Bad };
            return self.answer(text).unwrap_or(Line::Bad);
        }
        self.asked.clear();
        let is_number = std::str::from_utf8(first).is_ok_and(|first| number(first).is_some());
        if line.starts_with(b"#") || is_number || first.iter().all(u8::is_ascii_uppercase) {
            Line::Nothing
        } else {
            Line::Bad
        }
    }

    fn added(head: &str, ending: &str, _: &str) -> String {
        let parts: Vec<&str> = head.splitn(3, '/').collect();
        match parts[..] {
            [host, plugin, kind] => format!("{host}/{plugin}/gauge-{kind}{ending}"),
            _ => format!("{head}{ending}"),
        }
    }

    fn stem(head: &str, ending: &str, _: &str) -> Option<String> {
        let parts: Vec<&str> = head.strip_suffix(ending)?.splitn(3, '/').collect();
        Some(match parts[..] {
            [host, plugin, kind] => format!("{host}/{plugin}/{}", kind.strip_prefix("gauge-").unwrap_or(kind)),
            _ => {
                let whole = parts.join("/");
                whole.strip_prefix("gauge-").map(str::to_owned).unwrap_or(whole)
            }
        })
    }
}

/// Whether a line says how many values follow.
fn is_count(line: &str) -> bool {
    let digits = words(line).first().copied().unwrap_or_default();
    let rest = line[digits.len()..].trim_start_matches([' ', '\t']);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (rest == "Values found" || rest == "Value found")
}

/// The identifier at the beginning, without its quotes, and how many bytes it takes with them.
fn identifier(text: &[u8]) -> Option<(&[u8], usize)> {
    let (name, taken) = match text.strip_prefix(b"\"") {
        Some(inner) => {
            let mut at = 0;
            while *inner.get(at)? != b'"' {
                at += if inner[at] == b'\\' { 2 } else { 1 };
            }
            (&inner[..at], at + 2)
        }
        None => {
            let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
            (&text[..end], end)
        }
    };
    let mut parts = name.splitn(3, |byte| *byte == b'/');
    let is_whole = (0..3).all(|_| parts.next().is_some_and(|part| !part.is_empty()));
    is_whole.then_some((name, taken))
}

fn put(line: &str) -> Option<Line> {
    let rest = line["PUTVAL".len()..].trim_start_matches([' ', '\t']);
    let (name, taken) = identifier(rest.as_bytes())?;
    let name = std::str::from_utf8(name).ok()?;
    let mut rest = &rest[taken..];
    let list = loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        (trimmed.len() < rest.len() && !trimmed.is_empty()).then_some(())?;
        let end = trimmed.find([' ', '\t']).unwrap_or(trimmed.len());
        let word = &trimmed[..end];
        let Some(equals) = word.find('=') else { break trimmed };
        rest = &trimmed[end..];
        if word[equals + 1..].starts_with('"') {
            let inner = trimmed[equals + 2..].as_bytes();
            let mut at = 0;
            while *inner.get(at)? != b'"' {
                at += if inner[at] == b'\\' { 2 } else { 1 };
            }
            rest = &trimmed[equals + 2 + at + 1..];
        }
    };
    (!list.contains([' ', '\t'])).then_some(())?;
    let (time, values) = list.split_once(':')?;
    let time = match time {
        "N" => Time::Arrival,
        time if is_time(time) => Time::Text(time.to_owned()),
        _ => return None,
    };
    let values: Vec<&str> = values.split(':').collect();
    let kind = name.splitn(3, '/').nth(2)?.split(['-', '.']).next()?;
    let names = NAMES.iter().find(|(known, _)| *known == kind).map_or(Vec::new(), |(_, names)| words(names));
    let mut cells = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let number = if *value == "U" { f64::NAN } else { number(value)? };
        let head = match names.get(index) {
            _ if values.len() == 1 => name.to_owned(),
            Some(value) if names.len() == values.len() => format!("{name}.{value}"),
            _ => format!("{name}.{index}"),
        };
        cells.push(Cell { head, tail: String::new(), number: Some(number) });
    }
    Some(Line::Samples { time, cells })
}

impl Collectd {
    fn answer(&self, text: &str) -> Option<Line> {
        let (name, value) = text.split_once('=')?;
        let number = Some(number(value)?);
        let head = match (self.asked.as_str(), name.strip_prefix("value")) {
            ("", _) => name.to_owned(),
            (asked, Some(rest)) if rest.is_empty() || rest.starts_with('_') => format!("{asked}{rest}"),
            (asked, _) => format!("{asked}.{name}"),
        };
        let cells = vec![Cell { head, tail: String::new(), number }];
        Some(Line::Samples { time: Time::Row(self.answers), cells })
    }
}

/// Whether a first line is an answer, or puts a value.
pub(crate) fn is_first(line: &[u8]) -> bool {
    let is_put = line.get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"PUTVAL "));
    is_count(&String::from_utf8_lossy(line)) || is_put && matches!(Collectd::default().line(line), Line::Samples { .. })
}
