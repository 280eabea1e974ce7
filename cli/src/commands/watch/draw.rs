//! The display: a line on what is watched, the series, what has happened, and a line of keys.
//!
//! It is drawn from the state and the view, and changes neither, but for noting in the view how much of it fitted. Any
//! size is right: what there is no room for is left out, the least important first.

use super::columns::{Column, Kind, columns};
use super::spark::{Window, spark};
use super::state::{Event, Known, Series};
use super::style::{OUTLIER, REOPENED, SOFT, STATUS, STRONG};
use super::view::View;
use crate::text::number::rounded;
use crate::text::quote::shortened;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Row, Table};

/// Least lines of a screen that has events.
const LEAST_FOR_EVENTS: u16 = 12;
/// Most lines of events, with their title.
const MOST_EVENTS: u16 = 12;
/// Digits of values, locations and scales.
const DIGITS: usize = 5;

/// The keys and what they do.
const HELP: [(&str, &str); 10] = [
    ("s", "sort by score, name or outliers"),
    ("/", "show only names with a text"),
    ("Esc", "show all names"),
    ("j k \u{2191} \u{2193}", "one series down or up"),
    ("PgDn PgUp", "one page down or up"),
    ("g G", "to the first or the last"),
    ("p", "freeze the display, or go on"),
    ("?", "this help"),
    ("Ctrl-Z", "back to the shell; `fg` goes on"),
    ("q Ctrl-C", "quit"),
];

/// The words on what is watched.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) source: String,
    /// The title of the column with the last locations.
    pub(super) preset: String,
    pub(super) settings: String,
}

/// Draws the whole display.
pub(super) fn draw(frame: &mut Frame, now: &Known, view: &mut View, about: &About) {
    let [title, list, events, status] = parts(frame.area());
    let has_titles = list.height > 1;
    view.page = usize::from(list.height) - usize::from(has_titles);
    let known = view.known(now);
    let sorted = view.sorted(known);
    let first = view.first.min(sorted.len().saturating_sub(view.page.max(1)));
    frame.render_widget(title_line(known, about), title);
    if sorted.is_empty() {
        frame.render_widget(Line::styled(nothing(known), SOFT), list);
    }
    let longest_name = sorted.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    let shown = sorted.iter().skip(first).take(view.page);
    let titles = has_titles.then_some(about.preset.as_str());
    draw_list(frame, list, shown.copied(), &columns(list.width, longest_name), titles);
    draw_events(frame, events, known, view);
    frame.render_widget(status_line(now, view, sorted.len(), known.series.len()), status);
    if view.has_help {
        draw_help(frame);
    }
    view.first = first;
}

/// The places of the title, the list, the events and the status, from the top to the bottom. All of them may be empty.
fn parts(area: Rect) -> [Rect; 4] {
    let mut rest = area;
    let mut take = |height: u16, from_top: bool| {
        let height = height.min(rest.height);
        let y = if from_top { rest.y } else { rest.y + rest.height - height };
        let part = Rect { y, height, ..rest };
        rest = Rect { y: if from_top { rest.y + height } else { rest.y }, height: rest.height - height, ..rest };
        part
    };
    // The list is what it is for: in a line or two there is nothing else.
    let title = take(u16::from(area.height > 3), true);
    let status = take(u16::from(area.height > 2), false);
    let events = if area.height < LEAST_FOR_EVENTS { 0 } else { (area.height / 3).min(MOST_EVENTS) };
    let events = take(events, false);
    [title, rest, events, status]
}

fn title_line(known: &Known, about: &About) -> Line<'static> {
    let Known { series, rows, time, .. } = known;
    let counts = format!("  {} series, {rows} rows  {time}", series.len());
    Line::from(vec![
        Span::styled(format!("evenkeel: {}", about.source), STRONG),
        Span::raw(counts),
        Span::styled(format!("  {}", about.settings), SOFT),
    ])
}

/// The reason why no series is shown.
fn nothing(known: &Known) -> &'static str {
    match (known.series.is_empty(), known.has_ended) {
        (true, false) => "waiting for samples",
        (true, true) => "the input had no series",
        (false, _) => "no series has such a name",
    }
}

fn draw_list<'a>(
    frame: &mut Frame,
    area: Rect,
    shown: impl Iterator<Item = &'a Series>,
    columns: &[Column],
    titles: Option<&str>,
) {
    let rows: Vec<Row> = shown.map(|series| Row::new(columns.iter().map(|column| cell(series, *column)))).collect();
    if rows.is_empty() {
        return;
    }
    let widths = columns.iter().map(|column| Constraint::Length(column.width));
    let table = Table::new(rows, widths).column_spacing(1);
    let table = match titles {
        Some(preset) => {
            let title = |column: &Column| aligned(*column, Span::styled(column.kind.title(preset).to_owned(), SOFT));
            table.header(Row::new(columns.iter().map(title)))
        }
        None => table,
    };
    frame.render_widget(table, area);
}

