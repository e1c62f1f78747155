//! How far work over many records is.

use std::time::{Duration, Instant};

use faramesh_ledger::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use crate::context::Context;
use crate::views::table::counted;

/// Work that takes longer shows how far it is.
const QUIET_TIME: Duration = Duration::from_secs(1);

/// A progress bar that comes only when the work takes long.
#[derive(Debug)]
pub struct Bar {
    /// What is done.
    doing: &'static str,
    shown: Option<ProgressBar>,
    began: Instant,
    may_show: bool,
}

impl Bar {
    /// A bar over work that is named by a word.
    pub fn new(doing: &'static str, context: &Context) -> Self {
        Self { doing, shown: None, began: Instant::now(), may_show: context.console.can_show_progress() }
    }

    /// Shows how many files are done.
    pub fn show(&mut self, progress: Progress) {
        if self.shown.is_none() && self.may_show && self.began.elapsed() >= QUIET_TIME {
            let style = ProgressStyle::with_template(&format!(
                "{} {{wide_bar}} file {{pos}} of {{len}}, {{msg}}",
                self.doing
            ));
            let bar = ProgressBar::new(progress.segments);
            self.shown = Some(style.map(|style| bar.clone().with_style(style)).unwrap_or(bar));
        }
        if let Some(bar) = &self.shown {
            bar.set_position(progress.segment);
            bar.set_message(counted(progress.records, "record"));
        }
    }

    /// Shows a count whose end is not known.
    pub fn count(&mut self, records: u64) {
        if self.shown.is_none() && self.may_show && self.began.elapsed() >= QUIET_TIME {
            let style = ProgressStyle::with_template(&format!("{} {{spinner}} {{msg}}", self.doing));
            let bar = ProgressBar::new_spinner();
            self.shown = Some(style.map(|style| bar.clone().with_style(style)).unwrap_or(bar));
        }
        if let Some(bar) = &self.shown {
            bar.set_message(counted(records, "record"));
            bar.tick();
        }
    }

    /// Takes it from the screen.
    pub fn end(self) {
        if let Some(bar) = self.shown {
            bar.finish_and_clear();
        }
    }
}
