//! The view of the state: the order, the filter, the place in the list. Keys change this and nothing else.

use super::state::{Known, Series};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The order of the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// By the size of the score, the largest first.
    #[default]
    Score,
    Name,
    /// By the number of outliers, the most first.
    Outliers,
}

impl Order {
    fn next(self) -> Self {
        match self {
            Self::Score => Self::Name,
            Self::Name => Self::Outliers,
            Self::Outliers => Self::Score,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Name => "name",
            Self::Outliers => "outliers",
        }
    }
}

/// A wish of the user beyond the view itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Quit,
    /// To stop the program until the shell goes on with it.
    Pause,
}

/// The choice of what is shown, and how.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) order: Order,
    pub(super) filter: String,
    /// Whether keys are letters of the filter.
    pub(super) is_typing: bool,
    pub(super) has_help: bool,
    /// The first series on the screen.
    pub(super) first: usize,
    /// The number of series that fit on the screen, as it was drawn last.
    pub(super) page: usize,
    /// The state that is shown while the display is frozen.
    pub(super) frozen: Option<Box<Known>>,
}

impl View {
    /// The state to draw: the present one, unless the display is frozen.
    pub(super) fn known<'a>(&'a self, now: &'a Known) -> &'a Known {
        self.frozen.as_deref().unwrap_or(now)
    }

