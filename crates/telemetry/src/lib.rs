//! The one list of metric names, and the text format that Prometheus reads. References are generated from the list,
//! and whoever measures names a metric of it, so no metric is without a description.
//!
//! INVARIANT no arguments: labels are names of the policy, codes and states; nothing of a call's arguments, of its
//! caller or of its session.

mod list;
mod text;

pub use list::{Kind, METRICS, Metric, names};
pub use text::Text;
