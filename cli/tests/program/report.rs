//! The page: its numbers are those of `track` and `profile`, it needs nothing from outside, and nothing in the input gets
//! out of its place.

use crate::support::{evenkeel, file, lines, noise, rows, stderr, stdout, track};
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use std::fs;

fn report(input: impl Into<Vec<u8>>, args: &[&str]) -> Assert {
    evenkeel(&["report"]).args(args).write_stdin(input).assert()
}

/// The page for this input.
fn page(input: impl Into<Vec<u8>>, args: &[&str]) -> String {
    stdout(&report(input, args).success())
}

/// All text between these two, each time.
fn all<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    page.split(start).skip(1).map(|rest| rest.split_once(end).expect("an end").0).collect()
}

/// The text of a piece of the page, tags taken away.
fn text(html: &str) -> String {
    let text: String = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The rows of the table of all series: text and, where a cell has one, its number to the last digit.
fn summary(page: &str) -> Vec<Vec<String>> {
    let table = all(page, "<table id=\"all\"", "</table>")[0];
    let body = all(table, "<tbody>", "</tbody>")[0];
    let cell = |cell: &str| {
        let (tag, content) = cell.split_once('>').expect("a tag");
        match tag.split_once("data-value=\"") {
            Some((_, value)) if tag.contains("number") => value.trim_end_matches('"').to_owned(),
            _ => text(content),
        }
    };
    all(body, "<tr>", "</tr>")
        .into_iter()
        .map(|row| row.replace("<th", "<td").replace("</th>", "</td>"))
        .map(|row| all(&row, "<td", "</td>").into_iter().map(cell).collect())
        .collect()
}

/// The description of a series.
fn description<'a>(page: &'a str, name: &str) -> &'a str {
    let descriptions: Vec<&str> = page.split("<details class=\"series\"").skip(1).collect();
    let heading = format!("<h3><bdi>{name}</bdi></h3>");
    descriptions.into_iter().find(|description| description.contains(&heading)).expect("a description")
}

/// Four series: noise, noise with spikes and gaps, levels, and one that is skewed.
fn input() -> String {
    let (mut clean, mut spiky, mut level, mut skewed) = (noise(1), noise(2), noise(3), noise(4));
    let rows = lines(0..3000, |row| {
        let mut next = || spiky.next().unwrap() + if row % 40 == 39 { 100.0 } else { 0.0 };
        let spiky = if row % 50 == 7 { String::new() } else { next().to_string() };
        let jump = if row / 50 % 2 == 0 { 0.0 } else { 50.0 };
        let (clean, level) = (clean.next().unwrap(), jump + level.next().unwrap());
        format!("T{row:04},{clean},{spiky},{level},{}", skewed.next().unwrap().exp())
    });
    format!("when,clean,spiky,levels,skewed\n{rows}")
}

