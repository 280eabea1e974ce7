//! Tables in JSON that have the names of their columns, or their times, apart from the rows.

use super::made::Made;
use crate::formats::ndjson::members::parse;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Netdata<'a> {
    #[serde(borrow)]
    labels: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    data: Vec<Vec<&'a RawValue>>,
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

/// Makes an object of each row of a table of Netdata. Where the newest comes first, they come the other way round.
pub(super) fn netdata<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Netdata { labels, data } = parse(text, room)?;
    let time = |row: Option<&Vec<&RawValue>>| row?.first()?.get().parse::<f64>().ok();
    let is_newest_first = time(data.first()).zip(time(data.last())).is_some_and(|(first, last)| first > last);
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
