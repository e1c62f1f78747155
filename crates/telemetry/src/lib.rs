//! The one list of the names of metrics and of attributes, and the text format that Prometheus reads. References are
//! generated from the list, and whoever measures or sends names something of it, so nothing is without a description.
//!
//! INVARIANT no arguments: labels are names of the policy, codes and states; nothing of a call's arguments, of its
//! caller or of its session. Attributes hold ids beside these, and nothing of a call's arguments.

mod attributes;
mod list;
mod text;

pub use attributes::{ATTRIBUTES, Attribute};
pub use list::{Kind, METRICS, Metric, names};
pub use text::Text;