/// Whether all numbers of the page for four series are those that `track` has for the same input.
fn assert_numbers(input: &str, args: &[&str]) {
    let page = page(input, args);
    let tracked = track(input, args).success();
    let rows = rows(&stdout(&tracked));
    let summary = summary(&page);
    assert_eq!(summary.len(), 4);
    for cells in &summary {
        let of: Vec<_> = rows.iter().filter(|row| row.series == cells[0]).collect();
        let seen = of.iter().filter(|row| !row.value.is_nan()).count();
        let outliers = of.iter().filter(|row| row.outlier).count();
        let last = of.last().unwrap();
        assert_eq!(cells[3], seen.to_string(), "{cells:?}");
        assert_eq!(cells[4], (of.len() - seen).to_string());
        assert_eq!(cells[5], outliers.to_string());
        assert_eq!(cells[6].parse::<f64>().unwrap(), outliers as f64 / seen as f64);
        assert_eq!(cells[8].parse::<f64>().unwrap().to_bits(), last.location.to_bits());
        assert_eq!(cells[9].parse::<f64>().unwrap().to_bits(), last.scale.to_bits());

        // The list has the twenty largest scores of outliers, in the order in which they came.
        let outliers = of.iter().enumerate().filter(|(_, row)| row.outlier);
        let mut largest: Vec<_> = outliers.map(|(place, row)| (row.score.abs(), place)).collect();
        largest.sort_by(|one, other| other.0.total_cmp(&one.0));
        largest.truncate(20);
        largest.sort_by_key(|(_, place)| *place);
        let times: Vec<String> = largest.into_iter().map(|(_, place)| of[place].time.clone()).collect();
        let description = description(&page, &cells[0]);
        let lists = all(description, "<details class=\"events\">", "</details>");
        let largest_of = lists.into_iter().find(|list| list.contains("the largest"));
        let listed = largest_of.map(|list| all(list, "<th scope=\"row\"><bdi>", "</bdi></th>"));
        assert_eq!(listed.unwrap_or_default(), times, "{}", cells[0]);
    }
    // And all of them together, re-openings included, are what `track` says at its end.
    let total = |page: &str, what: &str| {
        let start = format!("<dt>{what}</dt><dd>");
        all(page, &start, "</dd>")[0].to_owned()
    };
    let said = stderr(&tracked);
    for what in ["rows", "samples", "series", "missing", "outliers", "re-openings"] {
        let number = total(&page, what);
        assert!(said.contains(&format!("{what} {number},")), "{what} {number} in {said}");
    }
    let reopenings: u64 = summary.iter().map(|cells| cells[7].parse::<u64>().unwrap()).sum();
    assert_eq!(reopenings.to_string(), total(&page, "re-openings"));
}

#[test]
fn the_numbers_are_those_of_track() {
    for preset in ["clean", "robust", "mean"] {
        assert_numbers(&input(), &["--half-life", "40", "--preset", preset]);
    }
}

#[test]
fn a_memory_in_time_is_the_same_as_in_track() {
    // Times of day, and one in twenty samples a minute late: the next ones come before it.
    let in_time = |late: u32| {
        let rows = input();
        lines(rows.lines().enumerate(), |(row, line)| match line.split_once(',') {
            Some((_, cells)) if row > 0 => {
                let row = u32::try_from(row).unwrap();
                format!("{},{cells}", 1_700_000_000 + row + if row % 20 == 0 { late } else { 0 })
            }
            _ => line.to_owned(),
        })
    };
    assert_numbers(&in_time(60), &["--time", "when", "--half-life", "40s"]);
    // At equal distances it is the memory in samples; the other series has gaps.
    let columns = ["--time", "when", "--value", "clean", "--value", "levels", "--value", "skewed", "--half-life"];
    let of = |half_life| summary(&page(in_time(0), &[&columns[..], &[half_life]].concat()));
    assert_eq!(of("40s"), of("40"));
}

#[test]
fn the_tails_are_those_of_profile() {
    for args in [&[][..], &["--preset", "robust"], &["--preset", "mean", "--patience", "20", "--span", "50"]] {
        let page = page(input(), args);
        let table = stdout(&evenkeel(&["profile"]).args(args).write_stdin(input()).assert().success());
        for name in ["clean", "spiky", "levels", "skewed", "Markov's bound", "Gaussian"] {
            let line = table.lines().find(|line| line.starts_with(name)).unwrap();
            let wanted: Vec<&str> = line[name.len()..].split_whitespace().collect();
            let series = if ["clean", "spiky", "levels", "skewed"].contains(&name) { name } else { "clean" };
            let body = all(description(&page, series), "<table class=\"tail\">", "</table>")[0];
            let row = all(body, &format!("<th scope=\"row\"><bdi>{name}</bdi></th>"), "</tr>")[0];
            let cells: Vec<String> = all(row, "<td class=\"number\">", "</td>").into_iter().map(text).collect();
            let cells: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
            assert_eq!(cells, wanted, "{name}");
        }
    }
}

