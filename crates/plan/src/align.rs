//! Two lists of rules laid side by side: the longest run of rules that kept their order stays, and
//! what is left over is new, gone, changed or moved.

/// Longest list that is aligned exactly; a longer one is aligned by its common ends.
const MAX_EXACT: usize = 2_000;

/// How one rule of the two lists fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// In both, in order: index in the old list, index in the new one.
    Same,
    /// Only in the old list, or there at another place.
    Old(usize),
    /// Only in the new list, or there at another place.
    New(usize),
}

/// The steps from `old` to `new`, in the order of the new list.
pub(crate) fn align(old: &[&str], new: &[&str]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(left, right)| left == right).count();
    let rest = old.len().min(new.len()) - head;
    let tail =
        old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(left, right)| left == right).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let old_middle = old.get(head..old_end).unwrap_or_default();
    let new_middle = new.get(head..new_end).unwrap_or_default();
    let mut steps = vec![Step::Same; head];
    if old_middle.len().max(new_middle.len()) > MAX_EXACT {
        steps.extend((head..old_end).map(Step::Old));
        steps.extend((head..new_end).map(Step::New));
    } else {
        steps.extend(middle(old_middle, new_middle).into_iter().map(|step| match step {
            Step::Same => Step::Same,
            Step::Old(at) => Step::Old(at + head),
            Step::New(at) => Step::New(at + head),
        }));
    }
    steps.extend(std::iter::repeat_n(Step::Same, tail));
    steps
}

/// The longest common subsequence by its table, then the walk through it.
fn middle(old: &[&str], new: &[&str]) -> Vec<Step> {
    let width = new.len() + 1;
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at =
        |lengths: &[u32], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for (row, left) in old.iter().enumerate().rev() {
        for (column, right) in new.iter().enumerate().rev() {
            let length = if left == right {
                at(&lengths, row + 1, column + 1) + 1
            } else {
                at(&lengths, row + 1, column).max(at(&lengths, row, column + 1))
            };
            if let Some(cell) = lengths.get_mut(row * width + column) {
                *cell = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut steps = Vec::new();
    while row < old.len() || column < new.len() {
        if row < old.len() && column < new.len() && old.get(row) == new.get(column) {
            steps.push(Step::Same);
            (row, column) = (row + 1, column + 1);
        } else if column >= new.len()
            || (row < old.len() && at(&lengths, row + 1, column) >= at(&lengths, row, column + 1))
        {
            steps.push(Step::Old(row));
            row += 1;
        } else {
            steps.push(Step::New(column));
            column += 1;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{New, Old, Same};

    #[test]
    fn what_kept_its_order_stays() {
        let cases: &[(&[&str], &[&str], &[Step])] = &[
            (&["a", "b"], &["a", "b"], &[Same, Same]),
            (&["a", "b"], &["a", "x", "b"], &[Same, New(1), Same]),
            (&["a", "b", "c"], &["a", "c"], &[Same, Old(1), Same]),
            (&["a", "b"], &["a", "x"], &[Same, Old(1), New(1)]),
            (&["a", "b", "c"], &["c", "a", "b"], &[New(0), Same, Same, Old(2)]),
            (&[], &["a"], &[New(0)]),
            (&["a"], &[], &[Old(0)]),
        ];
        for (old, new, expected) in cases {
            assert_eq!(align(old, new), *expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn long_lists_are_bounded() {
        let old: Vec<String> = (0..5_000).map(|number| format!("old {number}")).collect();
        let new: Vec<String> = (0..5_000).map(|number| format!("new {number}")).collect();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        assert_eq!(align(&old, &new).len(), 10_000);
    }
}
