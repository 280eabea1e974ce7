//! Values of collectd as its plugin `write_http` sends them: a series for each source, `host/plugin-instance/type-instance`, with
//! the name of the source behind it where there are several.

use super::made::Made;
use crate::formats::ndjson::members::parse;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Values<'a> {
    #[serde(rename = "values", borrow)]
    numbers: Vec<&'a RawValue>,
    #[serde(borrow)]
    dstypes: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    dsnames: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    host: Cow<'a, str>,
    #[serde(borrow, default)]
    plugin: Cow<'a, str>,
    #[serde(borrow, default)]
    plugin_instance: Cow<'a, str>,
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    type_instance: Cow<'a, str>,
}

/// Makes an object of the values that were read at once.
pub(super) fn values<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let all: Values<'_> = parse(text, room)?;
    let count = all.numbers.len();
    if all.dstypes.len() != count || all.dsnames.len() != count {
        return Err(format!("there are {count} values, {} types and {} names", all.dstypes.len(), all.dsnames.len()));
    }
    let instance = |name: &str, instance: &str| {
        if instance.is_empty() { name.to_owned() } else { format!("{name}-{instance}") }
    };
    let (plugin, kind) = (instance(&all.plugin, &all.plugin_instance), instance(&all.kind, &all.type_instance));
    let name = format!("{}/{plugin}/{kind}", all.host);
    made.begin("time", all.time.map(RawValue::get));
    for ((value, source), kind) in all.numbers.iter().zip(&all.dsnames).zip(&all.dstypes) {
        let name = if count > 1 { Cow::Owned(format!("{name}.{source}")) } else { Cow::Borrowed(&name) };
        made.set_counter(&name, matches!(&**kind, "counter" | "derive"));
        made.member(&name, value.get());
    }
    made.end();
    Ok(())
}
