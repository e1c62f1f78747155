//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use crate::list::Metric;

/// A text that grows family by family.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// A metric with one number and no labels.
    pub fn one(&mut self, metric: &Metric, value: impl Display) {
        self.family(metric, [(&[][..], value)]);
    }

    /// A metric with its numbers, each under the values of its labels, in their order.
    pub fn family<'a, L, V>(&mut self, metric: &Metric, samples: impl IntoIterator<Item = (L, V)>)
    where
        L: AsRef<[&'a str]>,
        V: Display,
    {
        self.head(metric);
        for (values, value) in samples {
            self.0.push_str(metric.name);
            self.labels(metric.labels.iter().copied().zip(values.as_ref().iter().copied()));
            self.value(value);
        }
    }

    /// A histogram without labels: upper bounds with the count of what is not above each, the sum, and the count
    /// of all.
    pub fn histogram(&mut self, metric: &Metric, buckets: &[(f64, u64)], sum: f64, count: u64) {
        self.head(metric);
        for (bound, below) in buckets {
            let bound = bound.to_string();
            self.0.push_str(metric.name);
            self.0.push_str("_bucket");
            self.labels([("le", bound.as_str())].into_iter());
            self.value(below);
        }
        for (end, value) in [
            ("_bucket{le=\"+Inf\"}", count.to_string()),
            ("_sum", sum.to_string()),
            ("_count", count.to_string()),
        ] {
            self.0.push_str(metric.name);
            self.0.push_str(end);
            self.value(value);
        }
    }

    /// The whole text.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn head(&mut self, metric: &Metric) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(self.0, "# TYPE {} {}", metric.name, metric.kind.as_str());
    }

    fn labels<'a>(&mut self, labels: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut opened = false;
        for (name, value) in labels {
            self.0.push(if opened { ',' } else { '{' });
            opened = true;
            self.0.push_str(name);
            self.0.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        if opened {
            self.0.push('}');
        }
    }

    fn value(&mut self, value: impl Display) {
        let _ = writeln!(self.0, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::names;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let mut text = Text::default();
        text.one(names::READY, 1);
        text.family(names::BUDGET_SPENT, [(["a\"b\\\n", "daily"], 1.5)]);
        text.histogram(names::DECISION_SECONDS, &[(0.001, 2), (0.01, 3)], 0.5, 4);
        let text = text.finish();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "faramesh_ready 1",
                r#"faramesh_budget_spent_dollars{agent="a\"b\\\n",budget="daily"} 1.5"#,
                r#"faramesh_decision_duration_seconds_bucket{le="0.001"} 2"#,
                r#"faramesh_decision_duration_seconds_bucket{le="0.01"} 3"#,
                r#"faramesh_decision_duration_seconds_bucket{le="+Inf"} 4"#,
                "faramesh_decision_duration_seconds_sum 0.5",
                "faramesh_decision_duration_seconds_count 4",
            ]
        );
        assert!(text.starts_with("# HELP faramesh_ready 1 while"), "{text}");
    }
}
