//! Tables in JSON that have the names of their columns, or their times, apart from the rows.

use super::made::Made;
use crate::formats::ndjson::members::{Members, parse};
use crate::formats::times::says_time;
use crate::text::time::Unit;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Table<'a> {
    #[serde(borrow, alias = "columns")]
    labels: Vec<Cow<'a, str>>,
    /// The index of pandas, which may have the times.
    #[serde(borrow, default)]
    index: Vec<&'a RawValue>,
    #[serde(borrow)]
    data: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    meta: Vec<Column<'a>>,
    #[serde(borrow)]
    data: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Rrd<'a> {
    #[serde(borrow)]
    meta: Meta<'a>,
    #[serde(borrow)]
    data: Vec<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    start: i64,
    step: i64,
    #[serde(borrow)]
    legend: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Whisper<'a> {
    start: i64,
    step: i64,
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

/// Makes an object of each row of a table, as Netdata and the orient `split` of pandas have it. Where the newest comes first, they
/// come the other way round.
pub(super) fn table<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Table { labels, index, data } = parse(text, room)?;
    let is_moment = |raw: &&RawValue| match raw.get().parse::<f64>() {
        Ok(number) => Unit::likely(number).is_some(),
        Err(_) => true,
    };
    if index.len() == data.len() && index.first().is_some_and(is_moment) {
        for (time, cells) in index.iter().zip(&data) {
            check_width(cells, labels.len())?;
            made.begin("index", Some(time.get()));
            labels.iter().zip(cells).for_each(|(name, cell)| made.member(name, cell.get()));
            made.end();
        }
        return Ok(());
    }
    let time = |row: Option<&Vec<&RawValue>>| row?.first()?.get().parse::<f64>().ok();
    let has_time = labels.first().is_some_and(|name| says_time(name).is_some());
    let is_newest_first =
        has_time && time(data.first()).zip(time(data.last())).is_some_and(|(first, last)| first > last);
    let row = |row: &Vec<&RawValue>, made: &mut Made| {
        check_width(row, labels.len())?;
        made.begin("", None);
        labels.iter().zip(row).for_each(|(name, cell)| made.member(name, cell.get()));
        made.end();
        Ok(())
    };
    if is_newest_first {
        made.set_note("its rows come newest first, and are taken from the last to the first");
        data.iter().rev().try_for_each(|cells| row(cells, made))
    } else {
        data.iter().try_for_each(|cells| row(cells, made))
    }
}

/// Makes an object of each row of a table whose names stand beside their types, as the format `JSONCompact` of `ClickHouse` has it.
pub(super) fn typed<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Typed { meta, data } = parse(text, room)?;
    data.iter().try_for_each(|cells| {
        check_width(cells, meta.len())?;
        made.begin("", None);
        meta.iter().zip(cells).for_each(|(column, cell)| made.member(&column.name, cell.get()));
        made.end();
        Ok(())
    })
}

/// Makes an object of each row of a table that has an array for each column.
pub(super) fn columns<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let members = Members::parse(text, room)?;
    let mut columns: Vec<(&str, std::vec::IntoIter<&RawValue>)> = Vec::new();
    for (name, raw) in members.raw() {
        let cells: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| format!("{name} is no array"))?;
        columns.push((name, cells.into_iter()));
    }
    let length = columns.first().map_or(0, |(_, cells)| cells.len());
    if let Some((name, cells)) = columns.iter().find(|(_, cells)| cells.len() != length) {
        return Err(format!("{name} has {} values, where the first column has {length}", cells.len()));
    }
    for _ in 0..length {
        made.begin("", None);
        for (name, cells) in &mut columns {
            if let Some(cell) = cells.next() {
                made.member(name, cell.get());
            }
        }
        made.end();
    }
    Ok(())
}

/// Makes an object of each row that `rrdtool xport --json` prints.
pub(super) fn rrd<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Rrd { meta: Meta { start, step, legend }, data } = parse(text, room)?;
    let mut time = start;
    for row in &data {
        check_width(row, legend.len())?;
        made.begin("time", Some(itoa::Buffer::new().format(time)));
        legend.iter().zip(row).for_each(|(name, cell)| made.member(name, cell.get()));
        made.end();
        time = time.saturating_add(step);
    }
    Ok(())
}

/// Makes an object of each value that `whisper-fetch --json` prints.
pub(super) fn whisper<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Whisper { start, step, values } = parse(text, room)?;
    let mut time = start;
    for value in values {
        made.begin("time", Some(itoa::Buffer::new().format(time)));
        made.member("value", value.get());
        made.end();
        time = time.saturating_add(step);
    }
    Ok(())
}

fn check_width(row: &[&RawValue], width: usize) -> Result<(), String> {
    if row.len() == width {
        Ok(())
    } else {
        Err(format!("a row has {} cells, where there are {width} names", row.len()))
    }
}
