//! The unit a series' name ends with: `disk_read_mb_per_s` is in MB/s.

use crate::text::quote::shortened;

/// Most letters of a counted thing, such as the requests of `requests/s`.
const MOST_LETTERS: usize = 20;

/// Endings and the units they stand for. An ending counts only as a whole word.
const UNITS: [(&str, &str); 48] = [
    ("percent", "%"),
    ("pct", "%"),
    ("ratio", "ratio"),
    ("bytes", "B"),
    ("kb", "kB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("tb", "TB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("tib", "TiB"),
    ("bits", "bit"),
    ("kbit", "kbit"),
    ("mbit", "Mbit"),
    ("gbit", "Gbit"),
    ("ns", "ns"),
    ("us", "µs"),
    ("ms", "ms"),
    ("s", "s"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("milliseconds", "ms"),
    ("microseconds", "µs"),
    ("nanoseconds", "ns"),
    ("minute", "min"),
    ("minutes", "min"),
    ("hours", "h"),
    ("days", "d"),
    ("hz", "Hz"),
    ("khz", "kHz"),
    ("mhz", "MHz"),
    ("ghz", "GHz"),
    ("celsius", "°C"),
    ("fahrenheit", "°F"),
    ("kelvin", "K"),
    ("watts", "W"),
    ("kw", "kW"),
    ("joules", "J"),
    ("volts", "V"),
    ("mv", "mV"),
    ("amps", "A"),
    ("amperes", "A"),
    ("kpa", "kPa"),
    ("hpa", "hPa"),
    ("rpm", "rpm"),
];

/// The unit that a name ends with, if it ends with one.
pub(super) fn of(name: &str) -> Option<String> {
    let words: Vec<&str> =
        name.split(['.', '_', ' ', '-', '/', '(', ')', '[', ']']).filter(|w| !w.is_empty()).collect();
    // A word before it is needed: a series that is called `s` is not measured in seconds for it.
    match words.as_slice() {
        [.., what, "per", time] => known(time).map(|time| {
            let what = known(what).map_or_else(|| shortened(what, MOST_LETTERS), str::to_owned);
            format!("{what}/{time}")
        }),
        [.., "per", _] => None,
        [.., _, last] => known(last).map(str::to_owned),
        _ => None,
    }
}

fn known(word: &str) -> Option<&'static str> {
    UNITS.iter().find(|(ending, _)| ending.eq_ignore_ascii_case(word)).map(|(_, unit)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_units() {
        let unit = |name| of(name).unwrap_or_default();
        assert_eq!(unit("cpu_percent"), "%");
        assert_eq!(unit("memory.used_bytes"), "B");
        assert_eq!(unit("disk_read_mb_per_s"), "MB/s");
        assert_eq!(unit("net.requests_per_second"), "requests/s");
        assert_eq!(unit("net.requests_per_s"), "requests/s");
        assert_eq!(unit("latency.p99.ms"), "ms");
        assert_eq!(unit("Temperature (Celsius)"), "°C");
        for none in ["", "s", "bytes", "value", "cpu_load", "progress", "_", "per_s", "a_per_b"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
