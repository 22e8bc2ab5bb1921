//! A tournament of runs (Knuth, The Art of Computer Programming 3, 5.4.1): the next of k runs is known after log2 k comparisons.

/// Runs by number; an inner node holds the loser of its match.
#[derive(Debug, Default)]
pub struct LoserTree {
    /// The winner of all, and the losers at their nodes.
    nodes: Vec<usize>,
}

const NOBODY: usize = usize::MAX;

impl LoserTree {
    /// Lets so many runs play.
    pub fn new(runs: usize, beats: impl Fn(usize, usize) -> bool) -> Self {
        let mut tree = Self { nodes: vec![NOBODY; runs] };
        for run in 0..runs {
            tree.play(run, &beats);
        }
        tree
    }

    /// The run that comes first of all.
    #[inline]
    pub fn winner(&self) -> Option<usize> {
        self.nodes.first().copied()
    }

    /// Lets the winner play again, which has gone on.
    #[inline]
    pub fn replay(&mut self, beats: impl Fn(usize, usize) -> bool) {
        if let Some(winner) = self.winner() {
            self.play(winner, &beats);
        }
    }

    /// Plays from a run's leaf up; whoever meets nobody yet waits there.
    #[inline]
    fn play(&mut self, run: usize, beats: &impl Fn(usize, usize) -> bool) {
        let mut winner = run;
        let mut node = (run + self.nodes.len()) / 2;
        while node > 0 {
            let Some(waiting) = self.nodes.get_mut(node) else { return };
            if *waiting == NOBODY {
                *waiting = winner;
                return;
            }
            if beats(*waiting, winner) {
                std::mem::swap(waiting, &mut winner);
            }
            node /= 2;
        }
        if let Some(first) = self.nodes.first_mut() {
            *first = winner;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LoserTree;

    #[test]
    fn any_number_of_runs_comes_out_in_order() {
        for runs in 0..20usize {
            // Run n has the numbers n, n + 7, n + 14 ... below 100.
            let mut next: Vec<usize> = (0..runs).map(|run| run % 7).collect();
            let all: Vec<usize> = (0..runs).flat_map(|run| (run % 7..100).step_by(7)).collect();
            let beats = |next: &[usize], one: usize, other: usize| (next[one], one) < (next[other], other);
            let mut tree = LoserTree::new(runs, |one, other| beats(&next, one, other));
            let mut out = Vec::new();
            while let Some(winner) = tree.winner().filter(|winner| next[*winner] < 100) {
                out.push(next[winner]);
                next[winner] += 7;
                tree.replay(|one, other| beats(&next, one, other));
            }
            let mut expected = all;
            expected.sort_unstable();
            assert_eq!(out, expected, "{runs} runs");
        }
    }
}
