//! Metrics of OpenTelemetry in JSON, as its SDKs and its collector write them.

use crate::support::{pipe, samples, stderr, track};
use predicates::prelude::*;

/// A request with one metric, with this in it.
fn request(metric: &str) -> String {
    format!(
        "{{\"resourceMetrics\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\"shop\"}}}}]}},\
         \"scopeMetrics\":[{{\"scope\":{{\"name\":\"x\"}},\"metrics\":[{metric}]}}]}}]}}"
    )
}

fn as_csv(input: &str) -> Vec<String> {
    samples(&track(input, &["--output-format", "csv"]).success())
}

#[test]
fn points_are_samples_of_series_by_their_attributes() {
    let requests = request(
        "{\"name\":\"requests\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,\"dataPoints\":[\
         {\"timeUnixNano\":\"1700000000000000001\",\"asInt\":\"9007199254740993\",\"attributes\":[{\"key\":\"route\",\"value\":\
         {\"stringValue\":\"/\\\"a\"}},{\"key\":\"n\",\"value\":{\"intValue\":\"3\"}},{\"key\":\"ok\",\"value\":{\"boolValue\":true}}]},\
         {\"timeUnixNano\":1700000000000000001,\"asInt\":7}]}}",
    );
    let temperature = request(
        "{\"name\":\"temp\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"1700000000000000002\",\"asDouble\":20.5,\"attributes\":\
         [{\"key\":\"service.name\",\"value\":{\"stringValue\":\"own\"}},{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":\
         [{\"stringValue\":\"x\"},{\"intValue\":1}]}}}]},{\"timeUnixNano\":\"1700000000000000003\",\"asDouble\":\"NaN\"},\
         {\"timeUnixNano\":\"1700000000000000004\",\"asDouble\":1,\"flags\":1}]}}",
    );
    let expected = [
        "1700000000000000001 requests{n=\"3\",ok=\"true\",route=\"/\\\"a\",service.name=\"shop\"} 9007199254740992",
        "1700000000000000001 requests{service.name=\"shop\"} 7",
        "1700000000000000002 temp{l=\"[\\\"x\\\",1]\",service.name=\"own\"} 20.5",
    ];
    // Missing samples before the first of a series are none of it.
    assert_eq!(as_csv(&format!("{requests}\n{temperature}\n")), expected);
    assert_eq!(as_csv(&format!("[{requests},{temperature}]")), expected);
    let pretty =
        |text: &str| serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap();
    assert_eq!(as_csv(&(pretty(&requests) + &pretty(&temperature))), expected);
    let value = ["--value", "requests{service.name=\"shop\"}", "--output-format", "csv"];
    assert_eq!(samples(&track(requests.clone(), &value).success()), expected[1..2]);
    pipe(requests.clone() + "\n", &[]).code(2).stderr(predicate::str::contains("OTLP"));
    track(requests, &["--series", "name"]).code(2).stderr(predicate::str::contains("--series has no meaning for OTLP"));
}

#[test]
fn histograms_and_summaries_are_counts_and_sums() {
    let point = "{\"timeUnixNano\":\"1700000000000000000\",\"count\":\"4\",\"sum\":2.5,\"bucketCounts\":[\"4\"]}";
    // A count of 0 is left out, and so is a sum that is not known.
    let empty = "{\"timeUnixNano\":\"1700000001000000000\"}";
    for (kind, sum) in [
        ("histogram", None),
        ("exponentialHistogram", None),
        ("summary", Some("1700000001000000000 h_sum{service.name=\"shop\"} 0")),
    ] {
        let metric = format!("{{\"name\":\"h\",\"{kind}\":{{\"dataPoints\":[{point},{empty}]}}}}");
        let mut expected = vec![
            "1700000000000000000 h_count{service.name=\"shop\"} 4",
            "1700000000000000000 h_sum{service.name=\"shop\"} 2.5",
            "1700000001000000000 h_count{service.name=\"shop\"} 0",
        ];
        expected.extend(sum);
        assert_eq!(as_csv(&request(&metric)), expected, "{kind}");
    }
}

#[test]
fn what_is_no_such_request_is_bad() {
    let good =
        request("{\"name\":\"g\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"1700000000000000000\",\"asInt\":1}]}}");
    let bad = request("{\"name\":\"g\",\"gauge\":{\"dataPoints\":7}}");
    let run = track(format!("{good}\n{bad}\n{}\n{good}\n", request("")), &["--output-format", "csv"]).success();
    assert_eq!(samples(&run).len(), 2);
    let said = stderr(&run);
    assert!(said.contains("line 2: ") && said.contains("line 3: there are no samples in it"), "{said}");
    track(request(""), &[]).code(2).stderr(predicate::str::contains("there are no samples in it"));
}

#[test]
fn what_the_sdk_prints_for_people_is_no_otlp_and_has_records() {
    let one = |at: u64, v: u8| {
        format!(
            "{{\n\"resource_metrics\":[{{\"resource\":{{\"attributes\":{{\"a\":\"b\"}}}},\"scope_metrics\":[{{\"metrics\":[\
             {{\"name\":\"jobs\",\"data\":{{\"data_points\":[{{\"time_unix_nano\":{at},\"value\":{v}}}]}}}}]}}]}}]}}\n"
        )
    };
    let input = [one(1_700_000_000_000_000_000, 5), one(1_700_000_001_000_000_000, 6)].concat();
    let place = "resource_metrics.scope_metrics.metrics.data.data_points";
    let said = stderr(&track(input.clone(), &[]).code(2));
    assert!(said.contains(&format!("--records {place}: 1 object")), "{said}");
    let args = ["--records", place, "--series", "name", "--value", "value", "--output-format", "csv"];
    let run = track(input, &args).success();
    assert_eq!(samples(&run), ["1700000000000000000 jobs 5", "1700000001000000000 jobs 6"]);
}
