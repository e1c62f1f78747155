//! What is allowed and probably not meant: looked for in a stack that is otherwise sound.

use crate::checker::Checker;
use crate::stack::Stack;

mod anchors;
mod asked;
mod callers;
mod patterns;
mod reach;
mod skipped;
mod tellers;
mod unreached;
mod whole;

/// Runs every analysis over the stack.
pub(crate) fn run(checker: &mut Checker<'_>, stack: &Stack) {
    whole::check(checker, stack);
    callers::check(checker, stack);
    tellers::check(checker, stack);
    for agent in &stack.agents {
        reach::check(checker, agent);
        skipped::check(checker, agent);
    }
}