    /// Handles a key; `now` is the present state.
    pub(super) fn key(&mut self, key: KeyEvent, now: &Known) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && matches!(key.code, KeyCode::Char('c' | 'C')) {
            return Wish::Quit;
        }
        if is_control && matches!(key.code, KeyCode::Char('z' | 'Z')) {
            return Wish::Pause;
        }
        if self.has_help {
            self.has_help = false;
            return if key.code == KeyCode::Char('q') { Wish::Quit } else { Wish::Nothing };
        }
        if self.is_typing {
            self.type_key(key.code, is_control);
            return Wish::Nothing;
        }
        let page = self.page.max(1);
        match key.code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Char('?') => self.has_help = true,
            KeyCode::Char('s') => {
                self.order = self.order.next();
                self.first = 0;
            }
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('p') => {
                self.frozen = if self.frozen.is_some() { None } else { Some(Box::new(now.clone())) };
            }
            KeyCode::Esc => self.set_filter(String::new()),
            KeyCode::Down | KeyCode::Char('j') => self.first = self.first.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.first = self.first.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.first = self.first.saturating_add(page),
            KeyCode::PageUp => self.first = self.first.saturating_sub(page),
            KeyCode::Home | KeyCode::Char('g') => self.first = 0,
            KeyCode::End | KeyCode::Char('G') => self.first = usize::MAX,
            _ => {}
        }
        // Beyond the end there is nothing, not even for the next key.
        self.first = self.first.min(self.last_first(now));
        Wish::Nothing
    }

    fn type_key(&mut self, key: KeyCode, is_control: bool) {
        let mut filter = std::mem::take(&mut self.filter);
        match key {
            KeyCode::Esc => {
                filter.clear();
                self.is_typing = false;
            }
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Backspace => {
                filter.pop();
            }
            KeyCode::Char('u') if is_control => filter.clear(),
            KeyCode::Char(letter) if !is_control => filter.push(letter),
            _ => {}
        }
        self.set_filter(filter);
    }

    fn set_filter(&mut self, filter: String) {
        self.first = 0;
        self.filter = filter;
    }

    /// The last place in the list from which on the screen is full.
    fn last_first(&self, now: &Known) -> usize {
        let known = self.known(now);
        self.filtered(known).count().saturating_sub(self.page.max(1))
    }

    /// Whether the filter lets a series of that name through.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.filter.is_empty() || name.to_lowercase().contains(&self.filter.to_lowercase())
    }

    fn filtered<'a>(&'a self, known: &'a Known) -> impl Iterator<Item = &'a Series> {
        known.series.iter().filter(|series| self.wants(&series.name))
    }

    /// The series that the filter lets through, sorted. Equals stay in the order of the input.
    pub(super) fn sorted<'a>(&'a self, known: &'a Known) -> Vec<&'a Series> {
        let mut sorted: Vec<&Series> = self.filtered(known).collect();
        // A score that there is none of comes last.
        let size = |series: &Series| if series.score.is_nan() { -1.0 } else { series.score.abs() };
        match self.order {
            Order::Score => sorted.sort_by(|one, other| size(other).total_cmp(&size(one))),
            Order::Name => sorted.sort_by_cached_key(|series| series.name.to_lowercase()),
            Order::Outliers => sorted.sort_by_key(|series| std::cmp::Reverse(series.tally.outliers)),
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::state;
    use super::*;

    fn press(view: &mut View, known: &Known, keys: &str) -> Wish {
        let mut wish = Wish::Nothing;
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                '\u{8}' => KeyCode::Backspace,
                '\u{2193}' => KeyCode::Down,
                '\u{21df}' => KeyCode::PageDown,
                '\u{21de}' => KeyCode::PageUp,
                letter => KeyCode::Char(letter),
            };
            wish = view.key(KeyEvent::new(code, KeyModifiers::NONE), known);
        }
        wish
    }

    fn names(view: &View, known: &Known) -> String {
        view.sorted(known).iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn known() -> Known {
        let mut known = state(&["cpu", "Disk", "load", "cpu2"]).known;
        for (series, (score, outliers)) in known.series.iter_mut().zip([(1.0, 7), (-9.0, 7), (f64::NAN, 0), (2.0, 9)]) {
            (series.score, series.tally.outliers) = (score, outliers);
        }
        known
    }

    #[test]
    fn s_goes_through_the_orders() {
        let (known, mut view) = (known(), View::default());
        assert_eq!(names(&view, &known), "Disk cpu2 cpu load");
        press(&mut view, &known, "s");
        assert_eq!((view.order, names(&view, &known).as_str()), (Order::Name, "cpu cpu2 Disk load"));
        press(&mut view, &known, "s");
        assert_eq!((view.order, names(&view, &known).as_str()), (Order::Outliers, "cpu2 cpu Disk load"));
        press(&mut view, &known, "s");
        assert_eq!(view.order, Order::Score);
    }

    #[test]
    fn a_filter_is_typed_accepted_and_cleared() {
        let (known, mut view) = (known(), View::default());
        assert_eq!(press(&mut view, &known, "/CPq"), Wish::Nothing, "q is a letter here");
        assert_eq!((view.filter.as_str(), names(&view, &known).as_str()), ("CPq", ""));
        press(&mut view, &known, "\u{8}\n");
        assert_eq!((view.is_typing, names(&view, &known).as_str()), (false, "cpu2 cpu"));
        press(&mut view, &known, "s");
        assert_eq!(view.filter, "CP", "keys are keys again");
        press(&mut view, &known, "\u{1b}");
        assert_eq!(view.sorted(&known).len(), 4);
        press(&mut view, &known, "/x\u{1b}");
        assert_eq!((view.is_typing, view.filter.as_str()), (false, ""));
    }

    #[test]
    fn the_list_ends_where_it_ends() {
        let names: Vec<String> = (0..25).map(|index| format!("s{index}")).collect();
        let known = state(&names.iter().map(String::as_str).collect::<Vec<_>>()).known;
        let mut view = View { page: 10, ..View::default() };
        let mut at = |keys: &str| {
            press(&mut view, &known, keys);
            view.first
        };
        assert_eq!([at("jj\u{2193}"), at("k"), at("\u{21df}"), at("\u{21df}"), at("j")], [3, 2, 12, 15, 15]);
        assert_eq!([at("\u{21de}"), at("G"), at("g"), at("kkk")], [5, 15, 0, 0]);
        assert_eq!([at("G"), at("/s1\n"), at("G")], [15, 0, 1], "s1 and s10 to s19");
        view.page = 0;
        press(&mut view, &known, "jG");
    }

    #[test]
    fn a_frozen_display_stands_still() {
        let (mut known, mut view) = (known(), View::default());
        press(&mut view, &known, "p");
        known.rows = 77;
        assert_eq!(view.known(&known).rows, 0);
        press(&mut view, &known, "p");
        assert_eq!(view.known(&known).rows, 77);
    }

    #[test]
    fn quitting() {
        let (known, mut view) = (known(), View::default());
        assert_eq!(press(&mut view, &known, "q"), Wish::Quit);
        assert_eq!(press(&mut view, &known, "?"), Wish::Nothing);
        assert!(view.has_help);
        assert_eq!(press(&mut view, &known, "x"), Wish::Nothing);
        assert!(!view.has_help, "any key closes the help");
        assert_eq!(press(&mut view, &known, "?q"), Wish::Quit);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        press(&mut view, &known, "/");
        assert_eq!(view.key(control_c, &known), Wish::Quit, "whatever is on the screen");
        let release = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(view.key(release, &known), Wish::Nothing);
    }
}