fn aligned(column: Column, text: Span<'static>) -> Line<'static> {
    let line = Line::from(text);
    if column.kind.is_number() { line.right_aligned() } else { line }
}

fn cell(series: &Series, column: Column) -> Line<'static> {
    let width = usize::from(column.width);
    let window = || Window::new(&series.past, width);
    let text = match column.kind {
        Kind::Raw => return spark(&window(), |moment| moment.value, true),
        Kind::Smooth => return spark(&window(), |moment| moment.location, false),
        Kind::Name => shortened(&series.name, width),
        Kind::Value => rounded(series.value, DIGITS),
        Kind::Location => rounded(series.location, DIGITS),
        Kind::Scale => rounded(series.scale, DIGITS),
        Kind::Score => score(series.score),
        Kind::Outliers => series.tally.outliers.to_string(),
        Kind::Reopenings => series.tally.reopenings.to_string(),
    };
    let style = match column.kind {
        Kind::Score if series.outlier => OUTLIER,
        Kind::Name => STRONG,
        _ => Style::new(),
    };
    aligned(column, Span::styled(text, style))
}

/// A score in hundredths, or in three digits where that would be too long.
fn score(score: f64) -> String {
    match score.abs() {
        // Nothing is not below zero.
        size if size < 0.005 => "0.00".to_owned(),
        size if size < 1e3 => format!("{score:.2}"),
        size if size < 1e5 => format!("{score:.0}"),
        size if size.is_finite() => format!("{score:.2e}"),
        _ => rounded(score, 1),
    }
}

/// Draws the latest events of the series that the filter lets through, the last one at the bottom.
fn draw_events(frame: &mut Frame, area: Rect, known: &Known, view: &View) {
    let [title, list] = match area.height {
        0 => return,
        height => [Rect { height: 1, ..area }, Rect { y: area.y + 1, height: height - 1, ..area }],
    };
    let rule = "\u{2500}".repeat(usize::from(area.width).saturating_sub(10));
    frame.render_widget(Line::styled(format!("\u{2500} events {rule}"), SOFT), title);
    let mut lines: Vec<Line> = Vec::new();
    for event in known.events.iter().rev() {
        if lines.len() == usize::from(list.height) {
            break;
        }
        lines.extend(event_line(event, view));
    }
    lines.reverse();
    frame.render_widget(Paragraph::new(lines), list);
}

/// An event in words, if the filter lets its series through.
fn event_line(event: &Event, view: &View) -> Option<Line<'static>> {
    let name = |series: &str| view.wants(series).then(|| series.to_owned());
    Some(match event {
        Event::Outlier { time, series, value, score: of } => Line::from(vec![
            Span::styled(format!("{time}  "), SOFT),
            Span::raw(name(series)?),
            Span::styled(format!(" outlier {}", rounded(*value, DIGITS)), OUTLIER),
            Span::raw(format!(", score {}", score(*of))),
        ]),
        Event::Reopened { time, series, location } => Line::from(vec![
            Span::styled(format!("{time}  "), SOFT),
            Span::raw(name(series)?),
            Span::styled(" re-opened", REOPENED),
            Span::raw(format!(", location {}", rounded(*location, DIGITS))),
        ]),
        Event::Note(text) => Line::styled(text.clone(), SOFT),
    })
}

/// The state of the display, and the keys.
fn status_line(now: &Known, view: &View, shown: usize, all: usize) -> Line<'static> {
    let mut spans = Vec::new();
    if view.is_typing {
        spans.push(Span::styled(format!("/{}", view.filter), STRONG));
        spans.push(Span::raw("\u{2581}  Enter accepts it, Esc clears it"));
        return Line::from(spans);
    }
    if view.frozen.is_some() {
        spans.push(Span::styled(" frozen ", STATUS));
        spans.push(Span::raw(" "));
    }
    if now.has_ended {
        spans.push(Span::styled(" end of input ", STATUS));
        spans.push(Span::raw(" "));
    }
    let filter =
        if view.filter.is_empty() { String::new() } else { format!(", {shown} of {all} with {:?}", view.filter) };
    spans.push(Span::raw(format!("by {}{filter}", view.order.name())));
    let pause = if view.frozen.is_some() { "go on" } else { "freeze" };
    spans.push(Span::styled(format!("  s sort  / filter  p {pause}  ? help  q quit"), SOFT));
    Line::from(spans)
}

