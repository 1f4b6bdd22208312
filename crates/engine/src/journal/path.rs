//! A step's place in its workflow: the same in every attempt, whichever of several branches comes to it first.
//!
//! `3` is the workflow's third step; `4/0/2` the second step in the first branch of the fan-out at the fourth place. So
//! the numbers at even depths follow each other, and those at odd depths stand side by side.

/// Whether the step at `other` begins only after the one at `path` has ended: at the first place where they differ,
/// it comes later in the same sequence.
pub(crate) fn follows(other: &str, path: &str) -> bool {
    let (mut others, mut own) = (numbers(other), numbers(path));
    let mut depth = 0;
    loop {
        match (others.next(), own.next()) {
            (Some(theirs), Some(ours)) if theirs == ours => depth += 1,
            (Some(theirs), Some(ours)) => return depth % 2 == 0 && theirs > ours,
            _ => return false,
        }
    }
}

/// The workflow's own step that the path is, or belongs to.
pub(crate) fn top(path: &str) -> i64 {
    numbers(path).next().unwrap_or(0)
}

/// The step's own number among those of its branch.
pub(crate) fn last(path: &str) -> i64 {
    path.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn numbers(path: &str) -> impl Iterator<Item = i64> {
    path.split('/').map(|number| number.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_one_sequence_follow_each_other_and_branches_do_not() {
        assert!(follows("2", "1") && follows("10", "9") && !follows("1", "2") && !follows("1", "1"));
        assert!(follows("4/0/2", "4/0/1"), "in one branch");
        assert!(!follows("4/1/1", "4/0/1") && !follows("4/0/1", "4/1/1"), "in two branches");
        assert!(follows("5", "4/0/1") && follows("4/0/1", "3"), "before and after the fan-out");
        assert_eq!((top("3"), top("4/0/2")), (3, 4));
        assert_eq!((last("3"), last("4/0/2"), last("")), (3, 2, 0));
    }
}
