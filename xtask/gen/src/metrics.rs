//! The table of metrics, as `/metrics` has them.

use faramesh_telemetry::{ATTRIBUTES, METRICS};

use crate::page::{Page, cell};

/// The page.
pub fn page() -> Page {
    let mut page = Page::new("docs/reference/metrics.md", "Metrics", "`crates/telemetry/src/list.rs`");
    page.paragraph(
        "`GET /metrics` of the [HTTP door](../protocols/http.md) gives them in the text format of Prometheus: to anybody on \
         the same machine, and from afar to callers with a token or a certificate. Counters begin at the start of the daemon. \
         No label holds an argument, a caller or a session.",
    );
    let rows: Vec<Vec<String>> = METRICS
        .iter()
        .map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            vec![
                format!("`{}`", metric.name),
                metric.kind.as_str().to_owned(),
                labels.join(", "),
                cell(metric.help.trim_end_matches('.')),
            ]
        })
        .collect();
    page.table(&["metric", "kind", "labels", "says"], &rows);
    page.heading(2, "Traces and logs");
    page.paragraph(
        "An [`otlp-sink`](../sinks.md#opentelemetry) sends every record as a log record, and every decision and outcome as a span. \
         These are all the attributes that they have; a record has those that its kind knows. None holds an argument or a message.",
    );
    let rows: Vec<Vec<String>> = ATTRIBUTES
        .iter()
        .map(|attribute| {
            let place = format!("`{}`", attribute.path.join("."));
            vec![format!("`{}`", attribute.name), place, cell(attribute.help.trim_end_matches('.'))]
        })
        .collect();
    page.table(&["attribute", "in the record", "says"], &rows);
    page
}
