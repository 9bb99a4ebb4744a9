//! State of one revocation after the lines of a text.

/// State of one revocation after all lines about it in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RevocationState {
    /// True if the last line revokes; false if it undoes, or if there is none.
    pub(super) is_revoked: bool,
    /// Number of undos. An undo that was known before the login was revoked again is no
    /// order: the text was cut off after it.
    pub(super) undone: usize,
}

impl RevocationState {
    /// Adds one line.
    pub(super) fn apply(&mut self, is_revoked: bool) {
        self.is_revoked = is_revoked;
        self.undone += usize::from(!is_revoked);
    }

    /// True if this text undoes a revocation whose `known` state is revoked.
    pub(super) fn undoes(self, known: Self) -> bool {
        !self.is_revoked && self.undone > known.undone
    }

    /// Returns the lines to append to a text with the state `known`, so that it has this
    /// state: true for a line that revokes, false for one that undoes.
    pub(super) fn missing_in(self, known: Self) -> Vec<bool> {
        if known.is_revoked && !self.is_revoked && !self.undoes(known) {
            return Vec::new();
        }
        let mut lines = vec![false; self.undone.saturating_sub(known.undone)];
        let last = lines.last().copied().unwrap_or(known.is_revoked);
        if last != self.is_revoked {
            lines.push(self.is_revoked);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_lines_give_a_text_the_same_state() {
        let state = |is_revoked, undone| RevocationState { is_revoked, undone };
        for (wanted, known, lines) in [
            (state(true, 0), state(false, 0), vec![true]),
            (state(true, 2), state(true, 0), vec![false, false, true]),
            (state(true, 1), state(false, 1), vec![true]),
            (state(false, 2), state(true, 1), vec![false]),
            (state(false, 1), state(true, 1), vec![]),
            (state(true, 0), state(true, 3), vec![]),
            (state(true, 0), state(false, 3), vec![true]),
            (state(false, 1), state(false, 1), vec![]),
        ] {
            assert_eq!(wanted.missing_in(known), lines, "{wanted:?} {known:?}");
        }
    }
}
