//! The styles of the display.

use ratatui::style::{Color, Modifier, Style};

/// Titles, keys and other words that may be overlooked.
pub(super) const SOFT: Style = Style::new().add_modifier(Modifier::DIM);
/// Names and what is being typed.
pub(super) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
/// The state of the input and of the display.
pub(super) const STATUS: Style = Style::new().add_modifier(Modifier::REVERSED);
/// Raw samples.
pub(super) const RAW: Style = Style::new();
/// Locations.
pub(super) const SMOOTH: Style = Style::new().fg(Color::Blue);
/// Outliers.
pub(super) const OUTLIER: Style = Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD);
/// Re-openings.
pub(super) const REOPENED: Style = Style::new().fg(Color::Green);
