//! The last word of a text on one revocation.

/// All that is said of one revocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The last word; `false` if it was undone.
    pub(super) is_revoked: bool,
    /// Number of undos. One that an earlier reading had already, before the thing
    /// was revoked again, is the end of a text that was cut there, and no order.
    pub(super) undone: usize,
}

impl Word {
    /// Adds one line.
    pub(super) fn say(&mut self, is_revoked: bool) {
        self.is_revoked = is_revoked;
        self.undone += usize::from(!is_revoked);
    }

    /// True if this takes back what is known as revoked.
    pub(super) fn undoes(self, known: Self) -> bool {
        !self.is_revoked && self.undone > known.undone
    }

    /// The lines that a text which says `known` lacks to say this.
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
    fn what_a_text_lacks_is_what_makes_it_say_the_same() {
        let word = |is_revoked, undone| Word { is_revoked, undone };
        for (said, known, lines) in [
            (word(true, 0), word(false, 0), vec![true]),
            (word(true, 2), word(true, 0), vec![false, false, true]),
            (word(true, 1), word(false, 1), vec![true]),
            (word(false, 2), word(true, 1), vec![false]),
            (word(false, 1), word(true, 1), vec![]),
            (word(true, 0), word(true, 3), vec![]),
            (word(true, 0), word(false, 3), vec![true]),
            (word(false, 1), word(false, 1), vec![]),
        ] {
            assert_eq!(said.missing_in(known), lines, "{said:?} {known:?}");
        }
    }
}