#[test]
fn what_deserves_attention_comes_first_and_is_told_why() {
    let page = page(input(), &[]);
    let found: Vec<_> =
        summary(&page).into_iter().map(|cells| [&cells[0], &cells[1], &cells[2]].map(Clone::clone)).collect();
    let expected = [
        ["levels", "doubtful", "robust"],
        ["skewed", "other settings", "mean"],
        ["spiky", "fine", "clean"],
        ["clean", "fine", "clean"],
    ];
    assert_eq!(found, expected.map(|cells| cells.map(str::to_owned)));
    for (name, reason) in [("levels", "jumps between levels"), ("skewed", "octile skew 0."), ("clean", "much alike")] {
        assert!(text(description(&page, name)).contains(reason), "{name}");
    }
    // With what was recommended, nothing else is.
    let again = self::page(input(), &["--value", "skewed", "--preset", "mean"]);
    assert_eq!(summary(&again)[0][..3], ["skewed", "fine", "mean"].map(str::to_owned));
}

#[test]
fn every_input_that_track_reads_makes_the_same_page() {
    let wide = "t,a,b\nT1,1,2\nT2,3,\nT3,5,6\n";
    let ndjson = "{\"t\":\"T1\",\"a\":1,\"b\":2}\n{\"t\":\"T2\",\"a\":3,\"b\":null}\n{\"t\":\"T3\",\"a\":5,\"b\":6}\n";
    let long = "t,s,v\nT1,a,1\nT1,b,2\nT2,a,3\nT2,b,\nT3,a,5\nT3,b,6\n";
    let expected = summary(&page(wide, &[]));
    assert_eq!(expected.len(), 2);
    assert_eq!(summary(&page(ndjson, &[])), expected);
    assert_eq!(summary(&page(long, &["--series", "s"])), expected);
    let (_directory, path) = file("in.csv", wide);
    let page = stdout(&evenkeel(&["report", "--quiet"]).arg(&path).assert().success().stderr(""));
    assert_eq!(summary(&page), expected);
    assert!(page.contains("<h1>in.csv</h1>"));
}

#[test]
fn it_needs_nothing_from_outside() {
    let page = page(input(), &["--title", "Four series"]);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">") && page.ends_with("</html>"));
    for outside in ["http:", "https:", "//", "src=", "@import", "url(", "<iframe", "<object", "<embed", "fetch("] {
        // The script is ours, and its comments are no addresses.
        let rest = page.replace("// ", "");
        assert!(!rest.contains(outside), "{outside}");
    }
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    assert_eq!(all(&page, "<link ", ">"), ["rel=\"icon\" href=\"data:,\""]);
    assert!(page.contains("<title>Four series</title>") && page.contains("prefers-color-scheme: dark"));
}