/// Draws the keys, in a box over everything else.
fn draw_help(frame: &mut Frame) {
    let lines: Vec<Line> = HELP
        .iter()
        .map(|(keys, what)| Line::from(vec![Span::styled(format!("{keys:<10}"), STRONG), Span::raw(*what)]))
        .collect();
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let size = |inside: usize, outside: u16| u16::try_from(inside + 2).unwrap_or(outside).min(outside);
    let area = frame.area();
    let (width, height) = (size(widest + 2, area.width), size(lines.len(), area.height));
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{at, state};
    use super::super::state::{EVENTS, State};
    use super::*;
    use crate::engine::tally::Tally;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::Color;

    /// The lines of the screen, without the blanks at their ends.
    fn screen(known: &Known, view: &mut View, (width, height): (u16, u16)) -> Vec<String> {
        let about =
            About { source: "a.csv".to_owned(), preset: "clean".to_owned(), settings: "half-life 60".to_owned() };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, known, view, &about)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    /// Three series of a few samples each, with everything that can be seen of them set by hand.
    fn small() -> Known {
        let mut known = state(&["cpu", "disk_read_mb_per_s", "load"]).known;
        (known.rows, known.time) = (30, "12:00:30".to_owned());
        for (index, series) in known.series.iter_mut().enumerate() {
            for row in 0..8_u32 {
                let value = [f64::from(row), if row == 6 { 900.0 } else { 2.0 }, f64::NAN][index];
                let outlier = index == 1 && row == 6;
                series.past.push_back(super::super::state::Moment { value, location: 3.5, outlier });
            }
        }
        let values = [(7.0, 3.5, 2.0, 1.75), (900.0, 2.0, 0.001, 898_000.0), (f64::NAN, f64::NAN, f64::NAN, f64::NAN)];
        for (series, (value, location, scale, score)) in known.series.iter_mut().zip(values) {
            (series.value, series.location, series.scale, series.score) = (value, location, scale, score);
            series.outlier = score > 1000.0;
        }
        known.series[1].tally = Tally { samples: 8, missing: 0, outliers: 1, reopenings: 2 };
        known.events.push_back(Event::Note("a.csv: line 3: oops".to_owned()));
        known.events.push_back(Event::Reopened {
            time: "12:00:10".to_owned(),
            series: "cpu".to_owned(),
            location: 3.0,
        });
        known.events.push_back(Event::Outlier {
            time: "12:00:30".to_owned(),
            series: "disk_read_mb_per_s".to_owned(),
            value: 900.0,
            score: 898_000.0,
        });
        known
    }

    const WIDE: &str = r"evenkeel: a.csv  3 series, 30 rows  12:00:30  half-life 60
series             raw              clean                   value     location       scale     score outliers re-opened
disk_read_mb_per_s         ▁▁▁▁▁▁█▁         ████████          900            2       0.001    8.98e5        1         2
cpu                        ▁▂▃▄▅▆▇█         ▅▅▅▅▅▅▅▅            7          3.5           2      1.75        0         0
load                                        ▄▄▄▄▄▄▄▄            –            –           –         –        0         0


─ events ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
a.csv: line 3: oops
12:00:10  cpu re-opened, location 3
12:00:30  disk_read_mb_per_s outlier 900, score 8.98e5
by score  s sort  / filter  p freeze  ? help  q quit";
    const NARROW: &str = r"evenkeel: a.csv  3 series, 30 rows  12:0
series                   value     score
disk_read_mb_per…          900    8.98e5
cpu                          7      1.75
load                         –         –
by score  s sort  / filter  p freeze  ?";
    const FILTERED: &str = r#"evenkeel: a.csv  3 series, 30 rows  12:00:30  half-life 60
series   raw          clean               value     location     score outliers
cpu          ▁▂▃▄▅▆▇█     ▅▅▅▅▅▅▅▅            7          3.5      1.75        0




─ events ──────────────────────────────────────────────────────────────────────
a.csv: line 3: oops
12:00:10  cpu re-opened, location 3

 end of input  by score, 1 of 3 with "cp"  s sort  / filter  p freeze  ? help  q"#;
    const HELPED: &str = r"evenk┌ keys ─────────────────────────────────────┐-life
serie│s         sort by score, name or outliers  │core
disk_│/         show only names with a text      │98e5
cpu  │Esc       show all names                   │1.75
load │j k ↑ ↓   one series down or up            │   –
     │PgDn PgUp one page down or up              │
     │g G       to the first or the last         │
     │p         freeze the display, or go on     │
─ eve│?         this help                        │─────
a.csv│Ctrl-Z    back to the shell; `fg` goes on  │
12:00│q Ctrl-C  quit                             │
12:00└───────────────────────────────────────────┘98e5
by score  s sort  / filter  p freeze  ? help  q quit";

    #[test]
    fn a_wide_screen_has_everything() {
        let lines = screen(&small(), &mut View::default(), (120, 12)).join("\n");
        assert_eq!(lines, WIDE, "\n{lines}");
    }

    #[test]
    fn a_narrow_screen_has_what_matters() {
        let lines = screen(&small(), &mut View::default(), (40, 6)).join("\n");
        assert_eq!(lines, NARROW, "\n{lines}");
    }

    #[test]
    fn the_smallest_screens() {
        assert_eq!(screen(&small(), &mut View::default(), (1, 1)), ["\u{2026}"]);
        assert_eq!(screen(&small(), &mut View::default(), (9, 3)), ["series", "disk_rea\u{2026}", "by score"]);
        assert_eq!(
            screen(&small(), &mut View::default(), (24, 2)),
            ["series             score", "disk_read_mb_\u{2026}    8.98e5"]
        );
    }

    #[test]
    fn the_filter_and_the_end_are_seen() {
        let mut view = View { filter: "cp".to_owned(), ..View::default() };
        let mut known = small();
        known.has_ended = true;
        let lines = screen(&known, &mut view, (80, 12)).join("\n");
        assert_eq!(lines, FILTERED, "\n{lines}");
        view.is_typing = true;
        assert!(screen(&known, &mut view, (60, 14))[13].starts_with("/cp\u{2581}"));
        view = View { filter: "nowhere".to_owned(), ..View::default() };
        assert_eq!(screen(&known, &mut view, (60, 14))[1], "no series has such a name");
        view = View { frozen: Some(Box::new(small())), ..View::default() };
        assert!(screen(&known, &mut view, (60, 14))[13].starts_with(" frozen   end of input "));
    }

    #[test]
    fn the_help_is_over_everything() {
        let mut view = View { has_help: true, ..View::default() };
        let lines = screen(&small(), &mut view, (56, 13)).join("\n");
        assert_eq!(lines, HELPED, "\n{lines}");
    }

    #[test]
    fn what_stands_out_has_a_colour() {
        let about = About { source: "a.csv".to_owned(), preset: "clean".to_owned(), settings: String::new() };
        let mut terminal = Terminal::new(TestBackend::new(120, 12)).unwrap();
        terminal.draw(|frame| draw(frame, &small(), &mut View::default(), &about)).unwrap();
        let buffer = terminal.backend().buffer();
        let marked = |y: u16| -> String {
            (0..120)
                .map(|x| &buffer[(x, y)])
                .filter(|cell| cell.fg == Color::Magenta)
                .map(ratatui::buffer::Cell::symbol)
                .collect()
        };
        assert_eq!(
            [marked(2), marked(3), marked(10)].map(|text| text.trim().to_owned()),
            ["\u{2588}8.98e5", "", "outlier 900"]
        );
    }

    #[test]
    fn any_size_and_any_state_can_be_drawn() {
        let long = "\u{4e16}\u{754c}".repeat(60);
        let names: Vec<String> = (0..40).map(|index| format!("{index}{long}")).collect();
        let mut many: State = state(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let odd = [0.0, -0.0, 1.0, 5e-324, f64::MAX, -f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e9, -1e-9];
        for row in 0..EVENTS {
            many.start_row(at(&long)).unwrap();
            for index in 0..40 {
                many.sample(&names[index], odd[(row * (index + 1)) % odd.len()]).unwrap();
            }
        }
        let states = [state(&[]).known, state(&["a"]).known, small(), many.known];
        for width in (0..24).chain([40, 80, 133, 300]) {
            for height in (0..16).chain([24, 60]) {
                for (turn, known) in states.iter().enumerate() {
                    let filter = ["", "1", "zzz"][turn % 3].to_owned();
                    let mut view = View {
                        filter,
                        has_help: (width + height) % 2 == 0,
                        is_typing: height % 3 == 0,
                        first: usize::from(width) * 3,
                        frozen: (height % 5 == 0).then(|| Box::new(known.clone())),
                        ..View::default()
                    };
                    assert_eq!(screen(known, &mut view, (width, height)).len(), usize::from(height));
                }
            }
        }
    }
}
