//! Which records a person asks for.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use faramesh_call::Effect;
use faramesh_dpr::Kind;
use faramesh_ledger::Filter;

use crate::failure::Failure;
use crate::views::time::{now, parse_point};

const KINDS: [&str; 9] =
    ["decision", "outcome", "approval", "grant", "policy", "lifecycle", "emergency", "credential", "erasure"];

/// Records that have all that is named.
#[derive(Debug, Args)]
pub struct Selection {
    /// Of this agent
    #[arg(long)]
    agent: Option<String>,
    /// With this effect
    #[arg(long, value_parser = ["permit", "defer", "deny"])]
    effect: Option<String>,
    /// Of a tool that matches this pattern: `stripe/refund`, `stripe/*`
    #[arg(long, value_name = "PATTERN")]
    tool: Option<String>,
    /// Of this session
    #[arg(long)]
    session: Option<String>,
    /// Of this kind
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,
    /// Since then: `24h`, `2026-11-20`, `2026-11-20T09:30:00Z`
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    since: Option<String>,
    /// From then on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many, the newest
    #[arg(long, value_name = "RECORDS")]
    limit: Option<usize>,
}

/// A selection, and the ledger to read.
#[derive(Debug, Args)]
pub struct Listing {
    #[command(flatten)]
    pub selection: Selection,
    /// Read this ledger's folder instead of the stack's
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
}

impl Selection {
    /// The selection as the ledger takes it; `limit` counts the newest.
    ///
    /// # Errors
    /// A time cannot be read.
    pub fn filter(&self) -> Result<Filter, Failure> {
        let point = |text: &Option<String>| match text {
            Some(text) => parse_point(text, now()).map(Some).map_err(Failure::usage),
            None => Ok(None),
        };
        Ok(Filter {
            agent: self.agent.clone(),
            effect: self.effect.as_deref().and_then(Effect::parse),
            tool: self.tool.clone(),
            session: self.session.clone(),
            kind: self.kind.as_deref().and_then(Kind::parse),
            since: match point(&self.since)? {
                Some(since) => Some(since),
                None => point(&self.from)?,
            },
            until: point(&self.to)?,
            limit: self.limit,
            newest_first: true,
            ..Filter::default()
        })
    }

    /// Whether earlier records are asked for, and not only those to come.
    pub fn asks_for_earlier(&self) -> bool {
        self.since.is_some() || self.from.is_some() || self.limit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_asked_for() {
        assert_eq!(KINDS, Kind::ALL.map(Kind::as_str));
    }
}