#[test]
fn whoever_does_not_see_it_can_read_it() {
    let page = page(input(), &[]);
    assert_eq!(page.matches("<h1>").count(), 1);
    let pictures = all(&page, "<svg ", "</svg>");
    assert_eq!(pictures.len(), 4);
    for picture in pictures {
        let named = all(picture, "aria-labelledby=\"", "\"")[0];
        for id in named.split(' ') {
            assert!(picture.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert!(picture.contains("role=\"img\"") && picture.contains("<title") && picture.contains("<desc"));
    }
    for table in all(&page, "<table", "</table>") {
        assert!(table.contains("<thead>") && table.contains("scope=\"col\"") && table.contains("scope=\"row\""));
    }
    // Every name leads to its description, and no two things have one name.
    let mut ids = all(&page, " id=\"", "\"");
    for link in all(&page, "href=\"#", "\"") {
        assert!(ids.contains(&link), "{link}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// Tags must nest, or something has got out of its place.
fn assert_nested(page: &str) {
    let page = all(page, "</head>", "</html>")[0].split("<script>").collect::<Vec<_>>();
    assert_eq!(page.len(), 2, "one script");
    let mut open: Vec<&str> = Vec::new();
    for tag in page[0].split('<').skip(1).map(|tag| tag.split_once('>').expect("a closed tag").0) {
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !["input", "meta", "link", "br"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["body"]);
}

#[test]
fn hostile_names_stay_names() {
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style></svg><b>",
        "a&b &lt; ]]> <!--",
        "javascript:alert(1)",
        "\u{202e}\u{1f600} \u{7}",
    ];
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let header: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let (mut numbers, header) = (noise(5), header.join(","));
    let body = lines(0..300, |row| {
        let values = names.map(|_| (numbers.next().unwrap() + if row == 200 { 1e6 } else { 0.0 }).to_string());
        format!("{},{}", quoted("<i>12:00</i>"), values.join(","))
    });
    let page = page(
        format!("{},{header}\n{body}", quoted("<u>time</u>")),
        &["--time", "<u>time</u>", "--title", "<h1>\"Title\" & 'more'"],
    );
    for bad in ["<script>alert", "<img", "<b>", "<i>", "<u>", "<!--", "onerror=alert(1)>", "<h1><h1>", "\u{7}"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert_nested(&page);
    let mut listed: Vec<String> = summary(&page).into_iter().map(|cells| cells[0].clone()).collect();
    listed.sort();
    let mut expected = names.map(|name| name.replace('\u{7}', "\u{fffd}"));
    expected.sort();
    assert_eq!(listed, expected);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("&lt;i&gt;12:00&lt;/i&gt;"));
}

#[test]
fn empty_series_and_empty_tables_have_a_page() {
    let page = page("t,a,b,c\nT1,,1,inf\nT2,,1,-inf\nT3,,1,NaN\n", &["--value", "a", "--value", "b", "--value", "c"]);
    let summary = summary(&page);
    assert_eq!(summary.len(), 3);
    let of = |name: &str| summary.iter().find(|cells| cells[0] == name).unwrap().clone();
    assert_eq!(of("a")[1..], ["too few", "", "0", "3", "0", "0.0", "0", "", ""].map(str::to_owned));
    assert_eq!(of("b")[3..6], ["3", "0", "0"].map(str::to_owned));
    assert_nested(&page);
    let page = self::page("t,a\n", &[]);
    assert!(page.contains("The input has no series.") && !page.contains("<table"));
    assert_nested(&page);
    report("", &[]).code(2).stdout("");
}

#[test]
fn thousands_of_series_make_a_page_that_opens() {
    let series = 5200;
    let rows = lines(0..3 * series, |row| format!("s{},{row}.5", row % series));
    let page = page(format!("s,v\n{rows}"), &["--series", "s"]);
    assert_eq!((summary(&page).len(), page.matches("<svg ").count()), (5000, 50));
    assert!(page.contains("200 more series are not listed.") && page.contains("5150 more are only listed above."));
    assert!(page.contains("4700 not examined") && page.len() < 6 << 20, "{}", page.len());
    let open = all(&page, "<details class=\"series\"", ">").into_iter().filter(|tag| tag.ends_with(" open")).count();
    assert_eq!(open, 10);
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    let (directory, path) = file("report.html", "older");
    let to_file = ["--output", path.to_str().unwrap()];
    report("t,a\nT1,1\nbad\n", &[&to_file[..], &["--strict"]].concat()).code(1);
    report("t,a\nT1,1\n", &[&to_file[..], &["--value", "x"]].concat()).code(2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "older");
    report("t,a\nT1,1\nbad\n", &to_file).success().stdout("").stderr(predicate::str::contains("bad rows 1"));
    assert!(fs::read_to_string(&path).unwrap().contains("<dt>bad rows</dt><dd>1</dd>"));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
    evenkeel(&["report"]).arg(&path).arg("--output").arg(&path).assert().code(2);
    report("t,a\nT1,1\n", &["--preset", "ema"]).code(2);
}

/// Rows enough to have filled every bucket many times over.
#[cfg(target_os = "linux")]
#[test]
fn the_page_does_not_grow_with_the_rows() {
    let page = |rows: u32| {
        let mut numbers = noise(6);
        let rows =
            lines(0..rows, |row| format!("{row},{}", numbers.next().unwrap() + if row % 9 == 0 { 50.0 } else { 0.0 }));
        page(format!("t,a\n{rows}"), &[])
    };
    let (few, many) = (page(8000), page(64_000));
    assert!(many.len() < few.len() * 11 / 10, "{} and {}", few.len(), many.len());
    assert!(many.contains("of up to 32."), "the picture says how coarse it is");
}
